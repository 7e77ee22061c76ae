"""Whom a migration keeps waiting is read from its PHP and from its SQL; the worst that either says counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.laravel import destructive, locking
from fabfile.laravel.verdict import NO_FILE, Verdict, worst

from .test_destructive import CLASS

IN_PHP = {
    "Schema::table('users', function ($t) { $t->string('a')->nullable()->index(); });": ("index in line 5", "users"),
    "Schema::table('users', fn ($t) => $t->unique(['a', 'b']));": ("unique in line 5", "users"),
    "Schema::table('users', fn ($t) => $t->foreignId('team_id')->constrained());": ("constrained in line 5", "users"),
    "Schema::connection('x')->table('users', fn ($t) => $t->string('a')->default('x'));": ("default in line 5", "users"),
    "DB::statement('CREATE INDEX i ON users (a)');": ("an index of users in line 5", "users"),
    "DB::statement('ALTER TABLE users ADD PRIMARY KEY (a), ALGORITHM=COPY');": ("an index or a key of users in line 5", "users"),
}
HARMLESS = (
    "Schema::table('users', fn ($t) => $t->string('index')->nullable());",
    "Schema::create('users', fn ($t) => $t->string('a')->default('x')->index());",
    "Schema::create('users', fn ($t) => $t->id()); Schema::table('users', fn ($t) => $t->index('a'));",
    "DB::table('users')->where('a', 1)->update(['index' => 1]);",
    "DB::statement('CREATE INDEX CONCURRENTLY i ON users (a)');",
)
# What the grammars of MySQL, PostgreSQL and SQLite write, and what people do.
IN_SQL = {
    "alter table `users` add index `users_a_index`(`a`)": "an index or a key of users",
    "alter table `users` add constraint `f` foreign key (`a`) references `teams` (`id`)": "an index or a key of users",
    "alter table `users` add `a` varchar(255) not null default 'x'": "a column with a default of users",
    "alter table `users` modify `a` bigint not null": "a change of a column of users",
    "alter table `users` engine=InnoDB": "a copy of the table of users",
    'create unique index "users_a_unique" on "users" ("a")': "an index of users",
    'alter table "public"."users" alter column "a" type bigint': "a change of a column of users",
    'alter table "users" alter column "a" set not null': "a change of a column of users",
    "VACUUM FULL users": "VACUUM FULL",
}
SAFE_SQL = (
    "alter table `users` add `index` varchar(255) null",
    "alter table `users` add `a` varchar(255) null comment 'add index, drop table x'",
    'create index concurrently "i" on "users" ("a")',
    'alter table "users" add constraint "f" foreign key ("a") references "t" ("id") not valid',
    "create table `posts` (`id` int); alter table `posts` add unique `u`(`a`)",
    "select 'drop table users'",
)
REBUILT = ('create table "__temp__users" ("id" integer)', 'drop table "users"', 'alter table "__temp__users" rename to "users"')


@pytest.mark.parametrize(("up", "found"), IN_PHP.items())
def test_what_locks_is_named_with_its_line_and_table(up: str, found: tuple[str, str]) -> None:
    why, table = found
    said = locking.verdict(CLASS.format(up=up, later=""))
    assert (said.kind, said.why[0], said.tables) == ("locking", why, (table,))


@pytest.mark.parametrize("up", HARMLESS)
def test_nobody_waits(up: str) -> None:
    assert locking.verdict(CLASS.format(up=up, later="")) == Verdict()


@pytest.mark.parametrize(("sql", "why"), IN_SQL.items())
def test_sql_that_locks(sql: str, why: str) -> None:
    assert locking.of_sql([sql]) == Verdict("locking", (f"{why} in its SQL",), ("users",))


@pytest.mark.parametrize("sql", SAFE_SQL)
def test_sql_that_keeps_nobody_waiting_and_takes_nothing(sql: str) -> None:
    assert (locking.of_sql(sql.split("; ")), destructive.of_sql([sql])) == (Verdict(), Verdict())


@pytest.mark.parametrize("sql", ["alter table `users` drop `a`", 'drop table "users"', "truncate users", "alter table a rename to b"])
def test_sql_that_takes_something_away(sql: str) -> None:
    assert destructive.of_sql([sql]).kind == "destructive"


def test_a_table_that_sqlite_rebuilds_does_not_go_but_is_locked() -> None:
    assert destructive.of_sql(REBUILT) == Verdict()
    assert locking.of_sql(REBUILT) == Verdict("locking", ("users is copied in its SQL",), ("users",))
    assert destructive.of_sql([*REBUILT, 'drop table "teams"']).kind == "destructive"


def test_the_worst_counts_and_the_first_of_two_that_are_as_bad() -> None:
    locks, others = Verdict("locking", ("a",), ("t",)), Verdict("locking", ("b",), ("u",))
    assert worst(Verdict(), NO_FILE, locks, others) == Verdict("locking", ("a",), ("t", "u"))
    assert worst(locks, Verdict("destructive", ("c",))) == Verdict("destructive", ("c",), ("t",))
    assert worst(NO_FILE, Verdict()).kind == "unknown"


@given(st.text(), st.text())
def test_any_text_has_a_verdict(php: str, sql: str) -> None:
    locking.verdict("<?php " + php)
    worst(locking.of_sql([sql]), destructive.of_sql([sql]))
