"""Bytes to and from one agent, which is started at the first use; what it says is cut into answers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread

from . import kept
from .errors import Unreachable
from .frames import Frames
from .pipes import OUT, Pipe
from .scripts import source

GRACE = 30.0  # seconds more than the far end's own limit before we call it lost
ENDED = (137, 143)  # exit codes of what was killed, or told to end
Show = Callable[[bytes], None]


@dataclass(frozen=True)
class Answer:
    """What a script said: exit code, standard output, standard error; and how many seconds ago its trip began, which it took at most."""

    code: int
    out: str
    err: str
    seconds: float = 0.0

    def late(self, limit: int) -> bool:
        """Whether it was ended because it took longer than ``limit`` seconds; 0 is none."""
        return limit > 0 and self.code in ENDED and self.seconds >= limit


@dataclass(frozen=True)
class Sent:
    """A script on its way: its number, how many seconds its frame may take there, and the number of the last one in that frame."""

    number: int
    timeout: int
    last: int


class Wire:
    """``place`` is its name in messages, ``connect`` makes a pipe for a command (the agent's, without one)."""

    def __init__(self, place: str, connect: Callable[..., Pipe], silence: int) -> None:
        self.place, self.connect, self.silence = place, connect, silence
        self._frames = Frames(secrets.token_hex(16))
        self._pipe: Pipe | None = None
        self._fresh = True
        self._sending = Lock()
        self._ended = Event()
        self._numbers = 0
        self._running: Sent | None = None  # what an answer is waited for, or was when that was interrupted
        self.kept: set[str] | None = None  # texts that need not travel; None: not asked
        self.spoken: set[str] = set()  # those that were sent, or would have been
        self._since = 0.0  # when the last trip began

    def close(self) -> None:
        """Let go of the agent; the next script starts another one."""
        self._ended.set()
        self._running = self.kept = None
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.close()

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers

    def _framed(self, kind: str, sent: Sent, script: str) -> bytes:
        if self.kept is not None:
            script, used = kept.abridge(script, self._frames.token, self.kept)
            self.spoken |= used
        return f"{kind} {sent.last} {sent.timeout}\n{script}\n{self._frames.token}\n".encode("utf-8", "surrogateescape")

    def _wait(self, sent: Sent, show: Show | None = None) -> Answer:
        out, err, code = self._answer(sent, show, sent.timeout + GRACE if sent.timeout else None)
        if sent is self._running:
            self._running = None
        return Answer(code, out, err, time.monotonic() - self._since)

    def _answer(self, sent: Sent, show: Show | None, wait: float | None) -> tuple[str, str, int]:
        """Output, errors and exit code of what was sent; ``show`` gets the output as it comes."""
        while self._fresh and not self._frames.answer(0):  # what a log-in printed belongs to no answer
            self._receive(wait, None)
        if self._fresh and show:
            show(bytes(self._frames.streams[OUT].data))  # what came together with the greeting
        self._fresh = False
        while not (answer := self._frames.answer(sent.number)):
            if sent.last != sent.number and (answer := self._frames.cut(sent.last)):
                self._cut(sent.last)
                break
            self._receive(wait, show)
        return answer

    def _cut(self, last: int) -> None:
        """A frame was ended, and with it all that had not run of it up to its ``last`` number."""

    def _receive(self, wait: float | None, show: Show | None) -> None:
        assert self._pipe is not None
        try:
            stream, data = self._pipe.receive(wait)
        except TimeoutError:
            raise self._lost("it has not answered for too long") from None
        if not data:
            raise self._lost(self._last_words(ended=1))
        self._frames.add(stream, data)
        if show and stream == OUT:
            show(data)

    def _last_words(self, ended: int = 0) -> str:
        """What else it said when so many streams have ended: one may end long before the other is read."""
        if self._pipe is None:
            return ""
        with suppress(TimeoutError):
            while ended < len(self._frames.streams):
                stream, data = self._pipe.receive(1)
                self._frames.add(stream, data)
                ended += not data
        return self._frames.rest()[-500:]

    def _send(self, data: bytes) -> None:
        try:
            with self._sending:
                if self._pipe is None:
                    data = self._start() + data
                assert self._pipe is not None
                self._pipe.send(data)
        except OSError as error:
            raise self._lost(self._last_words() or str(error)) from error
        except BaseException:  # half a script was sent: this conversation cannot go on
            self.close()
            raise

    def _start(self) -> bytes:
        """Connect; what an agent has to be told before anything else."""
        self._pipe, self._ended, self._frames, self._fresh = self.connect(), Event(), Frames(self._frames.token), True
        agent = f"{source('engine/limits.sh')}{source('engine/agent.sh')}".encode()
        if self.silence:
            Thread(target=self._beat, args=(self._pipe, self._ended, self.silence / 4), daemon=True).start()
        return b"%d\n%s%s\n%d\n" % (agent.count(b"\n"), agent, self._frames.token.encode(), self.silence)

    def _beat(self, pipe: Pipe, ended: Event, seconds: float) -> None:
        """Tell the agent that we live, four times in its ``silence``, and ask the same of the other end."""
        while not ended.wait(seconds):
            try:
                with self._sending:
                    pipe.send(b"beat\n")
                if not pipe.alive(self.silence / 2):
                    return
            except (OSError, ValueError, EOFError):
                return

    def _lost(self, why: str) -> Unreachable:
        self.close()
        hint = "" if self.place == "local" else f"fab status --host={self.place} shows what the server did last"
        return Unreachable(f"{self.place}: the connection is gone{': ' + why if why else ''}", hint)
