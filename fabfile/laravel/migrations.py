"""What ``php artisan migrate:status`` says; its exit code is 0 with and without pending migrations."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..engine.errors import Failure

ALL = ("*",)  # there is no migrations table yet, so everything is pending
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
# Laravel up to 9.20: | Yes  | 2014_10_12_000000_create_users_table | 1     |
TABLE = re.compile(r"\|\s*(?P<ran>Yes|No)\s*\|\s*(?P<name>[^|]+?)\s*\|\s*(?P<batch>\d*)\s*\|")
# since 9.21:  2014_10_12_000000_create_users_table ........ [1] Ran
DOTS = re.compile(r"\s*(?P<name>\S+)\s+(?:\.+\s+)?(?:\[(?P<batch>\d+)\]\s+)?(?P<ran>Ran|Pending)\s*")
# Laravel wraps the sentence wherever its lines end (SQLiteDatabaseDoesNotExistException, since 9.35 in these words or the older ones).
NO_FILE = re.compile(r"Database(?:fileatpath\[[^\]]*\]|\([^)]*\))doesnotexist")
NOTHING = re.compile(r"No migrations found|No pending migrations", re.IGNORECASE)


@dataclass(frozen=True)
class Migration:
    """``batch`` is 0 for one that has not run."""

    name: str
    ran: bool
    batch: int = 0


def no_table(output: str) -> bool:
    """Whether the migrations table does not exist yet: a first deployment, or the wrong database."""
    return "Migration table not found" in ANSI.sub("", output)


def no_file(output: str) -> bool:
    """Whether the SQLite database's file does not exist: a first deployment, or a wrong path."""
    return bool(NO_FILE.search(re.sub(r"\s+", "", ANSI.sub("", output))))


def status(output: str) -> tuple[Migration, ...]:
    """All migrations in ``output``. Raises Failure when it is not the output of migrate:status: no backup may be left out on a guess."""
    text = ANSI.sub("", output)
    found = tuple(_migration(match) for line in text.splitlines() if (match := TABLE.match(line) or DOTS.fullmatch(line)))
    if not found and not no_table(text) and not NOTHING.search(text):
        last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "nothing")
        raise Failure(f"php artisan migrate:status was not understood: {last[:200]}", "run it in the release by hand and see what it says")
    return found


def _migration(match: re.Match[str]) -> Migration:
    return Migration(match["name"], match["ran"] in ("Yes", "Ran"), int(match["batch"] or 0))


def pending(output: str) -> tuple[str, ...]:
    """The names of the migrations that have not run; ALL when there is no migrations table. Raises Failure as ``status`` does."""
    return ALL if no_table(output) else tuple(item.name for item in status(output) if not item.ran)


def last_batch(output: str) -> int:
    """The number of the newest batch, 0 when nothing ever ran."""
    return max((item.batch for item in status(output)), default=0)


def artisan_version(output: str) -> str:
    """``Laravel Framework 8.83.26`` → ``8.83.26``. Raises Failure when artisan said something else."""
    match = re.search(r"(?:Laravel Framework|Lumen \()\s*v?(\d+\.\d+[\w.-]*)", ANSI.sub("", output))
    if not match:
        raise Failure(f"php artisan --version was not understood: {output.strip()[:200]}", "php artisan --version")
    return match[1]
