"""The known word somebody meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

ALIKE, TASKS_ALIKE = 0.55, 0.75  # tasks do things: one that is hardly like it had better not be typed


def did_you_mean(word: str, known: Iterable[str], listed: bool = False) -> str:
    """The end of an error about ``word``: the nearest of ``known``, or all when they are few and not ``listed`` in it anyway."""
    words = list(known)
    if near := _close(word.replace("-", "_"), words) or _close(word, words):
        return f"; did you mean {near}?"
    return f"; known: {', '.join(words)}" if words and len(words) <= 12 and not listed else ""


def task_meant(word: str, tasks: Iterable[str]) -> str:
    """The end of an error about a task: those of that name in any namespace, else of the nearest name; nothing where none is near."""
    names = list(tasks)
    own = _own(word.lower().replace("_", "-"))
    near = own if own in map(_own, names) else _own(_close(word, names, TASKS_ALIKE)) or _close(own, [*map(_own, names)], TASKS_ALIKE)
    meant = [name for name in names if _own(name) == near]
    return f"; did you mean {' or '.join(meant)}?" if meant else ""


def _own(name: str) -> str:
    """A task's name without its namespace."""
    return name.rpartition(".")[2]


def _close(word: str, known: list[str], cutoff: float = ALIKE) -> str:
    plain = {name.lower(): name for name in known}
    return next((plain[near] for near in get_close_matches(word.lower(), plain, n=1, cutoff=cutoff)), "")
