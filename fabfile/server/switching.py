"""The moment itself: one rename, forwards and backwards."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ..engine import console, guard, ladder, records, state
from ..engine.errors import CommandFailed, Failure
from ..engine.hosts import Host
from ..engine.records import Record
from ..engine.rows import Rows
from ..engine.scripts import source
from ..engine.tasks import on_host
from . import assets, codecache, common, configure, maintenance


@on_host(flow="7.1-symlink", help={"watch": "the server goes back by itself unless the switch is confirmed (chains do that)"})
def switch(c: Host, release: str = "", watch: bool = False) -> str:
    """Point current at the release in one rename."""
    found = state.look(c)
    record = _chosen(c, found, release)
    if record.id == found.current and record.confirmed:
        docroot(c)  # its mode may be new
        console.done(f"{record.id} serves already")
        return record.id
    _made_ready(c, found, record)
    if watch and found.current and found.current != record.id:
        _watched(c, found, record)
    activate(c, found, record, watch)
    docroot(c)
    if not watch:
        confirm(c, record.id)
    console.done(f"Release switched atomically: {found.current or 'nothing'} → {record.id}")
    return record.id


def _made_ready(c: Host, found: state.ServerState, record: Record) -> None:
    """What must be in place around the rename: links, document root, maintenance mode as it is, assets of pages that are open."""
    linked = common.remembered(c, configure.LINKED, record.id)
    if not (record.confirmed or linked) and (missing := configure.missing(c, record.id)):
        console.say(f"   not linked yet: {', '.join(missing)}")
        configure.link_shared(c, release=record.id)
        configure.env(c, release=record.id)
    docroot(c, "check")
    if found.down and found.current:
        maintenance.carry(c, found.current, record.id)
    else:
        maintenance.forget(c, record.id)
    if record.confirmed:
        assets.carry(c, found.current, record.id)
    else:
        assets.ahead(c, record.id, found.current)


def _watched(c: Host, found: state.ServerState, record: Record) -> None:
    """Leave a watchman on the server that goes back unless the switch is confirmed."""
    if found.ends_background:
        console.say("   this server ends background processes: going back is up to this machine, or to the next command from anywhere")
    guard.arm(c, found.current, record.id, codecache.after_going_back(c, found.current, record.id))


def _chosen(c: Host, found: state.ServerState, release: str) -> Record:
    if found.others:
        raise Failure(f"{c.site.current} is {found.others}: not one of our links", "move it away; nothing was changed")
    record = found.records.get(release) if release else found.pending()
    if record is None and not release and found.live:
        console.say("   nothing is waiting to be switched to")
        return found.live
    if c.shell.dry:
        return record or Record(release or found.new_id(), "prepared")
    if record is None or record.state not in ("prepared", "live", "retired"):
        was = f"it is {record.state}" if record else "there is no such release"
        raise Failure(f"{c.name}: cannot switch to {release or 'a new release'}: {was}", f"fab server.upload --host={c.name}")
    return record


def activate(c: Host, found: state.ServerState, record: Record, watch: bool) -> None:
    """Rename ``current`` to ``record``'s release and note it. Raises CommandFailed with ``current`` as it was.

    The order of a release that was confirmed before changes when it is confirmed again: until then it may all be undone.
    """
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    order = record.order if watch and record.confirmed else found.next_order()
    changes = {"order": order, "switched": now, "previous": found.current, "confirmed": record.confirmed or not watch}
    note = records.noted(c.site, record.id, True, record.but(state="live", **changes))
    if not c.shell.dry:
        c.shell.foresee(*note)
        state.foresee(c)
    ladder.climb(c, "engine/switch.sh", c.site.root, record.id, common.php(c)[0], what=f"switch current to {record.id}")
    _noted(c, record.id, note)


def confirm(c: Host, release: str) -> None:
    """The release is well: it is a target for later rollbacks from now on, and its predecessor is retired."""
    if c.shell.dry:
        return
    note = records.noted(c.site, release, False, *_confirmed(state.look(c), release))
    c.shell.foresee(*note)
    state.foresee(c)
    guard.confirm(c, release)
    _noted(c, release, note)


def _confirmed(found: state.ServerState, release: str) -> Iterator[Record]:
    """The records that change when ``release`` is confirmed."""
    if record := found.records.get(release):
        last = record.order == found.next_order() - 1
        yield record.but(state="live", confirmed=True, order=record.order if last else found.next_order())
    for left in found.records.values():
        if left.id != release and left.state == "live":
            yield left.but(state="retired")


def _noted(c: Host, release: str, note: tuple[str, ...]) -> None:
    """Write down what was switched or confirmed. On a full disk, what serves is decided, and a note can wait."""
    state.forget(c)
    try:
        c.shell.act(*note, what=f"record of {release}")
    except CommandFailed as error:
        console.warn(f"the record of {release} could not be written: {error.text}")


def docroot(c: Host, how: str = "make") -> None:
    """Where the host has fixed the document root: make it serve current, or ("check") say what would stand in the way."""
    public = c.settings.public_html
    if public.mode == "none":
        return
    literal = c.site.current.replace("\\", "\\\\").replace("'", "\\'")
    asked, what = (source("server/docroot.sh"), c.site.root, public.path, public.mode, literal, how), f"serve current from {public.path}"
    if c.shell.dry:
        c.shell.do(*asked, what=what)
        return
    hidden = Rows(c.shell.ask(*asked, what=what).out)
    if folders := hidden.all("folder"):
        console.warn(f"{c.name}: not linked: {', '.join(folders)}: what {public.path} has of that name hides the application's")
    if single := hidden.all("file"):  # as a host's own .htaccess, which may well stay
        console.say(f"   not linked: {', '.join(single)}: {public.path} has its own", console.YELLOW)
