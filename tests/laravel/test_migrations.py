"""migrate:status is read as Laravel prints it, and never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.engine.errors import Failure
from fabfile.laravel import migrations

from ..support import laravel

OLD = """+------+------------------------------------------------+-------+
| Ran? | Migration                                      | Batch |
+------+------------------------------------------------+-------+
| Yes  | 2014_10_12_000000_create_users_table           | 1     |
| No   | 2019_08_19_000000_create_failed_jobs_table     |       |
+------+------------------------------------------------+-------+
"""
NEW = """
  Migration name ................................................ Batch / Status
  2014_10_12_000000_create_users_table ................................. [1] Ran
  2019_08_19_000000_create_failed_jobs_table ........................... Pending
  2020_01_01_000000_a_name_so_long_that_no_dots_are_left Pending
"""
COLOURS = """
  \x1b[90m2014_10_12_000000_create_users_table\x1b[39m \x1b[90m......\x1b[39m [12] \x1b[32;1mRan\x1b[39;22m
  2015_a \x1b[90m....\x1b[39m \x1b[33;1mPending\x1b[39;22m
"""


@pytest.mark.parametrize(
    ("output", "pending", "batch"),
    [
        (OLD, ("2019_08_19_000000_create_failed_jobs_table",), 1),
        (NEW, ("2019_08_19_000000_create_failed_jobs_table", "2020_01_01_000000_a_name_so_long_that_no_dots_are_left"), 1),
        (
            NEW.replace("\n", "\r\n"),
            ("2019_08_19_000000_create_failed_jobs_table", "2020_01_01_000000_a_name_so_long_that_no_dots_are_left"),
            1,
        ),
        (COLOURS, ("2015_a",), 12),
        ("\n   INFO  No pending migrations.  \n", (), 0),
        ("No migrations found\n", (), 0),
        ("\n   ERROR  Migration table not found.  \n", migrations.ALL, 0),
        ("Migration table not found.\n", migrations.ALL, 0),
    ],
)
def test_what_is_pending(output: str, pending: tuple[str, ...], batch: int) -> None:
    assert migrations.pending(output) == pending
    assert migrations.last_batch(output) == batch


@pytest.mark.parametrize(
    ("output", "missing"),
    [
        ("\n  Database file at path [/srv/app/shared/storage/app/database.sqli  \n  te] does not exist. Ensure this is an abso  \n", True),
        ("\n  Database (/srv/app/shared/database.sqlite) does not exist.  \n", True),
        ("\n  SQLSTATE[HY000] [1049] Unknown database 'shop'  \n", False),
        ("\n   ERROR  Migration table not found.  \n", False),
    ],
)
def test_a_sqlite_file_that_is_not_there_is_told_from_other_trouble(output: str, missing: bool) -> None:
    assert migrations.no_file(output) is missing


@pytest.mark.parametrize("output", ["", "PHP Fatal error: x", "\n  SQLSTATE[HY000] [2002] Connection refused\n", "Ran out of memory"])
def test_anything_else_is_a_failure(output: str) -> None:
    with pytest.raises(Failure, match="was not understood"):
        migrations.pending(output)


@pytest.mark.parametrize(
    "output", ["Laravel Framework 11.9.2", "Laravel Framework \x1b[32m11.9.2\x1b[39m\n", "PHP Warning: x\nLaravel Framework 11.9.2"]
)
def test_the_version_artisan_prints(output: str) -> None:
    assert migrations.artisan_version(output) == "11.9.2"


def test_no_version_is_a_failure() -> None:
    with pytest.raises(Failure, match="Could not open input file"):
        migrations.artisan_version("Could not open input file: artisan")


@pytest.mark.system
def test_a_real_laravel(laravel_source: Path, tmp_path: Path) -> None:
    app = laravel.installed(tmp_path / "app", laravel_source)
    ran = migrations.status(laravel.artisan(app, "migrate:status"))
    assert ran
    assert all(item.ran and item.batch == 1 for item in ran)
    source = (app / "database/migrations" / f"{ran[0].name}.php").read_text()
    (app / "database/migrations/2099_01_01_000000_later.php").write_text(source)
    assert migrations.pending(laravel.artisan(app, "migrate:status", "--ansi")) == ("2099_01_01_000000_later",)
    assert migrations.artisan_version(laravel.artisan(app, "--version", "--ansi")).startswith("8.")
    (app / "database/database.sqlite").write_bytes(b"")
    with pytest.raises(RuntimeError) as refused:
        laravel.artisan(app, "migrate:status")
    assert migrations.pending(str(refused.value)) == migrations.ALL
