"""How many of a thing, in words."""

from __future__ import annotations


def counted(count: int, thing: str) -> str:
    """``1 release``, ``2 releases``."""
    return f"{count} {thing}{'' if count == 1 else 's'}"
