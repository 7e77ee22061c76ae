"""What ``Schema::table('name', …)`` does to tables that were there before: nobody uses a new one yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from .phptokens import Token, at, closing, tokens
from .verdict import called, is_method, upwards


def created(php: str) -> set[str]:
    """The tables that the migration in ``php`` creates."""
    return _created(upwards(tokens(php)))


def _created(words: Sequence[Token]) -> set[str]:
    """One that is looked for first (hasTable) may be there."""
    new = {_first(words, place) for place, word in enumerate(words) if word.text.lower() == "create" and is_method(words, place)}
    return set() if called(words, frozenset({"hastable"})) else new


def changed(words: Sequence[Token], new: Collection[str] = ()) -> Iterator[tuple[str, Sequence[Token]]]:
    """Each table but those in ``new`` and those created here, and the words that say what becomes of it."""
    known = {*new, *_created(words)}
    for place, word in enumerate(words):
        if word.text.lower() != "table" or not is_method(words, place) or at(words, place + 3).text != ",":
            continue
        table, end = _first(words, place), closing(words, place + 1)
        if table not in known:
            yield table, words[place:end]


def _first(words: Sequence[Token], place: int) -> str:
    """The first argument of the method at ``place``, where that is plain text."""
    word = at(words, place + 2)
    return word.text[1:-1] if word.kind == "string" else ""
