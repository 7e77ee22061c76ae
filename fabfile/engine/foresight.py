"""Questions that are on their way before they are asked: they travel behind a trip, and cost none of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from weakref import WeakSet

from . import pieces
from .pieces import Piece
from .pipes import Pipe
from .wire import Answer, Sent, Wire

_open: WeakSet[Foresight] = WeakSet()


def look_again() -> None:
    """Nothing that was seen before this moment is taken for granted in any conversation."""
    for conversation in _open:
        conversation.changed()


@dataclass(frozen=True)
class Asked:
    """A script to be sent: how, and how many seconds it may take. Those that are ``quick`` share a frame, and this time; one that may run
    ``beside`` what is before it shares that frame too, and its time."""

    kind: str
    script: str
    limit: int
    quick: bool = False
    beside: bool = False

    def joins(self, row: Sequence[Asked]) -> bool:
        """Whether it goes into the frame of this ``row``, where nobody has more time than the first."""
        if self.beside:
            return row[0].kind == "ask" and self.limit <= row[0].limit
        return self.quick and all(each.quick for each in row)


class Foresight(Wire):
    """``timeout`` is the default limit of a question in seconds; the rest is Wire's."""

    def __init__(self, place: str, connect: Callable[..., Pipe], timeout: int, silence: int) -> None:
        super().__init__(place, connect, silence)
        self.timeout = timeout
        self.seen: dict[tuple[str, ...], str] = {}
        self._foreseen: dict[str, Asked] = {}  # scripts that go with the next trip
        self._ahead: dict[str, Sent] = {}  # those that went with the last one, in the order of the answers
        self._early: dict[str, Answer] = {}  # answers to that which came before the one that was asked for
        self._stale = False  # they were sent before something changed
        _open.add(self)

    def foresee(self, script: str, *values: object, timeout: int | None = None, beside: bool = False) -> None:
        """The same question will be asked next: it goes right behind the next trip, and is answered after it; one that needs nothing of
        what is before it may run ``beside`` that.

        Only for what changes nothing, or does no harm where that trip fails: it runs all the same. It is forgotten with the trip after
        that, asked or not.
        """
        asked = pieces.piece(script, values, "").script
        self._foreseen[asked] = self._question(asked, timeout, beside)

    def hurry(self) -> None:
        """Have what is foreseen answered from now on, while this machine is busy with something else."""
        if not (self._running or self._ahead):
            self._since = time.monotonic()
            self._send(self._depart()[1])

    def changed(self) -> None:
        """Something was done that this conversation does not know of: what was seen or foreseen is out of date."""
        self.seen.clear()
        self._stale = True

    def close(self) -> None:
        """Let go of the agent, and of what it was asked."""
        self._ahead, self._early = {}, {}
        super().close()

    def _depart(self, *first: Asked) -> tuple[list[Sent], bytes]:
        """The frames of what is asked ``first``, and behind them of what was foreseen, which is on its way from now on."""
        behind = [replace(each, script=pieces.weave([Piece(script, "")], self._frames.token)) for script, each in self._foreseen.items()]
        sent, data = self._frame_up([*first, *behind])
        ahead = dict(zip(self._foreseen, sent[len(first) :], strict=True))
        self._ahead, self._early, self._foreseen, self._stale = ahead, {}, {}, False
        return sent, data

    def _question(self, script: str, limit: int | None, beside: bool = False) -> Asked:
        return Asked("ask", script, self.timeout if limit is None else limit, quick=limit is None and not beside, beside=beside)

    def _frame_up(self, asked: Sequence[Asked]) -> tuple[list[Sent], bytes]:
        """All of these, each on its way, and the frames of them: a shell of its own for each is what a small question costs most."""
        sent, data = list[Sent](), b""
        for row in _rows(asked):
            numbers = [self._next() for _ in row]
            sent += [Sent(number, row[0].limit, numbers[-1]) for number in numbers]
            first = next((n for n, each in enumerate(row) if n and each.beside), len(row))
            scripts = [(number, each.script) for number, each in zip(numbers, row, strict=True)]
            data += self._framed(row[0].kind, sent[-1], pieces.gather(scripts[:first], scripts[first:], self._frames.token))
        return sent, data

    def _is_ahead(self, script: str) -> bool:
        return not self._stale and (script in self._ahead or script in self._early)

    def _caught_up(self, script: str = "") -> Answer | None:
        """Read what nobody has waited for yet, up to the answer to ``script``, and return that."""
        if self._running:
            self._wait(self._running)
        while self._ahead and script not in self._early:
            first = next(iter(self._ahead))
            self._early[first] = self._wait(self._ahead[first])
            self._ahead.pop(first, None)
        return self._early.pop(script, None)

    def _cut(self, last: int) -> None:
        """What did not run is not on its way any more: it travels when it is asked for."""
        self._ahead = {script: sent for script, sent in self._ahead.items() if sent.last != last}


def _rows(asked: Sequence[Asked]) -> Iterator[list[Asked]]:
    """What shares a frame together, the others each by itself."""
    row: list[Asked] = []
    for each in asked:
        if row and not each.joins(row):
            yield row
            row = []
        row.append(each)
    if row:
        yield row
