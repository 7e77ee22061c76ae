"""Ctrl-C: what it must not cut in two, and how what runs at the other end is ended."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from .pipes import Pipe

# What was just sent may not have begun: then nobody is noted yet.
STOP = (
    """exec /bin/sh -c 'read -r path; for t in 1 2 3 4 5 6 7 8 9; do read -r pid <"$path" && break; sleep 0.2 || sleep 1; done; """
    """kill -TERM "-$pid"'"""
)
SIGNALS = (signal.SIGINT, signal.SIGTERM)  # which mean the same here (starting.py)


@contextmanager
def undivided() -> Iterator[None]:
    """A Ctrl-C that comes inside is raised at the end of it, a second one at once."""
    came: list[int] = []

    def later(number: int, frame: FrameType | None) -> None:
        if came:
            signal.default_int_handler(number, frame)
        came.append(number)

    ours = threading.current_thread() is threading.main_thread()
    taken = [each for each in SIGNALS if ours and signal.getsignal(each) is signal.default_int_handler]
    for each in taken:
        signal.signal(each, later)
    try:
        yield
    finally:
        for each in taken:
            signal.signal(each, signal.default_int_handler)
    if came:
        raise KeyboardInterrupt


def end(connect: Callable[[str], Pipe], child: str) -> None:
    """End the process group that is noted in the file ``child``, over a pipe of its own."""
    with suppress(Exception):  # whoever cannot be reached notices by itself that nobody is there
        pipe = connect(STOP)
        pipe.send(f"{child}\n".encode())
        pipe.finish()
