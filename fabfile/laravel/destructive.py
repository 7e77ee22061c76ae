"""What a migration would take from the release that still serves, or ask of it: its PHP is read, never run."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from . import rawsql, unfilled
from .phptokens import tokens
from .verdict import RAW, Verdict, called, upwards

# Methods of Schema, of Blueprint and of the query builder, in lower case as PHP compares them. Indexes and keys are
# not among them: nothing asks for one by its name.
GONE = frozenset(
    """
    drop dropifexists dropdatabaseifexists dropalltables dropallviews dropalltypes dropcolumn dropcolumns dropmorphs droptimestamps
    droptimestampstz dropsoftdeletes dropsoftdeletestz dropremembertoken dropconstrainedforeignid dropconstrainedforeignidfor rename
    renamecolumn change truncate
    """.split()
)
SQL = re.compile(
    r"\b(DROP(?!\s+(?:INDEX|KEY|FOREIGN|CONSTRAINT|PRIMARY|CHECK|DEFAULT|NOT|TRIGGER|PROCEDURE|FUNCTION)\b)|TRUNCATE"
    r"|(?<!\bON\s)DELETE\s+(?:[^\s;]+\s+)?FROM\b(?![^;]*\bWHERE\b)|RENAME(?!\s+(?:INDEX|KEY)\b)|(?:MODIFY|CHANGE)(?=\s+\S+\s+\S))\b",
    re.IGNORECASE,
)


def verdict(php: str, new: Collection[str] = ()) -> Verdict:
    """What the migration in ``php`` does on its way up; ``new`` are tables of other migrations that did not run yet either."""
    words = upwards(tokens(php))
    gone, raw = [f"{word.text} in line {word.line}" for word in called(words, GONE)], called(words, RAW)
    gone += unfilled.in_php(words, new)
    for word in words if raw else ():
        if word.kind == "string":
            text = next(rawsql.unquoted([word.text]))
            gone += [f"{why} in line {word.line}" for why in (*_words([text]), *unfilled.in_sql([text], new))]
    if gone:
        return Verdict("destructive", tuple(gone))
    return Verdict("unknown", tuple(f"{word.text} in line {word.line}" for word in raw)) if raw else Verdict()


def of_sql(statements: Sequence[str], new: Collection[str] = ()) -> Verdict:
    """What these statements do; a table that Laravel rebuilds under SQLite is dropped, but does not go."""
    left = rawsql.without_rebuilding(statements)
    gone = [f"{why} in its SQL" for why in (*_words(map(rawsql.bare, left)), *unfilled.in_sql(left, new))]
    return Verdict("destructive", tuple(dict.fromkeys(gone))) if gone else Verdict()


def _words(statements: Iterable[str]) -> Iterator[str]:
    """What of SQL there is, in its own words."""
    return (" ".join(found[1].upper().split()) for text in statements for found in SQL.finditer(text))
