"""The migrations: looked at before anything changes, run in one batch, and what became of the release that serves."""

from __future__ import annotations

from ..engine import console, records
from ..engine.errors import CommandFailed, Failure
from ..engine.hosts import Host
from ..engine.records import Record
from ..engine.tasks import on_host
from . import backups, bystander, common, database, verdicts


@on_host(mutates=False, help={"release": "default: the one being prepared, else the current one"})
def review(c: Host, release: str = "") -> None:
    """Review the pending migrations: what each would take from the release that serves, and lock; stop unless that is allowed."""
    record = common.release_of(c, release, pending=True)
    if backups.imagined(c, record):
        console.done("Would review the pending migrations")
        return
    names = database.waiting(c, record.id)
    if not names or verdicts.nothing_to_lose(c, names):
        console.done("Nothing to review: " + ("the database is new" if names else "no migrations are pending"))
        return
    plan = verdicts.of(c, record.id, names)
    verdicts.show(c, record.id, plan)
    verdicts.insist(c, plan)
    console.done(f"Migrations reviewed: {len(names)} pending")


@on_host(flow="6.1-migrate")
def migrate(c: Host, release: str = "") -> tuple[str, ...]:
    """Run the pending migrations, all in one batch."""
    record = common.release_of(c, release)
    if backups.imagined(c, record):
        console.done("Would run the pending migrations")
        return ()
    before = database.waiting(c, record.id)
    if not before:
        console.done("Nothing to migrate")
        return ()
    console.say("   pending: " + ", ".join(before))
    meant = not verdicts.nothing_to_lose(c, before) and verdicts.insist(c, verdicts.of(c, record.id, before))
    was_well = bystander.is_well(c, record.id)
    try:
        common.artisan_work(c, record.id, "migrate", "--force", patient=True)
    except CommandFailed as error:
        raise _half_done(c, record, before, error) from error
    ran = before if c.shell.dry else _ran(c, record.id, before)
    _note(c, record, ran)
    console.done(f"Migrations completed: {', '.join(ran)}")
    if was_well and ran:
        bystander.insist(c, record, ran, meant)
    return ran


def _half_done(c: Host, record: Record, before: tuple[str, ...], error: CommandFailed) -> Failure:
    """What to say of migrations that did not all run."""
    _note(c, record, ran := _ran(c, record.id, before))
    text = f"{error.text}\n  migrations that ran: {', '.join(ran) or 'none'}; the schema stays as it is now, nothing was undone"
    if broken := next((name for name in before if name not in ran), ""):
        # Only PostgreSQL runs a migration in a transaction (Migrator::runMigration, Grammar::supportsSchemaTransactions).
        text += f"\n  {broken} did not end: but for PostgreSQL, what it had done until then stays as well"
    return Failure(text)


def _ran(c: Host, release: str, before: tuple[str, ...]) -> tuple[str, ...]:
    left = database.ask(c, release)
    return tuple(name for name in before if name not in left)


def _note(c: Host, record: Record, ran: tuple[str, ...]) -> None:
    if ran and record.artifact:
        records.write(c.shell, c.site, record.but(migrations=(*record.migrations, *ran)))
        c.shell.flush()  # now: what is only collected is forgotten when the step fails
