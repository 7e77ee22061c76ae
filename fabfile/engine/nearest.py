"""The known word somebody meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of an error about ``word``: the nearest of ``known``, or all of them when there are few."""
    words = list(known)
    near = _close(word.replace("-", "_"), words) or _close(word, words)
    if near:
        return f"; did you mean {near}?"
    if len(words) <= 12:
        return f"; known: {', '.join(words)}" if words else ""
    return f"; the nearest is {_close(word, words, cutoff=0.0)}"


def _close(word: str, known: list[str], cutoff: float = 0.55) -> str:
    plain = {name.lower(): name for name in known}
    return next((plain[near] for near in get_close_matches(word.lower(), plain, n=1, cutoff=cutoff)), "")
