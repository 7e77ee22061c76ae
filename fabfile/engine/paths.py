"""Paths inside a tree, relative and with ``/``, as plain text: of thousands, objects would cost more than all the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator

CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def normal(path: str) -> str:
    """Without what means nothing: ``./a//b/`` is ``a/b``, and nothing at all is ``.``"""
    return "/".join(part for part in path.split("/") if part not in ("", ".")) or "."


def above(path: str) -> Iterator[str]:
    """The folders around ``path``, the nearest first, without the top of the tree."""
    while path := path.rpartition("/")[0]:
        yield path
