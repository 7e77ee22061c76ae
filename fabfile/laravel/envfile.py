"""Changing a .env text in place, and making one for production from .env.example.

A value is replaced where it stands and never appended a second time: phpdotenv takes the last of two, other tools the first.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping

from ..engine.errors import Failure
from .envcheck import Problem, problems
from .envparse import NAME, Entry, duplicates, parse, values

__all__ = ["Entry", "Problem", "duplicates", "missing_keys", "new_app_key", "parse", "problems", "quote", "set_value", "template", "values"]

SQLITE = "storage/app/database.sqlite"  # below the shared folder: Laravel's own place for it is in the release, and would be lost with it
PLAIN = re.compile(r"[\w.,:/@%+=~^&*!?;|<>()\[\]{}-]*", re.ASCII)


def quote(value: str) -> str:
    """``value`` as it has to be written so that phpdotenv, and a shell that reads the file, get exactly it."""
    if "\0" in value:
        raise Failure("a value with a NUL byte cannot be written to .env", "take it out")
    if PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r") + '"'


def set_value(text: str, key: str, value: str) -> str:
    """``text`` with ``key`` set to ``value``: the first place keeps it, duplicates go, a new key is added at the end.

    Comments, order and line ends stay as they are. Raises Failure when ``key`` is no name for a variable.
    """
    if not NAME.fullmatch(key):
        raise Failure(f"{key!r} cannot be the name of a variable in .env", "use letters, digits and _")
    lines, written = _lines(text), f"{key}={quote(value)}"
    places = [entry for entry in parse(text) if entry.name == key]
    for entry in reversed(places[1:]):
        del lines[entry.line - 1 : entry.line - 1 + entry.lines]
    if places:
        first = places[0]
        end = _line_end(lines[first.line - 2 + first.lines])
        mark = "\ufeff" if lines[first.line - 1].startswith("\ufeff") else ""
        lines[first.line - 1 : first.line - 1 + first.lines] = [mark + written + end]
        return "".join(lines)
    newline = _line_end(lines[0]) if lines else ""
    return text + ("" if not text or _line_end(lines[-1]) else newline or "\n") + written + (newline or "\n")


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+", text)


def _line_end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def template(example: str, overrides: Mapping[str, str]) -> str:
    """A .env for production from the text of .env.example: safe defaults first, then ``overrides``, all in place."""
    safe = {"APP_ENV": "production", "APP_DEBUG": "false"}
    for key, value in {**safe, **overrides}.items():
        example = set_value(example, key, value)
    return example


def sqlite(example: str, shared: str) -> dict[str, str]:
    """DB_DATABASE for an ``example`` that says SQLite but not where; ``shared`` is the folder that outlives releases. Else nothing."""
    found = values(example)
    placed = found.get("DB_DATABASE", "").startswith("/") or found.get("DB_URL") or found.get("DATABASE_URL")
    return {"DB_DATABASE": f"{shared}/{SQLITE}"} if found.get("DB_CONNECTION") == "sqlite" and not placed else {}


def new_app_key(cipher: str = "AES-256-CBC") -> str:
    """What ``php artisan key:generate`` writes: 32 random bytes (16 for an AES-128 cipher)."""
    return "base64:" + base64.b64encode(os.urandom(16 if "128" in cipher else 32)).decode()


def missing_keys(example: str, actual: str) -> tuple[str, ...]:
    """Names that are in ``example`` and not in ``actual``, in the order of ``example``."""
    have = {entry.name for entry in parse(actual)}
    return tuple(dict.fromkeys(entry.name for entry in parse(example) if entry.name and entry.name not in have))
