"""PHP source as words: comments and inline HTML are gone, strings are kept whole, every token knows its line.

Enough of PHP's lexical grammar to tell code from comments and strings; nothing here understands what the code means.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

OPENING = re.compile(r"<\?(?:php\b|=)", re.IGNORECASE)
TOKEN = re.compile(
    r"""
    (?P<blank>\s+)
  | (?P<comment>/\*.*?(?:\*/|\Z) | (?://|\#(?!\[))(?:(?!\?>)[^\r\n])*)
  | (?P<close>\?>)
  | (?P<string>
        <<<[ \t]*(?P<quote>['"]?)(?P<label>\w+)(?P=quote)\r?\n(?:[^\n]*\n)*?[ \t]*(?P=label)\b
      | '(?:\\.|[^'\\])*(?:'|\Z) | "(?:\\.|[^"\\])*(?:"|\Z) | `(?:\\.|[^`\\])*(?:`|\Z))
  | (?P<variable>\$\w+)
  | (?P<name>\\?[^\W\d]\w*(?:\\[^\W\d]\w*)*\\?)
  | (?P<sign>\?->|->|::|=>|\#\[|\d[\w.]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
KEPT = ("string", "variable", "name", "sign")


class Token(NamedTuple):
    """``kind`` is one of KEPT."""

    kind: str
    text: str
    line: int


NOTHING = Token("sign", "", 0)


def tokens(text: str) -> tuple[Token, ...]:
    """The tokens of all ``<?php … ?>`` parts of ``text``."""
    ends = [match.end() for match in re.finditer("\n", text)]
    return tuple(Token(kind, match[0], bisect_right(ends, match.start()) + 1) for kind, match in _scan(text) if kind in KEPT)


def _scan(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    place = 0
    while opening := OPENING.search(text, place):
        place = opening.end()
        while match := TOKEN.match(text, place):
            place = match.end()
            kind = str(match.lastgroup)  # of groups inside one another the outermost
            yield kind, match
            if kind == "close":
                break


def at(words: Sequence[Token], place: int) -> Token:
    """The token at ``place``, or an empty one beyond either end."""
    return words[place] if 0 <= place < len(words) else NOTHING


def closing(words: Sequence[Token], place: int) -> int:
    """The place of the bracket that closes the one at ``place``; the last place when nothing does."""
    pair = {"(": ")", "{": "}", "[": "]"}
    opened, depth = words[place].text, 0
    for here in range(place, len(words)):
        if words[here].kind == "sign":
            depth += (words[here].text == opened) - (words[here].text == pair[opened])
        if depth == 0:
            return here
    return len(words) - 1


def calls(words: Sequence[Token], *names: str) -> Iterator[int]:
    """The places of the tokens that call one of these global functions: ``env(``, never ``$x->env(`` or ``function env(``."""
    for place, word in enumerate(words):
        called = word.kind == "name" and word.text.removeprefix("\\") in names and at(words, place + 1).text == "("
        if called and at(words, place - 1).text.lower() not in ("->", "?->", "::", "function", "new"):
            yield place
