"""Which changes make others wait for a table while they run, longer the larger it is; a table that is new keeps nobody waiting.

Which of them a database does without copying the table or stopping its writers depends on the server, its version and the engine
(MySQL's "Online DDL Operations", PostgreSQL's "ALTER TABLE" notes and "Building Indexes Concurrently"): they are named, not refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from . import rawsql
from .blueprints import changed
from .phptokens import Token, tokens
from .rawsql import NAME
from .verdict import RAW, Verdict, called, upwards

# Methods of Blueprint and its columns, in lower case.
LOCKS = frozenset(
    """
    index unique primary fulltext spatialindex rawindex foreign constrained change default storedas autoincrement
    id increments bigincrements mediumincrements smallincrements tinyincrements
    """.split()
)
STATEMENT = re.compile(
    rf"\bcreate\s+(?:(?:unique|fulltext|spatial)\s+)?(?P<index>index)\s+(?!concurrently\b)[^;(]*?\bon\s+(?:only\s+)?{NAME}", re.IGNORECASE
)
WHOLE = re.compile(rf"\b(?P<word>vacuum\s+full|cluster|reindex\s+table|optimize\s+table|lock\s+tables?)\s+{NAME}", re.IGNORECASE)
ACTIONS = {
    "an index or a key": (
        r"\badd\s+(?:constraint\s+\S+\s+)?(?:unique|fulltext|spatial|index|key|(?:primary|foreign)\s+key)\b(?!.*\bnot\s+valid\b)"
    ),
    "a column with a default": r"\badd\b.*\bnot\s+null\b.*\bdefault\b|\badd\b.*\bdefault\b.*\bnot\s+null\b",
    "a change of a column": r"\b(?:modify|change)\b|\balter\s+column\s+\S+\s+(?:set\s+data\s+)?type\b|\bset\s+not\s+null\b",
    "a copy of the table": r"\balgorithm\s*=\s*copy\b|\bengine\s*=|\bconvert\s+to\s+character\b|\b(?:stored|auto_increment|partition)\b",
}


def verdict(php: str) -> Verdict:
    """What the migration in ``php`` locks on its way up."""
    words = upwards(tokens(php))
    found = list(_blueprints(words))
    if called(words, RAW):
        strings = [word for word in words if word.kind == "string"]
        found += [(table, f"{what} in line {word.line}") for word in strings for table, what in _locks([word.text])]
    return _verdict(found)


def of_sql(statements: Sequence[str]) -> Verdict:
    """What these statements lock."""
    return _verdict([(table, f"{what} in its SQL") for table, what in _locks(statements)])


def _verdict(found: Sequence[tuple[str, str]]) -> Verdict:
    tables, why = dict.fromkeys(table for table, _ in found), dict.fromkeys(why for _, why in found)
    return Verdict("locking", tuple(why), tuple(tables)) if found else Verdict()


def _blueprints(words: Sequence[Token]) -> Iterator[tuple[str, str]]:
    for table, blueprint in changed(words):
        yield from ((table, f"{found.text} in line {found.line}") for found in called(blueprint, LOCKS))


def _locks(statements: Sequence[str]) -> Iterator[tuple[str, str]]:
    new = rawsql.new_tables(statements)
    yield from ((table, f"{table} is copied") for table in rawsql.rebuilt(statements))
    for text in (rawsql.TEXT.sub("''", text) for text in rawsql.unquoted(rawsql.without_rebuilding(statements))):
        yield from ((found["table"], f"an index of {found['table']}") for found in STATEMENT.finditer(text) if found["table"] not in new)
        yield from ((found["table"], found["word"].upper()) for found in WHOLE.finditer(text) if found["table"] not in new)
        for alter in rawsql.ALTER.finditer(text):
            rest = rawsql.bare(alter["rest"])
            for what, pattern in ACTIONS.items():
                if alter["table"] not in new and re.search(pattern, rest, re.IGNORECASE | re.DOTALL):
                    yield alter["table"], f"{what} of {alter['table']}"
