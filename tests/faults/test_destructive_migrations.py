"""Migrations that take away what the release that serves still uses are shown, and stop the deployment unless they are allowed.

So does a release that serves and does not stand the migrations of the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.security.conftest import SAMPLE, pack
from tests.support.deployment import World
from tests.support.site import leftovers, records

pytestmark = pytest.mark.system

MIGRATION = """<?php
return new class {{
    public function up(array $tables): array {{ return $tables; }}
    public function down(array $tables): array {{ return $tables; }}
    public function describe(): string {{ return '{sql}'; }}
    private function never() {{ {body} }}
}};
"""
BODIES = {
    "2026_03_01_000000_add_colour": "Schema::create('colours', fn ($table) => $table->id());",
    "2026_03_02_000000_index_colour": "DB::statement('CREATE INDEX i ON users (colour)');",
    "2026_03_02_500000_elsewhere": "Artisan::call('db:wipe');",
    "2026_03_03_000000_drop_name": "Schema::table('users', fn ($table) => $table->dropColumn('name'));",
}
SQL = {"2026_03_01_000000_add_colour": "create table `colours` (`id` int)", "2026_03_04_000000_more": "alter table `users` drop `x`"}
LAST = "2026_03_03_000000_drop_name"


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], sample: Path) -> World:
    """A site that serves; its first deployment had a destructive migration too, and nothing to lose."""
    world = sample_worlds()
    first = pack(world.folder / "first.tar.gz", files({"2026_02_02_000000_once": "Schema::drop('old');"}))
    done = world.deploy("--artifact", str(first))
    assert done.code == 0, done.text
    return world


def files(bodies: dict[str, str]) -> dict[str, str]:
    return {f"database/migrations/{name}.php": MIGRATION.format(body=body, sql=SQL.get(name, "")) for name, body in bodies.items()}


def test_a_destructive_migration_stops_before_anything_changes_unless_it_is_allowed(world: World, tmp_path: Path) -> None:
    artifact = str(pack(tmp_path / "next.tar.gz", files(BODIES)))
    before, database = world.current(), world.artisan("migrate:status")
    with world.load("/up") as load:
        stopped = world.deploy("--artifact", artifact, "--set=hosts.prod.maintenance=true")
    assert stopped.code == 4, stopped.text
    assert "2026_03_01_000000_add_colour: safe\n      create table `colours` (`id` int)\n" in stopped.out
    assert "the SQL is an estimate" in stopped.out
    assert "2026_03_02_000000_index_colour: locking: an index of users in line 6" in stopped.out
    assert "2026_03_02_500000_elsewhere: unknown: Artisan in line 6\n" in stopped.out
    assert f"{LAST}: dropColumn in line 6" in stopped.err
    assert "--set allow_destructive=true" in stopped.err
    assert f"{before} still serves" in stopped.err
    assert (world.current(), world.artisan("migrate:status"), load.failed) == (before, database, [])
    assert records(world.site)[world.releases()[-1]]["migrations"] == []

    around = world.deploy("--artifact", artifact, '--set=hooks.pre_release=[{task="server.review",on_error="warn"}]')
    assert around.code == 4, "the step that runs them looks again, whatever became of the review"
    assert "6.1-migrate" in around.err
    assert (world.current(), world.artisan("migrate:status")) == (before, database)

    allowed = world.deploy("--artifact", artifact, "--set=allow_destructive=true")
    assert allowed.code == 0, allowed.text
    assert f"{LAST}: destructive: dropColumn in line 6" in allowed.out
    assert records(world.site)[str(world.current())]["migrations"] == list(BODIES)
    assert leftovers(world.site) == []


FRAGILE = """<?php
if (str_contains((string) @file_get_contents(__DIR__ . '/../storage/app/database.json'), '"%s"')) {
    http_response_code(500);
    exit('a column is missing');
}
"""
BREAKING = """<?php
return new class {{
    public function up(array $tables): array {{ return [...$tables, '{table}' => []]; }}
    public function describe(): string {{ return 'create table `{table}` (`id` int)'; }}
}};
"""


def fragile(table: str) -> str:
    """An index.php that breaks as soon as there is this table."""
    return FRAGILE % table + (SAMPLE / "public/index.php").read_text().removeprefix("<?php")


def test_a_release_that_does_not_stand_the_migrations_stops_before_the_switch(world: World, sample: Path, tmp_path: Path) -> None:
    old = pack(tmp_path / "old.tar.gz", {"public/index.php": fragile("breaking")})
    assert world.deploy("--artifact", str(old)).code == 0
    before, name = world.current(), "database/migrations/2026_04_01_000000_breaking.php"
    artifact = str(pack(tmp_path / "new.tar.gz", {name: BREAKING.format(table="breaking"), "public/index.php": fragile("meant")}))
    stopped = world.deploy("--artifact", artifact)
    assert stopped.code == 4, stopped.text
    assert f"{before}, which serves, was well before the migrations and now answers /up with 500" in stopped.err
    assert "migrations that ran: 2026_04_01_000000_breaking; the schema stays" in stopped.err
    assert (world.current(), world.get("/up").status) == (before, 500)
    assert records(world.site)[world.releases()[-1]]["migrations"] == ["2026_04_01_000000_breaking"]

    healed = world.deploy("--artifact", artifact)
    assert healed.code == 0, healed.text
    assert world.get("/up").status == 200


def test_one_that_was_meant_to_be_left_behind_is_warned_of(world: World, tmp_path: Path) -> None:
    text = BREAKING.format(table="meant").replace("create table `meant` (`id` int)", "drop table `users`")
    artifact = pack(tmp_path / "new.tar.gz", {"database/migrations/2026_05_01_000000_meant.php": text})
    refused = world.deploy("--artifact", str(artifact))
    assert refused.code == 4, refused.text
    assert "2026_05_01_000000_meant: DROP in its SQL" in refused.err
    done = world.deploy("--artifact", str(artifact), "--set=allow_destructive=true")
    assert done.code == 3, done.text
    assert "was well before the migrations and now answers /up with 500, until the switch" in done.out
    assert world.get("/up").status == 200


def test_artisan_is_asked_once_what_is_pending_and_again_only_after_migrating(world: World, sample: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = tmp_path / "php"
    program.write_text(f'#!/bin/sh\n[ "$1" != artisan ] || echo "$2 $3" >>"{told}"\nexec php "$@"\n')
    program.chmod(0o755)

    def asked(artifact: Path | None) -> list[str]:
        told.write_text("")
        words = ["deploy", "--artifact", str(artifact)] if artifact else ["server.review"]
        done = world.fab(*words, "--host=prod", f"--set=hosts.prod.php={program}")
        assert done.code == 0, done.text
        return [line for line in told.read_text().splitlines() if line.startswith("migrate")]

    again = pack(tmp_path / "again.tar.gz", {"database/migrations/2026_06_01_000000_new.php": BREAKING.format(table="new")})
    assert asked(again) == ["migrate:status --no-interaction", "migrate --pretend", "migrate --force", "migrate:status --no-interaction"]
    assert asked(again) == ["migrate:status --no-interaction"]
    (world.site / "shared/storage/app/database.json").unlink()
    assert asked(None) == ["migrate:status --no-interaction"], "to pretend would make the table"
