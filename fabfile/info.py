"""Looking: nothing here changes anything, but for the lock that one sets by hand."""

from __future__ import annotations

import json
import re
import time

from invoke.context import Context

from .engine import console, explain, journal, options, owners, project, records, redact, state
from .engine import lock as locks
from .engine.errors import Locked
from .engine.hosts import Host
from .engine.shortened import shortened
from .engine.tasks import here, on_host

MANUAL = ".deploy/manual.json"
RUN = re.compile(r"[0-9]{14}-[0-9a-f]{8}")
END = re.compile(r"[0-9a-f]{32} (begins [0-9]+|[0-9]+ [0-9]+)")  # what tells pieces of a command's output apart, and its end
TAIL = 20  # lines
SAID = '[ ! -f "$1/log" ] || tail -n "$2" "$1/log" | cut -c 1-500'
OPEN = 'cd "$1"; rm -f -- manual.json; for run in run/*; do [ ! -d "$run" ] || [ "$run" = "run/$2" ] || rm -rf -- "$run"; done'


@on_host(quiet=True, mutates=False)
def status(c: Host) -> None:
    """What is live, since when and from which commit; who holds the lock and what runs; what was left unfinished."""
    found = state.look(c)
    live, pending = found.live, found.pending()
    rows = [("host", f"{c.name} ({c.user}@{c.host}:{c.port}, {c.site.root})")]
    rows.append(("current", _current(found)))
    if live:
        rows.append(("state", live.state + ("" if live.confirmed else ", not confirmed")))
        rows += [("commit", _commit(live)), ("live since", live.switched), ("by", live.who)]
        rows.append(("previous", live.previous or "none"))
    rows.append(("maintenance", "ON" if found.down else "kept in the application's cache, not seen from here" if found.unseen else "off"))
    if pending and not found.held:
        rows.append(("unfinished", f"{pending.id} is {pending.state}; the next deployment leaves it behind"))
    if found.ends_background:
        rows.append(("background", "this server ends background processes: what is not confirmed is undone by the next command"))
    rows.append(("lock", _lock(found)))
    rows += _running(c, found)
    if not console.event("status", **{name.replace(" ", "_"): value for name, value in rows}):
        console.table([("" if number else name, line) for name, value in rows for number, line in enumerate(value.split("\n"))])


def _current(found: state.ServerState) -> str:
    if found.others:
        return f"{found.others}: not one of our links"
    return (found.current or "nothing is deployed") + (" — MISSING on the server" if found.dangling else "")


def _commit(live: records.Record) -> str:
    """Nobody knows it of an artifact that came without its note."""
    return f"{live.commit[:12]}{f' ({live.branch})' if live.branch else ''}" if live.commit else "not known"


def _lock(found: state.ServerState) -> str:
    if found.closed:
        return f"not seen, and neither are the records: {owners.closed(found.closed).text}"
    if found.manual:
        return f"by hand: {locks.describe(found.manual)}"
    if found.held:
        return f"held: {locks.describe(found.lock)}"
    return f"free (the last run did not end: {locks.describe(found.lock)})" if found.lock else "free"


def _running(c: Host, found: state.ServerState) -> list[tuple[str, str]]:
    """What the run of the lock's record does, or did when it died, and the end of what that printed."""
    run = str(found.lock.get("run", ""))
    if not RUN.fullmatch(run):
        return []
    told, rows = journal.read(c, run), []
    if told.step:
        rows.append(("step" if found.held else "died in", f"{told.step}, since {told.since}"))
    if told.reverted:
        rows.append(("reverted", told.reverted))
    said = _printable(c.shell.ask(SAID, c.site.run(run), TAIL, what="read the run's log").out)
    return [*rows, ("output", said)] if said else rows


def _printable(text: str) -> str:
    lines = (redact.harmless(line).rstrip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line and not END.fullmatch(line))


@on_host(quiet=True, mutates=False)
def releases(c: Host) -> None:
    """The releases on the server, newest first, with state, commit and author."""
    found = state.look(c)
    ids = sorted({*found.releases, *found.records}, reverse=True)
    console.table([_release(found, id) for id in ids], ("current", "release", "state", "commit", "branch", "by", "when", "why"))


def _release(found: state.ServerState, id: str) -> tuple[str, ...]:
    mark, kept = "→" if id == found.current else "", "" if id in found.releases else " (gone)"
    if record := found.records.get(id):
        when, why = record.switched or record.created, record.reason if options.current.json else shortened(record.reason, 60)
        return mark, id, record.state + kept, record.commit[:12], record.branch, record.who, when, why
    return mark, id, "unknown: not ours", "", "", "", "", ""


@on_host(quiet=True, mutates=False, help={"message": "why, for those who meet it"})
def lock(c: Host, message: str = "") -> None:
    """Keep everybody from deploying until fab unlock."""
    if not c.shell.dry and (known := state.look(c).manual):
        raise Locked(f"{c.name} is locked by hand already: {locks.describe(known)}", f"fab unlock --host={c.name}")
    locks.hold(c, "lock")
    values = {**locks.who(), "message": message}
    c.shell.do('umask 077; printf "%s\\n" "$2" >"$1"', f"{c.site.root}/{MANUAL}", json.dumps(values), what="write the lock")
    locks.release(c)
    if c.shell.dry:
        console.result("dry run: nothing was changed")
        return
    console.result(f"🔒 {c.name} is locked; fab unlock --host={c.name} opens it")


@on_host(quiet=True, mutates=False)
def unlock(c: Host) -> None:
    """Take away a lock set by hand, and what a dead run left of its own; a living one's is never taken."""
    known = state.look(c).manual
    locks.hold(c, "unlock", by_hand=True)
    c.shell.do(OPEN, c.site.own, c.run_id, what="unlock")
    locks.release(c)
    if c.shell.dry:
        console.result("dry run: nothing was changed")
        return
    if known:
        console.say(f"   it was locked by hand: {locks.describe(known)}")
    console.result(f"🔓 {c.name} is unlocked ({time.strftime('%H:%M:%S')})")


@here(quiet=True)
def config(c: Context) -> None:
    """The settings in force, where each comes from, secrets masked."""
    project.insist()
    name = project.host_name(c)
    rows = explain.describe(project.loaded(), name, project.placeholder(name))
    console.table([(row.key, row.value, row.origin) for row in rows], ("key", "value", "from"))
