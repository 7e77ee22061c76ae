"""A conversation with one place: scripts go to its agent, framed answers come back.

``do`` collects what only acts; ``ask`` sends what was collected together with a question and returns its
answer; ``work`` runs something long, whose output streams and survives this process. What will be asked next can be
foreseen: it travels with the trip before, and costs none of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from . import console, interrupt, options, pieces
from .foresight import Foresight
from .pipes import Pipe
from .quoting import bind, quote
from .sharing import Asked
from .wire import Answer


class Shell(Foresight):
    """One agent, started at the first use.

    ``connect`` makes a pipe for a command (the agent's, without one); ``timeout`` is the default limit of a
    command, ``silence`` how long a client that holds the lock may say nothing, both in seconds. In a ``dry``
    shell only questions run; the rest is printed. ``run`` is the run whose lock this conversation holds; a new
    conversation, after ``close`` or a lost connection, holds none.
    """

    def __init__(self, place: str, connect: Callable[..., Pipe], timeout: int = 600, dry: bool = False, silence: int = 60) -> None:
        super().__init__(place, connect, timeout, silence)
        self.dry = dry
        self.trips = 0
        self.run = ""
        self.builds = ""  # the folder in which this run builds
        self.shop = ""  # such a folder whose lock this conversation holds as well
        self.child = ""  # where the agent writes the process group it runs
        self.known: Any = None  # what state.look saw under the lock, until something may have changed it
        self._pieces: list[pieces.Piece] = []
        self._gathers = False
        self._gathered = 0  # how many of these pieces were left waiting on purpose

    # what tasks use

    def do(self, script: str, *values: object, what: str = "", note: bool = False) -> None:
        """Run ``script`` with ``$1``, ``$2`` … bound, in the same trip as the next question; a ``note`` waits for one."""
        if self.dry:
            self._would(script, values, what)
            return
        pieces.collect(self._pieces, pieces.piece(script, values, what, note))
        if not note:
            self.seen.clear()

    def ask(
        self, script: str, *values: object, check: bool = True, timeout: int | None = None, what: str = "", steady: bool = False
    ) -> Answer:
        """Run what was collected, then ``script``; its answer. Raises CommandFailed unless ``check`` is off.

        The answer to a ``steady`` question is not changed by what was collected, which goes on waiting if that answer is here.
        """
        asked = pieces.piece(script, values, what)
        self._foreseen.pop(asked.script, None)  # it need not travel twice
        if self._is_ahead(asked.script) and (steady or not self._acts(self._pieces)):
            return self._arrived(asked, check, timeout)
        self._pieces.append(asked)
        return self._send_pieces(check, timeout)

    def act(self, script: str, *values: object, what: str = "") -> None:
        """Run ``script`` now, or have its answer where it was foreseen. Raises CommandFailed."""
        if self.dry:
            self._would(script, values, what)
        else:
            self.ask(script, *values, what=what)

    def see(self, script: str, *values: str, what: str = "") -> str:
        """What ``script`` prints, which changes nothing: asked once, until something is done here that could change it."""
        if (key := (script, *values)) not in self.seen:
            self.seen[key] = self.ask(script, *values, what=what).out
        return self.seen[key]

    def flush(self) -> None:
        """Run what was collected."""
        if self._pieces:
            self._send_pieces(True)

    def settle(self) -> None:
        """Run what was collected, unless nobody has to know yet how it went: notes alone are not worth a trip."""
        if not self._gathers and self._acts(self._pieces[self._gathered :]):
            self.flush()

    def make_way(self) -> None:
        """Run what was collected, also where it waits on purpose: somebody is about to act past this conversation."""
        if self._acts(self._pieces):
            self.flush()

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Inside, nothing is settled: what one step collects travels with what is asked or settled next, and fails there, by its name."""
        self._gathers = True
        try:
            yield
        finally:
            self._gathers, self._gathered = False, len(self._pieces)

    def forget(self) -> None:
        """Drop what was collected: whoever collected it has failed."""
        self._collected()
        self._foreseen, self.known = {}, None
        self.changed()

    def work(
        self, script: str, *values: object, timeout: int | None = None, check: bool = True, what: str = "", patient: bool = False
    ) -> Answer:
        """Run something long: its lines are shown as they come, both streams in one; it outlives this process.

        Ctrl-C stops it with all that it started, unless it is ``patient``: then it is waited for.
        """
        if self.dry:
            self._would(script, values, what)
            return Answer(0, "", "")
        self.known = None
        self.seen.clear()
        sent = [*self._collected(), pieces.piece(script, values, what)]
        limit, token = self.timeout if timeout is None else timeout, self._frames.token
        show = console.live(self.place, (token, *pieces.marks(values)))
        answer = self._frame(Asked("work", pieces.weave(sent, token), limit), show, patient)
        return self._said(sent, answer, check, limit)

    def own(self, script: str, **variables: object) -> Answer:
        """Run ``script`` in the agent's own shell with ``variables`` set (for the lock)."""
        settings = "\n".join(f"{name}={quote(value)}" for name, value in variables.items())
        return self._frame(Asked("self", f"{settings}\n{script}", 0))

    def close(self) -> None:
        """End the conversation; the agent ends when what it runs has ended."""
        self.run, self.builds, self.shop, self.child, self.known = "", "", "", "", None
        super().close()

    def _would(self, script: str, values: tuple[object, ...], what: str) -> None:
        if options.current.verbose:
            console.would(self.place, bind(script, *values))
        else:
            console.would(self.place, what or pieces.title(script))

    # frames

    @staticmethod
    def _acts(waiting: list[pieces.Piece]) -> bool:
        return not all(piece.note for piece in waiting)

    def _collected(self) -> list[pieces.Piece]:
        """What was collected, which waits no more."""
        found, self._pieces, self._gathered = self._pieces, [], 0
        return found

    def _send_pieces(self, check: bool, timeout: int | None = None) -> Answer:
        sent, token = self._collected(), self._frames.token
        acts = pieces.weave(sent[:-1], token) if sent[1:] else ""
        asked = replace(self._question(pieces.weave(sent[-1:], token, len(sent) - 1), timeout), acts=acts)
        return self._said(sent, self._frame(asked), check, asked.limit)

    def _said(self, sent: list[pieces.Piece], answer: Answer, check: bool, timeout: int) -> Answer:
        return pieces.judged(self.place, sent, answer, self._frames.token, check, timeout)

    def _frame(self, asked: Asked, show: Callable[[bytes], None] | None = None, patient: bool = False) -> Answer:
        if self._running:
            console.say(f"   … {self.place}: waiting for the interrupted command to end")
        self._caught_up()
        self.trips += 1
        try:
            return self._wait(self._depart(asked)[0], show)
        except KeyboardInterrupt:
            self._stop(patient)
            raise

    def _arrived(self, asked: pieces.Piece, check: bool, timeout: int | None) -> Answer:
        """The answer to what was foreseen."""
        try:
            answer = self._caught_up(asked.script)
        except KeyboardInterrupt:
            self._stop(patient=False)
            raise
        if answer is None:  # it did not run, because what ran before it was ended
            self._pieces.append(asked)
            return self._send_pieces(check, timeout)
        return self._said([asked], answer, check, self.timeout if timeout is None else timeout)

    def _stop(self, patient: bool) -> None:
        """After Ctrl-C: end what runs; what must not be cut short is waited for by whatever comes next."""
        console.say(f"   … stopping{' when this command has ended' if patient else ''}; Ctrl-C again leaves at once")
        if self.child and not patient:
            interrupt.end(self.connect, self.child)
