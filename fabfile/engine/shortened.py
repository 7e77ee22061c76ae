"""Texts of which there may be too much for a line."""

from __future__ import annotations


def shortened(text: str, most: int) -> str:
    """``text`` in at most so many characters, with an … for what is left out."""
    return text if len(text) <= most else text[: most - 1] + "…"
