"""A release is booted once before the switch: artisan says what it is and what it can do, and its database is opened."""

from __future__ import annotations

from typing import NamedTuple

from ..engine.errors import CommandFailed, Failure
from ..engine.hosts import Host
from ..engine.scripts import php as php_script
from . import common

RUN = php_script("server/booted.php", 'cd "$1" && shift && COLUMNS=150 "$@"')
REACHES = "\nlaravel-fab reaches "


class Boot(NamedTuple):
    """``version`` is what artisan says that the application is; ``database`` the default connection that was opened, empty where there is
    none, None where that cannot be asked.
    """

    version: str
    database: str | None


def boot(c: Host, release: str, seconds: int) -> Boot:
    """Boot ``release`` on the command line, in so many ``seconds``, and open its database.

    Raises CommandFailed where it does not boot; Failure with what the database or its driver says, or when that says nothing.
    """
    auto = c.settings.workers == ("auto",)  # else nobody will want to know what it can do
    command = ("artisan", "list" if auto else "--version")
    values = (c.site.release(release), *common.php(c), "--", *command, "--no-interaction", "--no-ansi")
    answer = c.shell.ask(RUN, *values, check=False, timeout=seconds, what=common.title(command[1:]))
    said, reaches, told = answer.out.partition(REACHES)
    name, _, reached = told.partition(": ")
    late = answer.late(seconds)
    if answer.code and not (reaches and late and not reached):
        words = "\n".join(text for text in (said[-2000:].strip(), answer.err.strip()) if text)
        raise CommandFailed(c.shell.place, common.title(command[1:]), answer.code, words, seconds if late else 0)
    if reaches and reached.partition("\n")[0] != "yes":
        raise _unreached(c, name, reached.strip()[-800:] or f"no answer within {seconds} seconds")
    if auto:
        c.commands = (release, said)
    return Boot(said.strip().partition("\n\nUsage:")[0].rpartition("\n")[2], name if reaches else None)


def _unreached(c: Host, connection: str, why: str) -> Failure:
    text = f"{c.name}: the new release does not reach its database: {connection}: {why}"
    return Failure(text, "check DB_* in shared/.env; an application without a database has DB_CONNECTION=null there")


def known(c: Host, release: str) -> str:
    """The commands of ``release``, each at the beginning of a line, which may be indented."""
    told, text = c.commands
    return text if told == release else common.artisan(c, release, "list", "--raw").out
