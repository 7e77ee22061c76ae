"""What Ctrl-C must not cut in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)  # which mean the same here (leaving.py)


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
