"""SQL as far as a verdict needs it: what is quoted is no keyword, and which tables are new."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

TEXT = re.compile(r"'(?:''|\\.|[^'\\])*'", re.DOTALL)
QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"|\[[^\]\s]*\]")
NAME = r"(?:[`\"\[]?[\w$]+[`\"\]]?\.)?[`\"\[]?(?P<table>[\w$]+)[`\"\]]?"
NEW = re.compile(rf"\bcreate\s+(?:temporary\s+)?table\s+(?:if\s+not\s+exists\s+)?{NAME}", re.IGNORECASE)
ALTER = re.compile(rf"\balter\s+table\s+(?:if\s+exists\s+|only\s+|ignore\s+)*{NAME}(?P<rest>[^;]*)", re.IGNORECASE)
# How Laravel changes a column of SQLite, which cannot: a copy takes the table's name (SQLiteGrammar, since 11.15).
REBUILT = re.compile(rf"\balter\s+table\s+[`\"]?(?P<copy>\w*__temp__\w+)[`\"]?\s+rename\s+to\s+{NAME}", re.IGNORECASE)
ROWS = re.compile(r"^\s*(?:insert|replace|update|merge)\b.*?\b(?:values|set|select)\b", re.IGNORECASE | re.DOTALL)
LOGIN = re.compile(r"\b(identified\s+by|password)\s+'(?:''|\\.|[^'\\])*'", re.IGNORECASE)


def bare(sql: str) -> str:
    """``sql`` without what is quoted, text or name."""
    return QUOTED.sub("x", TEXT.sub("''", sql))


def unquoted(strings: Iterable[str]) -> Iterator[str]:
    """A string of PHP is read as what is in it."""
    for text in strings:
        yield text[1:-1] if text[:1] in "'\"" and text[:1] == text[-1:] and len(text) > 1 else text


def new_tables(statements: Iterable[str]) -> set[str]:
    """The tables that the statements create: nobody waits for one of those."""
    return {found["table"] for text in statements for found in NEW.finditer(TEXT.sub("''", text))} | {
        found["copy"] for text in statements for found in REBUILT.finditer(text)
    }


def rebuilt(statements: Iterable[str]) -> list[str]:
    """The tables whose place a copy takes."""
    return [found["table"] for text in statements for found in REBUILT.finditer(text)]


def without_rebuilding(statements: Sequence[str]) -> list[str]:
    """``statements`` without those that put a copy in a table's place."""
    names = {re.escape(name) for name in rebuilt(statements)}
    gone = re.compile(rf"\s*drop\s+table\s+[`\"]?(?:{'|'.join(names)})[`\"]?\s*;?\s*", re.IGNORECASE) if names else None
    return [text for text in statements if not REBUILT.search(text) and not (gone and gone.fullmatch(text))]


def shown(sql: str, longest: int = 300) -> str:
    """``sql`` as one line for a screen: without the values of rows, or a login's password."""
    text = LOGIN.sub(r"\1 '…'", " ".join(sql.split()))
    text = f"{found[0]} …" if (found := ROWS.match(text)) else text
    return text if len(text) <= longest else f"{text[:longest]} …"
