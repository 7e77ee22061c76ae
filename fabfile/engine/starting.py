"""Ctrl-C while ``fab`` starts, where Invoke would end without a word, and with the exit code of a mistake."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

from .errors import INTERRUPTED

PROGRAM = "fabric.main"  # who loads us, unless a test or a program of somebody's does


def begin() -> None:
    """Until ``over``, a signal that means Ctrl-C ends the run at once: nothing has begun that would have to be undone."""
    if not getattr(getattr(sys.modules.get(PROGRAM), "program", None), "argv", None):
        over()
        return
    signal.signal(signal.SIGTERM, _end)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where whoever started us wants it ignored
        signal.signal(signal.SIGINT, _end)


def over() -> None:
    """From now on it is an exception, which tasks take for their end; a CI that cancels means the same."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    sys.stderr.write("interrupted\n")
    sys.exit(INTERRUPTED)
