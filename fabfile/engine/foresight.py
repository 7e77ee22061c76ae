"""Questions that are on their way before they are asked: they travel behind a trip, and cost none of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from weakref import WeakSet

from . import pieces, sharing
from .interrupt import undivided
from .pieces import Piece
from .pipes import Pipe
from .sharing import Asked
from .wire import Answer, Sent, Wire

_open: WeakSet[Foresight] = WeakSet()


def look_again() -> None:
    """Nothing that was seen before this moment is taken for granted in any conversation."""
    for conversation in _open:
        conversation.changed()


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
            self._depart()

    def changed(self) -> None:
        """Something was done that this conversation does not know of: what was seen or foreseen is out of date."""
        self.seen.clear()
        self._stale = True

    def close(self) -> None:
        """Let go of the agent, and of what it was asked."""
        self._ahead, self._early = {}, {}
        super().close()

    def _depart(self, *first: Asked) -> list[Sent]:
        """Send what is asked ``first``, to whose answer somebody will wait, and behind it what was foreseen: that is on its way then."""
        foreseen, self._foreseen = self._foreseen, {}
        behind = [replace(each, script=pieces.weave([Piece(script, "")], self._frames.token)) for script, each in foreseen.items()]
        sent, data = self._frame_up([*first, *behind])
        ahead = dict(zip(foreseen, sent[len(first) :], strict=True))
        with undivided() if self._pipe else nullcontext():  # to connect may take long; in half a script a conversation would be lost
            self._since = time.monotonic()
            self._send(data)
            self._ahead, self._early, self._stale = ahead, {}, False
            self._running = sent[0] if first else None
        return sent

    def _question(self, script: str, limit: int | None, beside: bool = False) -> Asked:
        return Asked("ask", script, self.timeout if limit is None else limit, quick=limit is None and not beside, beside=beside)

    def _frame_up(self, asked: Sequence[Asked]) -> tuple[list[Sent], bytes]:
        """All of these, each on its way, and the frames of them."""
        sent, data = list[Sent](), b""
        for row in sharing.rows(asked):
            numbered = [(self._next(), each) for each in row]
            sent += [Sent(number, row[0].limit, numbered[-1][0]) for number, _ in numbered]
            data += self._framed(row[0].kind, sent[-1], sharing.gather(numbered, self._frames.token))
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
