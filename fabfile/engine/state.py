"""Looking at a server: one question, one pure parse."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from .errors import CommandFailed
from .hosts import Host
from .layout import RELEASE_ID
from .records import Record
from .records import parse as parse_record
from .rows import Rows
from .scripts import source

CLOCK = "%Y%m%d%H%M%S"


@dataclass(frozen=True)
class ServerState:
    """What the server says. ``now`` is its clock, UTC, as a release id; ``current`` the id it serves, or empty.

    ``down`` is maintenance mode, which nobody can tell from here if it is ``unseen``: kept in the application's cache; it is
    ``owed`` where a run began it that will end it, or whose watchman will. ``unconfirmed``: a switch may still be undone.
    ``confirmed`` is the release that was confirmed last; ``unwritten`` is the current one's record, where the server's own lacks that.
    ``closed`` is what of ours its user may not use, and whose it is.
    ``answers`` is what the application said meanwhile, by question: as good as the rest, for as long.
    """

    now: str = ""
    exists: bool = False
    current: str = ""
    dangling: bool = False
    blocked: bool = False
    foreign: str = ""
    closed: str = ""
    releases: tuple[str, ...] = ()
    records: dict[str, Record] = field(default_factory=dict)
    lock: dict[str, Any] = field(default_factory=dict)
    confirmed: str = ""
    unwritten: Record | None = None
    held: bool = False
    manual: dict[str, Any] = field(default_factory=dict)
    down: bool = False
    unseen: bool = False
    owed: bool = False
    unconfirmed: bool = False
    ends_background: bool = False
    answers: dict[str, Any] = field(default_factory=dict)

    @property
    def others(self) -> str:
        """What stands at ``current`` and is none of ours, where something does."""
        return "a real folder" if self.blocked else self.foreign

    @property
    def live(self) -> Record | None:
        return self.records.get(self.current)

    def pending(self) -> Record | None:
        """The newest release that is being prepared and was never switched to."""
        waiting = [r for r in self.records.values() if r.state in ("uploading", "prepared") and r.id > self.current]
        return max(waiting, key=lambda r: r.id, default=None)

    def new_id(self) -> str:
        """An id newer than any that is there, whatever the clock says."""
        newest = max([*self.releases, *self.records], default="0")
        return max(self.now, f"{int(newest) + 1:014d}")

    def next_order(self) -> int:
        return 1 + max((r.order for r in self.records.values()), default=0)

    def but(self, record: Record) -> ServerState:
        """This with ``record`` written."""
        return replace(self, records={**self.records, record.id: _settled(record, self.current, self.confirmed)})


def look(c: Host) -> ServerState:
    """How things are at ``c``: asked, unless it was asked under our lock and nothing has been done since that could change it."""
    found = c.shell.known or parse(_asked(c))
    assert isinstance(found, ServerState)
    if found is not c.shell.known:
        c.clock = (found.now, time.monotonic())
    if c.run_id:
        c.shell.known = found
    return found


def now(c: Host) -> str:
    """The server's clock, as a release id; as this run has seen it last, and the time that has passed since."""
    if not c.clock[0]:
        look(c)
    then, seen = c.clock
    if not RELEASE_ID.fullmatch(then):
        return then
    passed = timedelta(seconds=time.monotonic() - seen)
    return (datetime.strptime(then, CLOCK) + passed).strftime(CLOCK)  # noqa: DTZ007 UTC, as look.sh prints it


def foresee(c: Host) -> None:
    """Let the next look travel with the next trip."""
    c.shell.foresee(source("engine/look.sh"), c.site.root, c.php[0])


def _asked(c: Host) -> str:
    try:
        return c.shell.ask(source("engine/look.sh"), c.site.root, c.php[0], what="look at the site").out
    except CommandFailed as error:
        error.advise(f"fab server.check --host={c.name}")
        raise


def made(c: Host, release: str) -> None:
    """There is a new folder in releases/."""
    if c.shell.known:
        c.shell.known = replace(c.shell.known, releases=(*c.shell.known.releases, release))


def forget(c: Host) -> None:
    """Ask again at the next look."""
    c.shell.known = None


def parse(text: str) -> ServerState:
    """The state in what look.sh printed."""
    rows = Rows(text)
    plain = ServerState(
        now=rows.first("now"),
        exists=rows.has("site"),
        blocked=rows.has("blocked"),
        closed=rows.first("closed"),
        releases=tuple(sorted(id for id in rows.all("release") if RELEASE_ID.fullmatch(id))),
        lock=_object(rows.all("lock-json")),
        confirmed=rows.first("confirmed"),
        held=rows.has("held"),
        manual=_object(rows.all("manual-json")),
        down=rows.has("down"),
        unseen=rows.has("unseen"),
        owed=rows.has("owed"),
        unconfirmed=rows.has("unconfirmed"),
        ends_background=rows.has("ends"),
    )
    return _serving(plain, rows.first("current"), rows.all("releases-json"))


def _serving(plain: ServerState, link: str, lines: Iterable[str]) -> ServerState:
    """``plain`` with what ``current`` leads to, and the records as that makes them."""
    folder, _, id = link.partition("/")
    current = id if folder == "releases" and RELEASE_ID.fullmatch(id) else ""
    written = {record.id: record for line in lines if (record := parse_record(line))}
    records = {record.id: _settled(record, current, plain.confirmed) for record in written.values()}
    live = records.get(current)
    return replace(
        plain,
        current=current,
        foreign="" if current else link,
        dangling=bool(current) and current not in plain.releases,
        records=records,
        unwritten=live if live and live.confirmed and live != written[current] else None,
    )


def _settled(record: Record, current: str, confirmed: str) -> Record:
    """``record`` as it would be if whoever switched, confirmed or left had been able to write that down.

    The release that serves is live, and confirmed if that was the last to be. One that was left before anybody confirmed it is bad.
    """
    if record.id == current:
        live = record.but(state="live") if record.state in ("prepared", "retired", "failed") else record
        return live.but(confirmed=True) if record.id == confirmed and live.state == "live" else live
    if record.state == "live" and not record.confirmed:
        return record.but(state="bad", reason=record.reason or "never confirmed")
    return record


def _object(lines: Sequence[str]) -> dict[str, Any]:
    try:
        value = json.loads(lines[0]) if lines else {}
    except (ValueError, RecursionError):
        return {"damaged": lines[0]}
    return value if isinstance(value, dict) else {}
