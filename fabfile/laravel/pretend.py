"""What ``php artisan migrate --pretend`` says, and which migrations may be asked.

It runs up() with a connection that notes the SQL and runs none of it (Migrator::pretendToRun, Connection::pretend). Everything else in
up() does run: files, other connections, models' events. So only those are asked that speak to the schema and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .migrations import ANSI
from .phptokens import Token, at, tokens
from .verdict import is_method, upwards

# Laravel up to 9.20: "CreateNotesTable: create table …", a class of no name by its file.
OLD = re.compile(r"(?P<name>\w+): (?P<sql>.+)")
# Since 9.21: "2025_01_01_000000_notes ......" and below it "⇂ create table …" for each statement (BulletList).
HEAD = re.compile(r"\s*(?P<name>\w+)(?:\s+\.+)?\s*")
BULLET = re.compile(r"\s*⇂\s?(?P<sql>.*?)\s*")
FAILED = "failed to dump queries"  # before 11, for a column that Doctrine would change
# What a migration may name before "::" and call as a function; what it may make with new.
SCHEMA = frozenset("schema db blueprint self static expression str carbon".split())
FUNCTIONS = re.compile(
    r"(?:array|str|mb|ctype|preg|is|in)_\w+|use|fn|function|if|elseif|while|for|foreach|switch|match|isset|empty|unset|array|list|catch"
    r"|count|sprintf|implode|explode|strto\w+|trim|date|now|config|collect|range|compact|return|and|or|not|declare|class",
    re.IGNORECASE,
)
MADE = frozenset("class expression runtimeexception logicexception exception".split())
# Ways past the connection that only pretends.
AROUND = frozenset("connection getpdo getrawpdo getreadpdo setconnection call load loadmissing".split())


def more(php: str) -> str:
    """What the migration does besides the schema, with its line; "" if nothing was found."""
    words = upwards(tokens(php))
    own = {at(words, place + 1).text.lower() for place, word in enumerate(words) if word.text.lower() == "function"}
    for place, word in enumerate(words):
        if (word.kind == "name" and not _plain(words, place, own)) or word.text.startswith("`"):
            return f"{word.text[:40]} in line {word.line}"
    return ""


def _plain(words: Sequence[Token], place: int, own: set[str]) -> bool:
    word, before, after = words[place].text.lower(), at(words, place - 1).text.lower(), at(words, place + 1).text
    if word in ("require", "require_once", "include", "include_once", "eval", "exit", "die"):
        return False
    if before == "new":
        return _last(word) in MADE
    if before == "extends":
        return _last(word) == "migration"
    if after == "::":
        return _last(word) in SCHEMA or at(words, place + 2).text.lower() == "class"
    if is_method(words, place):
        pretends = word not in AROUND or (word == "connection" and at(words, place + 2).text == ")")  # without a name: the usual one
        return pretends and (at(words, place - 2).text.lower() != "$this" or word in own)
    return after != "(" or before == "function" or bool(FUNCTIONS.fullmatch(_last(word)))


def _last(name: str) -> str:
    return name.rpartition("\\")[2]


def statements(output: str, names: Iterable[str]) -> dict[str, list[str]]:
    """The SQL of each of the migrations ``names``, as far as ``output`` has any of it."""
    known = {spelling: name for name in names for spelling in (name, _class(name))}
    found: dict[str, list[str]] = {}
    current = ""
    for line in ANSI.sub("", output).splitlines():
        if current and (bullet := BULLET.fullmatch(line)):
            found[current].append(bullet["sql"])
        elif (old := OLD.match(line)) and old["name"] in known:
            current = known[old["name"]]
            found.setdefault(current, []).append(old["sql"])
        elif (head := HEAD.fullmatch(line)) and head["name"] in known:
            current = known[head["name"]]
            found.setdefault(current, [])
        elif current and found[current] and line.strip():  # a statement of several lines
            found[current][-1] += f"\n{line.strip()}"
    return {name: sql for name, sql in found.items() if not any(FAILED in text for text in sql)}


def _class(name: str) -> str:
    """The class of a migration that has one: the words after the date (Migrator::getMigrationClass, Str::studly)."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_")[4:])
