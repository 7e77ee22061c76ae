<?php

return new class {
    public function up(array $tables): array
    {
        return [...$tables, 'visits' => ['id', 'at']];
    }

    public function down(array $tables): array
    {
        return array_diff_key($tables, ['visits' => true]);
    }

    public function describe(): string
    {
        return 'create table "visits" ("id", "at")';
    }
};
