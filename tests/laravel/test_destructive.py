"""What a migration takes away is read from its PHP: what it does on its way up, in code and in SQL."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.laravel.blueprints import created
from fabfile.laravel.destructive import of_sql, verdict
from fabfile.laravel.unfilled import WHY
from fabfile.laravel.verdict import Kind

CLASS = """<?php
return new class extends Migration {{
    public function up(): void
    {{
        {up}
    }}
    // Schema::drop('comments')
    public function down(): void
    {{
        if (true) {{ Schema::dropIfExists('users'); }}
        DB::statement('DROP TABLE users');
    }}
    private function later() {{ {later} }}
}};
"""

SAFE = (
    "Schema::create('users', function (Blueprint $table) { $table->id(); $table->string('drop')->nullable(); });",
    "Schema::table('users', fn ($t) => $t->string('rename')->nullable());",
    "Schema::table('users', function ($t) { $t->after('x', fn ($t) => $t->integer('a')->unsigned()->default(0)); });",
    "Schema::table('users', function ($t) { $t->timestamps(); $t->softDeletes(); $t->id(); $t->integer('a')->autoIncrement(); });",
    "Schema::table('users', fn ($t) => $t->timestamp('seen')->useCurrent());",
    "Schema::create('teams', fn ($t) => $t->id()); Schema::table('teams', fn ($t) => $t->string('name'));",
    "DB::table('users')->where('a', Str::of('x')->string())->update(['a' => $this->date('x')]);",
    "Schema::table('users', fn ($t) => $t->dropIndex(['name']));",
    "Schema::table('users', fn ($t) => $t->renameIndex('a', 'b'));",
    "$drop = 'DROP TABLE users'; $this->note($drop);",
    "/* $table->dropColumn('name') */ # Schema::drop('x')",
    "drop('users');",
    "DB::table('users')->insert(['name' => 'change']);",
)
GONE = {
    "Schema::table('users', function ($t) { $t->dropColumn('name'); });": "dropColumn in line 5",
    "Schema::dropIfExists('users');": "dropIfExists in line 5",
    "Schema::connection('x')->drop('users');": "drop in line 5",
    "Schema::rename('users', 'people');": "rename in line 5",
    "\n$t->renameColumn('a', 'b');": "renameColumn in line 6",
    "$t?->STRING('name', 50)->Change();": "Change in line 5",
    "$t->dropSoftDeletes();": "dropSoftDeletes in line 5",
    "Schema::dropDatabaseIfExists('notes');": "dropDatabaseIfExists in line 5",
    "DB::table('users')->truncate();": "truncate in line 5",
    "DB::statement('DELETE  FROM users');": "DELETE FROM in line 5",
    "DB::unprepared('DELETE users FROM users JOIN teams USING (team)');": "DELETE USERS FROM in line 5",
    "Schema::table('users', fn ($t) => $t->string('a'));": f"string('a'), {WHY}, in line 5",
    "Schema::table('users', fn ($t) => $t->foreignIdFor(Team::class)->after('b')->constrained());": f"foreignIdFor(…), {WHY}, in line 5",
    "Schema::table('users', function ($t) { $t->date('a')->nullable(false)->comment('x'); });": f"date('a'), {WHY}, in line 5",
    "if (!Schema::hasTable('a')) { Schema::create('a', fn ($t) => 1); } Schema::table('a', fn ($t) => $t->char('b'));": (
        f"char('b'), {WHY}, in line 5"
    ),
    "DB::statement('ALTER TABLE users ADD a INT NOT NULL');": f"a column of users, {WHY}, in line 5",
    "DB::statement('drop table users');": "DROP in line 5",
    "DB::unprepared(<<<SQL\n    ALTER TABLE users\n        DROP name;\nSQL);": "DROP in line 5",
    '$sql = "TRUNCATE users"; DB::statement($sql);': "TRUNCATE in line 5",
    "DB::statement('ALTER TABLE users RENAME TO people');": "RENAME in line 5",
    "DB::statement('ALTER TABLE users MODIFY name CHAR(9)');": "MODIFY in line 5",
}
UNKNOWN = {
    "DB::statement('CREATE INDEX i ON users (name)');": "statement in line 5",
    "DB::statement('ALTER TABLE users DROP INDEX i');": "statement in line 5",
    "DB::unprepared(file_get_contents($file));": "unprepared in line 5",
    "DB::table('users')->where('id', 1)->delete();": "delete in line 5",
    "DB::statement('DELETE FROM users WHERE id = 1');": "statement in line 5",
}


@pytest.mark.parametrize("up", SAFE)
def test_nothing_is_taken_away(up: str) -> None:
    assert str(verdict(CLASS.format(up=up, later=""))) == "safe"


@pytest.mark.parametrize(("kind", "up", "why"), [
    *(("destructive", up, why) for up, why in GONE.items()),
    *(("unknown", up, why) for up, why in UNKNOWN.items()),
])  # fmt: skip
def test_what_is_found_is_named_with_its_line(kind: str, up: str, why: str) -> None:
    assert str(verdict(CLASS.format(up=up, later=""))) == f"{kind}: {why}"
    assert verdict(CLASS.format(up="$this->later();", later=up)).kind == kind


# As the grammars of MySQL, PostgreSQL and SQLite write it, and as people do.
UNFILLED = (
    "alter table `users` add `a` varchar(255) not null",
    "alter table `users` add `a` decimal(8, 2) null, add `b` decimal(8, 2) not null after `a`",
    'alter table "public"."users" add column "a" timestamp(0) without time zone not null',
    'alter table "users" add column "a" varchar not null',
    "ALTER TABLE users ADD COLUMN a INT UNSIGNED NOT NULL COMMENT 'no default'",
)
NOBODY_HAS_TO = (
    "alter table `users` add `a` varchar(255) not null default 'x', add `b` int null",
    "alter table `users` add `id` bigint unsigned not null auto_increment primary key",
    'alter table "users" add column "id" bigserial not null primary key',
    'alter table "users" add column "id" bigint not null generated by default as identity',
    "alter table `users` add `a` int as (b + 1) stored not null",
    "alter table `users` add constraint `c` check (`a` is not null)",
    "create table `users` (`id` int not null); alter table `users` add `a` int not null",
    "alter table `users` add `a` varchar(9) null comment 'not null'",
)


@pytest.mark.parametrize("sql", UNFILLED)
def test_sql_for_a_column_that_has_to_be_filled(sql: str) -> None:
    assert str(of_sql([sql])) == f"destructive: a column of users, {WHY}, in its SQL"


@pytest.mark.parametrize("sql", NOBODY_HAS_TO)
def test_sql_for_a_column_that_nobody_has_to_fill(sql: str) -> None:
    assert str(of_sql(sql.split("; "))) == "safe"


@pytest.mark.parametrize(("sql", "kind"), [("delete from `users`", "destructive"), ("delete from `users` where `id` = 1", "safe")])
def test_sql_that_empties_a_table(sql: str, kind: str) -> None:
    assert of_sql([sql]).kind == kind


def test_a_table_of_another_migration_that_did_not_run_yet_has_no_users() -> None:
    first = CLASS.format(up="Schema::create('teams', fn ($t) => $t->id());", later="")
    up = CLASS.format(up="Schema::table('teams', fn ($t) => $t->string('a'));", later="")
    sql = ["alter table `teams` add `a` int not null"]
    assert [str(each) for each in (verdict(up, created(first)), of_sql(sql, created(first)))] == ["safe", "safe"]
    assert verdict(up).kind == of_sql(sql).kind == "destructive"


def test_a_down_that_is_declared_only_hides_nothing() -> None:
    assert verdict("<?php class A { abstract function down(); function up() { Schema::drop('x'); } }").kind == "destructive"
    assert verdict("<?php class A { function down() { Schema::drop('x'); ").kind == "safe"


@given(st.text())
def test_any_text_has_a_verdict(text: str) -> None:
    assert verdict("<?php " + text).kind in get_args(Kind)
