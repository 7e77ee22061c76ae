<?php

return new class {
    public function up(array $tables): array
    {
        return [...$tables, 'users' => ['id', 'name']];
    }

    public function down(array $tables): array
    {
        return array_diff_key($tables, ['users' => true]);
    }

    public function describe(): string
    {
        return 'create table "users" ("id", "name")';
    }
};
