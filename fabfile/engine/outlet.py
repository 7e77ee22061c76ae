"""Standard output: whatever it can show, and a reader that may go away before the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from invoke.exceptions import Exit


def write(text: str) -> None:
    """To the screen, in whatever it can show; a reader that went away does not end a deployment."""
    try:
        sys.stdout.write(text.encode(sys.stdout.encoding or "utf-8", "replace").decode(sys.stdout.encoding or "utf-8"))
        sys.stdout.flush()
    except BrokenPipeError:
        _unread()


@contextmanager
def read() -> Iterator[None]:
    """Inside nothing is done but to print: a reader that has seen enough ends it, and nothing was wrong. Raises Exit."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _unread()
        raise Exit(code=0) from None


def _unread() -> None:
    """From now on it goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
