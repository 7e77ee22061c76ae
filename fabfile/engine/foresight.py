"""Questions that are on their way before they are asked: they travel behind a trip, and cost none of their own."""

from __future__ import annotations

import time
from collections.abc import Callable
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


class Foresight(Wire):
    """``timeout`` is the default limit of a question in seconds; the rest is Wire's."""

    def __init__(self, place: str, connect: Callable[..., Pipe], timeout: int, silence: int) -> None:
        super().__init__(place, connect, silence)
        self.timeout = timeout
        self.seen: dict[tuple[str, ...], str] = {}
        self._foreseen: dict[str, int] = {}  # scripts that go with the next trip, and the limit of each
        self._ahead: dict[str, Sent] = {}  # those that went with the last one, in the order of the answers
        self._early: dict[str, Answer] = {}  # answers to that which came before the one that was asked for
        self._stale = False  # they were sent before something changed
        _open.add(self)

    def foresee(self, script: str, *values: object, timeout: int | None = None) -> None:
        """The same question will be asked next: it goes right behind the next trip, and is answered after it.

        Only for what changes nothing, or does no harm where that trip fails: it runs all the same. It is forgotten with the trip after
        that, asked or not.
        """
        self._foreseen[pieces.piece(script, values, "").script] = self.timeout if timeout is None else timeout

    def hurry(self) -> None:
        """Have what is foreseen answered from now on, while this machine is busy with something else."""
        if not (self._running or self._ahead):
            self._since = time.monotonic()
            self._send(self._depart())

    def changed(self) -> None:
        """Something was done that this conversation does not know of: what was seen or foreseen is out of date."""
        self.seen.clear()
        self._stale = True

    def close(self) -> None:
        """Let go of the agent, and of what it was asked."""
        self._ahead, self._early = {}, {}
        super().close()

    def _depart(self) -> bytes:
        """The frames of what was foreseen; it is on its way from now on."""
        sent = {script: self._next(limit) for script, limit in self._foreseen.items()}
        token = self._frames.token
        frames = [self._framed("ask", each, pieces.weave([Piece(script, "")], token)) for script, each in sent.items()]
        self._ahead, self._early, self._foreseen, self._stale = sent, {}, {}, False
        return b"".join(frames)

    def _is_ahead(self, script: str) -> bool:
        return not self._stale and (script in self._ahead or script in self._early)

    def _caught_up(self, script: str = "") -> Answer | None:
        """Read what nobody has waited for yet, up to the answer to ``script``, and return that."""
        if self._running:
            self._wait(self._running)
        while self._ahead and script not in self._early:
            first = next(iter(self._ahead))
            self._early[first] = self._wait(self._ahead[first])
            del self._ahead[first]
        return self._early.pop(script, None)
