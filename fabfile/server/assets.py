"""A page that was served before a switch finds its assets after it, and so do the parts that it loads later, whichever way it went."""

from __future__ import annotations

from ..engine import console
from ..engine.hosts import Host
from ..engine.scripts import source

LINK = source("server/assets.sh")
WHAT = "link the assets of pages that are open"
# Before a switch forwards, which must not fail for what only a way back would need; a rollback tries again.
AHEAD = f"({LINK}) >/dev/null 2>&1 || :"


def carry(c: Host, giver: str, taker: str) -> None:
    """Have ``taker`` answer for the built assets of ``giver`` too. What cannot be linked is a warning: nothing else depends on it."""
    if not _wanted(c, giver, taker):
        return
    if c.shell.dry:
        c.shell.do(LINK, *_values(c, giver, taker), what=WHAT)
        return
    answer = c.shell.ask(LINK, *_values(c, giver, taker), check=False, what=WHAT)
    *missing, last = answer.out.splitlines() or [""]
    if answer.code or missing:
        why = "; ".join([line.removeprefix("not linked ") for line in missing[:3]] or answer.err.strip().splitlines()[-1:])
        console.warn(f"pages of {giver} that are open may not find their assets in {taker}: {why}")
    elif last:
        console.done(f"Assets of earlier releases kept: {last.removeprefix('kept ')}")


def ahead(c: Host, giver: str, taker: str) -> None:
    """The same for a way back, while there is room on the disk: the server may go that way alone."""
    if _wanted(c, giver, taker):
        c.shell.do(AHEAD, *_values(c, giver, taker), what=f"{WHAT}, for a way back")


def _wanted(c: Host, giver: str, taker: str) -> bool:
    return bool(c.settings.keep_assets and c.settings.asset_folders and giver and giver != taker)


def _values(c: Host, giver: str, taker: str) -> tuple[object, ...]:
    return c.site.root, giver, taker, c.settings.keep_assets, *c.settings.asset_folders
