"""A copy of the database before something is done to it."""

from __future__ import annotations

from ..engine import console, records, state
from ..engine.counted import counted
from ..engine.hosts import Host
from ..engine.records import Record
from ..engine.scripts import source
from ..engine.tasks import on_host
from ..engine.wire import Answer
from . import common, connection, database

SCRIPT = source("server/login.sh") + source("server/backup.sh")


@on_host(flow="5.1-backup", help={"release": "the release whose migrations decide whether a backup is due"})
def backup(c: Host, release: str = "", force: bool = False) -> str:
    """Back the database up, if migrations are pending or --force is given."""
    record = common.release_of(c, release, pending=True)
    why = "asked for" if force or c.settings.backup == "always" else _why(c, record)
    if not why:
        return ""
    if imagined(c, record):
        console.done(f"Would back the database up: {why}")
        return ""
    found = connection.read(c, record.id)
    if not found or _to_be_made(c, found):
        console.done(f"Skipped: {'there is no database yet' if found else 'the application has no database connection to back up'}")
        return ""
    # The one before a release's migrations has its name, and is never overwritten.
    first = record.state in ("uploading", "prepared") and not record.backup
    path = f"{c.site.backups}/db-{record.id if first else state.look(c).now}.gz"
    size = dump(c, found, path)
    if first and not c.shell.dry:
        records.write(c.shell, c.site, record.but(backup=path))
    console.done(f"Database backed up to: {path} ({size} bytes; {why})")
    return path


def dump(c: Host, found: str, path: str) -> str:
    """Write the database of this connection to ``path``, a .gz; its size. What is worth a note becomes a warning."""
    with common.unchanged(c):
        answer = run(c, SCRIPT, path, found, what="back the database up")
    return (answer.out.strip().splitlines() or ["dry run"])[-1].strip()


def run(c: Host, script: str, path: str, found: str, what: str, patient: bool = False) -> Answer:
    """Run a script of those that begin with login.sh; what is worth a note becomes a warning. One that must not be cut short
    (``patient``) has all the time it wants."""
    login = f"exec 3<<END-OF-CONNECTION\n$3\nEND-OF-CONNECTION\n{script}"
    limit = 0 if patient else c.settings.command_timeout
    answer = c.shell.work(login, path, common.php(c)[0], found, timeout=limit, what=what, patient=patient)
    for line in answer.out.splitlines():
        if line.startswith("note: "):
            console.warn(f"{c.name}: {what}: {line.removeprefix('note: ')}")
    return answer


def _why(c: Host, record: Record) -> str:
    if c.settings.backup != "never" and imagined(c, record):
        console.done("Would back up if migrations are pending")
        return ""
    if c.settings.backup == "never":
        console.done("Skipped: backup is set to never")
        return ""
    count = len(database.waiting(c, record.id))
    if not count:
        console.done("Skipped: no migrations are pending")
    return f"{counted(count, 'migration')} pending" if count else ""


def imagined(c: Host, record: Record) -> bool:
    """Whether the release is one of a dry run, where it is never made."""
    return c.shell.dry and not record.artifact


def _to_be_made(c: Host, found: str) -> bool:
    """Whether this is a first deployment whose SQLite file is not there yet."""
    values = connection.values(found)
    if values.get("driver") != "sqlite" or state.look(c).current:
        return False
    return c.shell.ask('[ -e "$1" ]', values["database"], check=False, what="look for the database").code != 0
