"""Runs ``fab`` with one fault at one remote command: ``driver.py FAULT N AID ARGUMENTS…``.

Commands are the scripts and uploads that go to the server, counted from 1; N may also be words of the first one that is meant. AID is a
file: what the fault needs (the sshd's pid, a proxy's switch, a file to fill the disk with); with FAULT ``count`` the number of
commands is written there.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))

from fabric.main import program  # noqa: E402 - the path comes first

import fabfile.engine.shell as conversation  # noqa: E402
from fabfile.engine import transfer, wire  # noqa: E402
from fabfile.engine.sharing import Asked  # noqa: E402
from tests.support import disk, process  # noqa: E402
from tests.support.sshd import is_sshd  # noqa: E402

SILENCE = 2  # seconds that a client may say nothing
PATIENCE = 3  # seconds that a command may take where the fault is that it hangs


class Fault:
    """Happens at command ``at``; ``count`` is the command that runs now."""

    def __init__(self, kind: str, at: str, aid: Path) -> None:
        self.kind, self.aid, self.count = kind, aid, 0
        self.at, self.words = (int(at), "") if at.isdecimal() else (-1, at)

    def before(self, script: str = "") -> bool:
        """Called before each command; whether this is the one to tamper with."""
        self.count += 1
        if self.at < 0 and self.words in script:
            self.at = self.count
        if self.kind == "count":
            self.aid.write_text(str(self.count))
        if self.count != self.at:
            return False
        if self.kind == "kill-before":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        if self.kind == "black-hole":
            self.aid.touch()
        if self.kind == "session":
            inside = process.children(int(self.aid.read_text()))
            process.signal_all([pid for pid in inside if is_sshd(pid)], signal.SIGKILL)
        if self.kind == "disk-full":
            disk.without_blocks(Path(self.aid.read_text()))
        return True

    def after(self) -> None:
        if self.count == self.at and self.kind == "kill-after":
            os.kill(os.getpid(), signal.SIGKILL)


def tampered(kind: str, asked: Asked) -> Asked:
    if kind == "fail":
        return replace(asked, script="exit 1")
    if kind == "hang":
        return replace(asked, script="sleep 1000", limit=PATIENCE, quick=False)
    return asked


def install(fault: Fault) -> None:
    """Put the fault in front of what goes to the server."""
    frame, upload = conversation.Shell._frame, transfer._stream

    def faulty_frame(self: Any, asked: Asked, *rest: Any) -> Any:
        self.silence = SILENCE
        if self.place == "local":
            return frame(self, asked, *rest)
        if fault.before(asked.script) and asked.kind != "self":
            asked = tampered(fault.kind, asked)
        answer = frame(self, asked, *rest)
        fault.after()
        return answer

    def faulty_upload(*arguments: Any) -> Any:
        fault.before()
        answer = upload(*arguments)
        fault.after()
        return answer

    conversation.Shell._frame = faulty_frame  # type: ignore[method-assign]
    transfer._stream = faulty_upload
    if fault.kind == "black-hole":
        wire.GRACE = 2.0


def main(kind: str, at: str, aid: str, *arguments: str) -> Callable[[], None] | None:
    install(Fault(kind, at, Path(aid)))
    sys.argv = ["fab", "-r", str(PROJECT), *arguments]
    program.run()
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
