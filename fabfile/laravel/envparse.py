"""A .env text as Laravel reads it: the grammar of vlucas/phpdotenv 5.

Own code instead of python-dotenv's parser, because the two disagree where it hurts: ``PASS=a#b`` is ``a`` here and ``a#b`` there, single
quotes know no escapes, ``A=b c`` stops Laravel from booting, and so does an unknown escape. A test compares with the real thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

TRIMMED, SPACE = " \t\n\r\0\x0b", " \t\n\r\x0b\x0c"
NAME = re.compile(r"[a-zA-Z0-9_.]+")
NESTED = re.compile(r"\$\{([a-zA-Z0-9_.]+)\}")
LOST = "a double quote is opened and never closed: everything from here on is lost"
SWALLOWED = "a comment opens a double quote: the lines up to the next quote are lost"
ESCAPES = {'"': '"', "\\": "\\", "$": "$", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True)
class Entry:
    """One variable as it stands in the text.

    ``value`` is None for a name without ``=``; ``nested`` are the places in it where a ``${NAME}`` may be replaced; ``error`` is what
    phpdotenv would refuse the whole file for; ``line`` and ``lines`` are where it is (from 1) and how many lines it takes.
    """

    name: str
    value: str | None
    line: int
    lines: int = 1
    nested: tuple[int, ...] = ()
    error: str = ""


def parse(text: str) -> tuple[Entry, ...]:
    """The entries of ``text`` in its order, duplicates and broken ones included."""
    return tuple(_entry(raw, line, lost) for line, raw, lost in _raw_entries(text.removeprefix("\ufeff")) if lost or not _is_comment(raw))


def values(text: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the application sees: of duplicates the last, ``${NAME}`` replaced by what stands above or in ``environ``."""
    found: dict[str, str] = {}
    for entry in parse(text):
        if entry.error:
            continue
        if entry.value is None:
            found.pop(entry.name, None)
        else:
            found[entry.name] = resolve(entry, {**found, **(environ or {})})
    return found


def resolve(entry: Entry, known: Mapping[str, str]) -> str:
    """The value of ``entry`` with its ``${NAME}``; an unknown name stays as it is written."""
    value = entry.value or ""
    for place in reversed(entry.nested):
        match = NESTED.match(value, place)
        if match and match[1] in known:
            value = value[:place] + known[match[1]] + value[match.end() :]
    return value


def duplicates(text: str) -> dict[str, tuple[int, ...]]:
    """Names that are there more than once, with their lines."""
    lines: dict[str, tuple[int, ...]] = {}
    for entry in parse(text):
        lines[entry.name] = (*lines.get(entry.name, ()), entry.line)
    return {name: found for name, found in lines.items() if name and len(found) > 1}


def _raw_entries(text: str) -> Iterator[tuple[int, str, str]]:
    """First line, text and what is wrong, for lines and for the runs of lines that a double quote keeps together.

    Comments come along. phpdotenv looks for the quote first, so a comment can begin such a run: it swallows what follows, silently.
    """
    held: list[str] = []
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        starts = '="' in line and not _stops(line, started=True)
        if not held and not starts:
            yield number, line, ""
            continue
        held.append(line)
        if _stops(line, starts):
            yield number - len(held) + 1, "\n".join(held), SWALLOWED if _is_comment(held[0]) and len(held) > 1 else ""
            held = []
    if held:
        yield number - len(held) + 1, "\n".join(held), LOST


def _is_comment(line: str) -> bool:
    return line.strip(TRIMMED)[:1] in ("", "#")


def _stops(line: str, started: bool) -> bool:
    """Whether a double quote that is not escaped ends the value here; the line that opens it has one more."""
    quotes = len(re.findall(r'(?=[^\\]")', line.replace("\\\\", "")))
    return line == '"' or quotes > int(started)


def _entry(raw: str, line: int, lost: str) -> Entry:
    if lost:
        return Entry("", None, line, raw.count("\n") + 1, error=lost)
    name, equals, value = raw.partition("=")
    name, error = _name(name.strip(TRIMMED) if equals else name)  # phpdotenv trims both sides of =, but not a bare name
    read, nested, problem = _value(value.strip(TRIMMED)) if equals else (None, (), "")
    return Entry(name, read, line, raw.count("\n") + 1, nested, error or problem)


def _name(name: str) -> tuple[str, str]:
    if len(name) > 8 and re.match(r"export[ \t\n\r\v\f]", name):
        name = name[6:].lstrip(TRIMMED)
    if len(name) > 2 and name[0] == name[-1] and name[0] in "\"'":
        name = name[1:-1]
    return name, "" if NAME.fullmatch(name) else ("a name is missing before =" if not name else "the name has a character it cannot have")


def _value(text: str) -> tuple[str, tuple[int, ...], str]:
    """The value, the places of the ``$`` in it that may begin a ``${NAME}``, and what is wrong."""
    if text[:1] in ("'", '"'):
        value, nested, rest, error = _quoted(text)
        if not error and rest.strip(SPACE)[:1] not in ("", "#"):
            error = "there is something after the closing quote"
        return value, nested, error
    value = re.split(r"[#\s]", text, maxsplit=1, flags=re.ASCII)[0]
    rest = text[len(value) :].lstrip(SPACE)
    error = "a value with spaces needs double quotes" if rest[:1] not in ("", "#") else ""
    return value, tuple(match.start() for match in re.finditer(r"\$", value)), error


def _quoted(text: str) -> tuple[str, tuple[int, ...], str, str]:
    quote, value, place = text[0], "", 1
    nested: tuple[int, ...] = ()
    while place < len(text) and text[place] != quote:
        char = text[place]
        if char == "\\" and quote == '"':
            place += 1
            if text[place : place + 1] not in ESCAPES:
                return value, nested, "", 'the backslash is not followed by one of " \\ $ f n r t v'
            char = ESCAPES[text[place]]
        elif char == "$" and quote == '"':
            nested = (*nested, len(value))
        value, place = value + char, place + 1
    return value, nested, text[place + 1 :], "" if place < len(text) else "the closing quote is missing"
