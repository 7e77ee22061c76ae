"""Between a switch and its confirmation: if whoever switched goes away, the server goes back by itself."""

from __future__ import annotations

from contextlib import suppress

from . import console, records, state
from .errors import CommandFailed, Failure
from .hosts import Host
from .ladder import climb, with_rename
from .scripts import source


class Reverted(Failure):
    """The server went back before the switch was confirmed."""


def arm(c: Host, previous: str, release: str, after: str = "") -> None:
    """Leave a watchman on the server that goes back to ``previous`` when this run is gone and ``release`` not confirmed.

    ``after`` is shell that whoever goes back runs then (OPcache).
    """
    values = (c.site.root, previous, release, c.run_id, c.php[0], with_rename("engine/back.sh"), after)
    c.shell.do(f"{source('engine/watchman.sh')}\n{source('engine/arm.sh')}", *values, what="leave a watchman")


def owe(c: Host, undo: str) -> None:
    """Leave a watchman who runs the shell ``undo`` when this run is gone and has not said that it is ``quits``."""
    values = (c.site.root, c.php[0], undo, source("engine/settle.sh"))
    c.shell.do(f"{source('engine/watchman.sh')}\n{source('engine/owe.sh')}", *values, what="leave a watchman")
    state.forget(c)


def quits(c: Host) -> None:
    """What was owed has been done."""
    c.shell.do('rm -f -- "$1/owed"', c.site.own, what="send the watchman home")


def probe(c: Host) -> None:
    """Leave a process behind that tells later runs whether a watchman would live here; asked once, and again while the answer is no."""
    c.shell.do(source("engine/probe.sh"), c.site.own, what="see whether background processes may stay")


def confirm(c: Host, release: str) -> None:
    """Keep what serves now. Raises Reverted when the server has gone back already: what it did is what counts."""
    said = c.shell.ask(with_rename("engine/confirm.sh"), c.site.root, c.run_id, release, what="confirm the switch").out.strip()
    if said == "reverted":
        c.shell.known = None
        raise Reverted(f"{c.name}: the server had gone back before the switch was confirmed")


def disarm(c: Host) -> None:
    """We went back ourselves: nobody else has to."""
    if not c.shell.dry:
        c.shell.ask(with_rename("engine/confirm.sh"), c.site.root, c.run_id, "", what="send the watchman home")


def go_back(c: Host, why: str) -> tuple[str, str, str]:
    """Undo an unconfirmed switch, with the lock held: "reverted" or "kept", its release, where back leads; empty if there is none."""
    said = climb(c, "engine/back.sh", c.site.root, c.php[0], why, what="resolve an unconfirmed switch").strip()
    what, _, rest = said.partition(" ")
    release, _, other = rest.partition(" ")
    return what, release, other


def resolve(c: Host) -> None:
    """What an earlier run left unconfirmed is undone before anything else happens."""
    found = state.look(c)
    if found.unconfirmed or found.owed:
        _undone(c)
    _written(c)


def _undone(c: Host) -> None:
    what, release, other = go_back(c, "the run that switched did not confirm")
    c.shell.do(source("engine/settle.sh"), c.site.root, what="undo what an earlier run left", note=True)
    if what == "reverted":
        console.warn(f"{c.name}: an earlier run switched to {release} and never confirmed it: went back to {other}")
    elif what == "kept":
        console.warn(f"{c.name}: an earlier run switched to {release} and never confirmed it; left as it is: before it was {other}")


def _written(c: Host) -> None:
    """The confirmation of the release that serves goes into its record, where that had to wait: the next switch forgets it otherwise."""
    found = state.look(c)
    if record := found.unwritten:
        records.write(c.shell, c.site, record.but(order=record.order or found.next_order()))
        with suppress(CommandFailed):  # the disk is still full
            c.shell.flush()
