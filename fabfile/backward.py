"""Going back on request: to which release, by which switch, and what becomes of the one that is left."""

from __future__ import annotations

from . import server
from .closing import why
from .engine import console, errors, records, state
from .engine.errors import CommandFailed, Failure
from .engine.hosts import Host
from .engine.records import Record

WATCH_NOBODY = 'cd "$1" && rm -f pending pending.new confirmed reverted'


def target(c: Host, found: state.ServerState, to: str) -> Record:
    """The release a rollback goes to: live and confirmed once, and still what was built.

    Raises Failure when there is none, or ``to`` is not such a one.
    """
    candidates = [r for r in records.targets(found.records, found.current) if r.id in found.releases]
    if to and to not in {r.id for r in candidates}:
        raise _no_target(c, found, to, ", ".join(r.id for r in candidates) or "none")
    if not candidates:
        raise Failure(f"{c.name}: there is no earlier release to go back to", f"fab releases --host={c.name}")
    wanted = [r for r in candidates if not to or r.id == to]
    whole, broken = server.first_whole(c, [r.id for r in wanted])
    told = [f"{id} is not what was built: {what}" for id, what in broken.items()]
    if not whole:
        raise Failure(f"{c.name}: {'; '.join(told)}", server.by_hand(c, wanted[0].id))
    for line in told:
        console.warn(f"{line}; passed over")
    return next(r for r in wanted if r.id == whole)


def _no_target(c: Host, found: state.ServerState, to: str, known: str) -> Failure:
    """Why nobody goes back to ``to``, and where to instead."""
    record = found.records.get(to)
    if to == found.current:
        text, hint = "serves already", f"to go back from it: {known}"
    elif record and record.state == "bad":
        again = f"fab deploy --host={c.name} --commit={record.commit} deploys it again; " if record.commit else ""
        text, hint = "was rolled back", f"{again}to go back to: {known}"
    else:
        text, hint = "is not a release that was live and confirmed", f"those are: {known}"
    return Failure(f"{c.name}: {to} {text}", hint, code=errors.USAGE)


def left_behind(c: Host, record: Record | None) -> None:
    """A rollback left this release: it is a bad one, and its migrations stay."""
    if record is None:
        return
    if record.migrations:
        console.say(f"   {record.id} had run migrations, which stay: {', '.join(record.migrations)}", console.YELLOW)
    try:
        records.write(c.shell, c.site, record.but(state="bad", reason="rolled back"))
        c.shell.flush()
    except CommandFailed as error:
        console.warn(f"the record of {record.id} could not be written, which still counts as a good one: {why(error)}")


def switch(c: Host, release: str) -> None:
    """Going back must not need room on the disk: where a watchman cannot be left, there is none."""
    try:
        server.switch(c, release=release, watch=True)
    except CommandFailed as error:
        console.warn(f"{why(error)}: once more, without what has to be written for that")
        c.shell.do(WATCH_NOBODY, c.site.own, what="do without a watchman")
        server.switch(c, release=release)
