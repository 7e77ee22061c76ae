"""docs/configuration.md, made from deploy.toml: ``python -m fabfile.engine.handbook > docs/configuration.md``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

from .tomlfile import BESIDE_FABFILE, NAME, read_text

_KEY = re.compile(r"(?P<commented># )?(?P<key>[a-z_]+) = (?P<value>.+)")
_TABLE = re.compile(r"(?:# )?(?P<name>\[{1,2}[A-Za-z_.]+\]{1,2})")
_HEAD = f"""# Configuration

Made from the commented `{NAME}` in the root of the project, which says the same; change it there.
"""


class Entry(NamedTuple):
    """A key as the commented deploy.toml shows it; ``live`` when it is set there and not only shown."""

    table: str
    key: str
    value: str
    why: str
    live: bool


class Part(NamedTuple):
    """A table with what is said above it and its keys; the first part has no name."""

    table: str
    about: list[str]
    entries: list[Entry]


def parts(text: str) -> Iterator[Part]:
    """The tables of a commented deploy.toml in order; a comment belongs to the key or table right below it."""
    part, comment = Part("", [], []), list[str]()
    for line in text.splitlines():
        if table := _TABLE.fullmatch(line):
            yield part
            part, comment = Part(table["name"], comment, []), []
        elif key := _KEY.fullmatch(line):
            part.entries.append(Entry(part.table, key["key"], key["value"], " ".join(comment), not key["commented"]))
            comment = []
        elif line:
            comment.append(line.removeprefix("#").strip())
        elif not part.table and not part.entries:
            part.about.extend([*comment, ""])
            comment = []
    yield part


def page(text: str) -> str:
    """The page for a commented deploy.toml."""
    return "\n".join([_HEAD, *(line for part in parts(text) for line in _section(part))])


def _section(part: Part) -> Iterator[str]:
    if part.table:
        yield f"## `{part.table}`\n"
    if part.about:
        yield re.sub(r"\n{2,}", "\n\n", "\n".join(part.about)).strip() + "\n"
    yield "| key | value | |" if any(entry.live for entry in part.entries) else "| key | default | |"
    yield "|---|---|---|"
    for entry in part.entries:
        yield f"| `{entry.key}` | `{entry.value}` | {entry.why.replace('|', '&#124;')} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page(read_text(BESIDE_FABFILE / NAME)))
