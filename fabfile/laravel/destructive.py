"""What a migration would take from the release that still serves: its PHP is read, never run."""

from __future__ import annotations

import re
from collections.abc import Sequence

from . import rawsql
from .phptokens import tokens
from .verdict import RAW, Verdict, called, upwards

# Methods of Schema, of Blueprint and of the query builder, in lower case as PHP compares them. Indexes and keys are
# not among them: nothing asks for one by its name.
GONE = frozenset(
    """
    drop dropifexists dropalltables dropallviews dropcolumn dropcolumns dropmorphs droptimestamps droptimestampstz dropsoftdeletes
    dropsoftdeletestz dropremembertoken dropconstrainedforeignid dropconstrainedforeignidfor rename renamecolumn change truncate
    """.split()
)
SQL = re.compile(
    r"\b(DROP(?!\s+(?:INDEX|KEY|FOREIGN|CONSTRAINT|PRIMARY|CHECK|DEFAULT|NOT|TRIGGER|PROCEDURE|FUNCTION)\b)|TRUNCATE"
    r"|RENAME(?!\s+(?:INDEX|KEY)\b)|(?:MODIFY|CHANGE)(?=\s+\S+\s+\S))\b",
    re.IGNORECASE,
)


def verdict(php: str) -> Verdict:
    """What the migration in ``php`` does on its way up."""
    words = upwards(tokens(php))
    gone, raw = [f"{word.text} in line {word.line}" for word in called(words, GONE)], called(words, RAW)
    if raw:
        gone += [f"{found[1].upper()} in line {word.line}" for word in words if word.kind == "string" for found in SQL.finditer(word.text)]
    if gone:
        return Verdict("destructive", tuple(gone))
    return Verdict("unknown", tuple(f"{word.text} in line {word.line}" for word in raw)) if raw else Verdict()


def of_sql(statements: Sequence[str]) -> Verdict:
    """What these statements do; a table that Laravel rebuilds under SQLite is dropped, but does not go."""
    left = rawsql.without_rebuilding(statements)
    gone = [f"{found[1].upper()} in its SQL" for text in left for found in SQL.finditer(rawsql.bare(text))]
    return Verdict("destructive", tuple(dict.fromkeys(gone))) if gone else Verdict()
