"""The way back of the data: the database becomes what it was in a backup, exactly; what came later is lost."""

from __future__ import annotations

import re
import sys
from pathlib import PurePosixPath

from ..engine import console, options, state
from ..engine.errors import USAGE, CommandFailed, Failure
from ..engine.hosts import Host
from ..engine.layout import RELEASE_ID
from ..engine.scripts import source
from ..engine.tasks import on_host
from . import backups, common, connection, database

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.gz")
SCRIPT = source("server/login.sh") + source("server/restore.sh")
WHAT = {
    "file": "a backup in the site's backups folder; default: the newest that a deployment or server.backup made",
    "release": "the backup that was made before this release's migrations",
    "yes": "do not ask; without a terminal nothing is restored unless this is given",
    "unsaved": "go on although the database as it is now cannot be backed up",
}


@on_host(help=WHAT)
def restore(c: Host, file: str = "", release: str = "", yes: bool = False, unsaved: bool = False) -> str:
    """Restore the database from a backup: what was written later is lost; how it is now is backed up first."""
    wanted = chosen(c, file, release)
    serving = common.release_of(c).id
    found = connection.read(c, serving)
    if not found:
        raise Failure(f"{c.name}: {serving} has no database connection to restore to", "check DB_* in shared/.env")
    name = _announced(c, wanted, connection.values(found))
    if not c.shell.dry:
        _confirmed(c, yes)
    saved = _saved(c, found, unsaved)
    try:
        backups.run(c, SCRIPT, f"{c.site.backups}/{name}", found, what="restore the database", patient=True)
    except CommandFailed as error:
        raise _half_done(c, connection.values(found)["driver"], saved, error) from error
    console.done(f"Database restored from: {name}{f'; how it was before: {saved}' if saved else ''}")
    if not c.shell.dry and (left := database.ask(c, serving)):
        console.say(f"   {serving}, which serves, has migrations that this database has not: {', '.join(left)}", console.YELLOW)
        console.say(f"   go back to code that fits: fab rollback --host={c.name}; or run them: fab server.migrate --host={c.name}")
    return name


def chosen(c: Host, file: str, release: str) -> str:
    """The name of the backup that is meant; "" for the newest. Raises Failure where it would be none of this site's backups."""
    if file and release:
        raise Failure("--file and --release exclude each other", "give one of them", USAGE)
    if release and not RELEASE_ID.fullmatch(release):
        raise Failure(f"--release: {release!r} is no release", f"fab releases --host={c.name}", USAGE)
    if release:
        record = state.look(c).records.get(release)
        file = record.backup if record and record.backup else f"db-{release}.gz"
    path = PurePosixPath(file)
    folder = "" if str(path.parent) == "." else str(path.parent)
    if file and (folder not in ("", "backups", c.site.backups) or not NAME.fullmatch(path.name)):
        raise Failure(
            f"{c.name}: {file!r} is not in {c.site.backups}", "the name of a file there, as in --file=db-20261122101500.gz", USAGE
        )
    return path.name


def _announced(c: Host, wanted: str, values: dict[str, str]) -> str:
    """Say which backup it is, what it would overwrite, and what else to know; its name. Raises Failure unless it is whole."""
    driver, place = values["driver"], values["database"] + (f" at {values['socket'] or values['host']}" if values["user"] else "")
    answer = c.shell.ask(source("server/whole.sh"), c.site.backups, wanted, driver, check=False, what="look at the backup")
    if answer.code:
        raise Failure(f"{c.name}: {answer.err.strip()}", f"fab server.restore --host={c.name} --file=NAME, with one that is there")
    name, size, made = answer.out.splitlines()
    console.say(f"   {name}, {size} bytes, made {made}, is whole")
    console.say(f"   it replaces the {driver} database {place}: what was written since is lost, tables that came since go", console.YELLOW)
    if not state.look(c).down:
        console.say(f"   the site is up: who writes meanwhile may meet errors; to close it before: fab server.down --host={c.name}")
    return name


def _confirmed(c: Host, yes: bool) -> None:
    """Raises Failure unless somebody says so."""
    if yes:
        return
    if options.current.json or not sys.stdin.isatty():
        raise Failure(f"{c.name}: nobody is there to be asked whether to overwrite the database; nothing was changed", "add --yes", USAGE)
    try:
        answer = input(f"   type {c.name} to overwrite it: ")
    except EOFError:
        answer = ""
    if answer.strip() != c.name:
        raise Failure(f"{c.name}: not confirmed; nothing was changed", "the name of the host is the answer that goes on", USAGE)


def _saved(c: Host, found: str, unsaved: bool) -> str:
    """Where the database was backed up to as it is now; "" where that cannot be and need not."""
    path = f"{c.site.backups}/db-{state.look(c).now}-before-restore.gz"
    try:
        backups.dump(c, found, path)
    except CommandFailed as error:
        if unsaved:
            console.warn(f"{c.name}: how the database is now could not be backed up: {error.text.splitlines()[-1]}")
            return ""
        hint = "mend it; or, if what is there now is of no use to anybody, the same again with --unsaved"
        raise Failure(f"{error.text}\n  the database could not be backed up as it is now; nothing was changed", hint) from error
    return path


def _half_done(c: Host, driver: str, saved: str, error: CommandFailed) -> Failure:
    """What to say of a restore that failed. Only MySQL's changes are in no transaction."""
    if driver not in ("mysql", "mariadb"):
        return Failure(f"{error.text}\n  the database is as it was before: it changes as a whole or not at all", "mend it and run it again")
    again = f" --file={PurePosixPath(saved).name}" if saved else ""
    text = f"{error.text}\n  THE DATABASE MAY BE HALF RESTORED" + (f"; how it was before: {saved}" if saved else "")
    return Failure(text, f"fab server.down --host={c.name}; mend it; then fab server.restore --host={c.name}{again} --unsaved")
