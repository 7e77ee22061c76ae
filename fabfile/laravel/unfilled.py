"""New columns that an INSERT has to fill: NOT NULL and without a default. Code that does not know them fails at its next one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from . import rawsql
from .blueprints import changed
from .phptokens import Token, at, closing
from .verdict import is_method

WHY = "NOT NULL without a default: INSERTs that do not know it fail"
# Methods of Blueprint that add a column, in lower case; those that add nullable or counting ones are not among them.
COLUMNS = re.compile(
    r"char|string|(tiny|medium|long)?text|(unsigned)?(tiny|small|medium|big)?integer|(unsigned)?(float|double|decimal)|boolean|enum|set"
    r"|jsonb?|date|year|(datetime|time|timestamp)(tz)?|binary|u[ul]id|ipaddress|macaddress|geometry|geography|vector|tsvector"
    r"|(multi)?(point|linestring|polygon)|geometrycollection|foreign(id(for)?|uuid|ulid)|(uuid|ulid|numeric)?morphs|addcolumn|rawcolumn"
)
# What follows such a method where nobody has to fill the column; change() has a verdict of its own.
FILLED = frozenset(
    "nullable default usecurrent autoincrement storedas virtualas storedasjson virtualasjson generatedas always change".split()
)
NO_VALUE = ("false", "null")  # nullable(false), default(null)
ADDS = re.compile(
    r"\s*add\s+(?!(?:constraint|unique|fulltext|spatial|index|key|primary|foreign|check|partition|period|system)\b).*\bnot\s+null\b",
    re.IGNORECASE | re.DOTALL,
)
FILLED_SQL = re.compile(r"\bdefault\b|\bauto_?increment\b|\bgenerated\b|\bas\s*\(|\bidentity\b|\b(?:small|big)?serial\b", re.IGNORECASE)


def in_php(words: Sequence[Token], new: Collection[str] = ()) -> Iterator[str]:
    """The columns that the blueprints in ``words`` add so, but to ``new`` tables."""
    for _, blueprint in changed(words, new):
        for place, word in enumerate(blueprint):
            if _adds(blueprint, place) and not _filled(blueprint, place):
                yield f"{word.text}({_name(blueprint, place)}), {WHY}, in line {word.line}"


def _adds(words: Sequence[Token], place: int) -> bool:
    owner, column = at(words, place - 2), COLUMNS.fullmatch(words[place].text.lower())
    return bool(column) and is_method(words, place) and owner.kind == "variable" and owner.text != "$this"


def _name(words: Sequence[Token], place: int) -> str:
    first = at(words, place + 2)
    return first.text if first.kind == "string" else "…"


def _filled(words: Sequence[Token], place: int) -> bool:
    """Whether one of the methods that follow the one at ``place`` says how the column is filled."""
    while at(words, place + 1).text == "(":
        place = closing(words, place + 1) + 2
        if at(words, place - 1).text not in ("->", "?->"):
            return False
        if at(words, place).text.lower() in FILLED and at(words, place + 2).text.lower() not in NO_VALUE:
            return True
    return False


def in_sql(statements: Sequence[str], new: Collection[str] = ()) -> Iterator[str]:
    """The tables, but ``new`` ones, to which the statements add such a column."""
    new = {*new, *rawsql.new_tables(statements)}
    for text in statements:
        for alter in rawsql.ALTER.finditer(rawsql.TEXT.sub("''", text)):
            parts = re.split(r",\s*(?=add\b)", rawsql.bare(alter["rest"]), flags=re.IGNORECASE)
            if alter["table"] not in new and any(ADDS.match(part) and not FILLED_SQL.search(part) for part in parts):
                yield f"a column of {alter['table']}, {WHY},"
