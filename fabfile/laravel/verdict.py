"""What is said of a migration before it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from .phptokens import Token, at, closing

# From the harmless to the worst.
Kind = Literal["safe", "unknown", "locking", "destructive"]
# What their SQL does, or which rows they delete, is more than can be read with certainty.
RAW = frozenset("statement unprepared affectingstatement exec delete forcedelete".split())


@dataclass(frozen=True)
class Verdict:
    """``why`` names what was found, with its line; ``tables`` those that are locked."""

    kind: Kind = "safe"
    why: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}: {', '.join(self.why)}" if self.why else self.kind


NO_FILE = Verdict("unknown", ("its file is not in database/migrations",))


def worst(*verdicts: Verdict) -> Verdict:
    """The worst one; of two that are as bad the first, with the tables of all."""
    tables = dict.fromkeys(table for verdict in verdicts for table in verdict.tables)
    return replace(max(verdicts, key=lambda verdict: get_args(Kind).index(verdict.kind)), tables=tuple(tables))


def upwards(words: tuple[Token, ...]) -> tuple[Token, ...]:
    """``words`` without down(), which undoes and therefore always drops."""
    for place, word in enumerate(words):
        if word.text.lower() == "function" and at(words, place + 1).text.lower() == "down":
            body = next((here for here in range(place, len(words)) if words[here].text in ("{", ";")), place)
            return words[:place] + words[closing(words, body) + 1 :] if words[body].text == "{" else words
    return words


def called(words: Sequence[Token], names: frozenset[str]) -> list[Token]:
    """The methods of these names, in lower case as PHP compares them, that are called."""
    return [word for place, word in enumerate(words) if word.text.lower() in names and is_method(words, place)]


def is_method(words: Sequence[Token], place: int) -> bool:
    return at(words, place - 1).text in ("->", "?->", "::") and at(words, place + 1).text == "("
