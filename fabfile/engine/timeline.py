"""How long each step of this run took."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from .redact import mask

BEGAN = time.monotonic()


@dataclass(frozen=True)
class Span:
    """A step: its ``marker``, id or title, how many steps are around it, and seconds: since the run began, and its own."""

    marker: str
    step: str
    depth: int
    start: float = field(default_factory=lambda: time.monotonic() - BEGAN)
    seconds: float = 0.0
    failed: bool = False


spans: list[Span] = []


def rows() -> list[list[Any]]:
    """The spans so far in the order they began, each as a list that a journal can hold: a step may be called after its command."""
    ordered = sorted(spans, key=lambda span: span.start)
    return [[span.marker, mask(span.step)[:120], span.depth, round(span.start, 3), round(span.seconds, 3), span.failed] for span in ordered]


def parsed(found: object) -> list[Span]:
    """The spans of such lists; what is not one is left out, since a server's files can hold anything."""
    wanted = (str, str, int, float | int, float | int, bool)
    lists = found if isinstance(found, list) else []
    good = [row for row in lists if isinstance(row, list) and len(row) == len(wanted) and all(map(isinstance, row, wanted))]
    return [Span(*row) for row in good]
