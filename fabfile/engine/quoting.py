"""The one place where a value becomes shell."""

from __future__ import annotations

import shlex


def quote(value: object) -> str:
    """``value`` as one word of a POSIX shell, whatever is in it.

    Raises ValueError for a NUL byte, which no shell word can hold.
    """
    text = str(value)
    if "\0" in text:
        raise ValueError("a NUL byte cannot be passed to a shell")
    return shlex.quote(text)


def words(*values: object) -> str:
    """The values as the words of one command line."""
    return " ".join(quote(value) for value in values)


def bind(script: str, *values: object) -> str:
    """``script`` with ``$1``, ``$2`` … bound to the values."""
    return f"set -- {words(*values)}\n{script}" if values else script
