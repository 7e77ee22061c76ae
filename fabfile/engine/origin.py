"""Where a value was written, so that every complaint and every row of ``fab config`` can name it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from .errors import SettingsError
from .masks import HIDDEN, hide_logins
from .shortened import shortened
from .tomlfile import Key, locate

SECRET_KEYS = ("notify.slack", "notify.webhook")


@dataclass(frozen=True)
class Source:
    """A file, ``--set`` or the sandbox. What comes from a command line is ``literal``: text, never expanded."""

    name: str
    text: str = field(default="", repr=False)
    literal: bool = False

    @cached_property
    def lines(self) -> Mapping[Key, int]:
        """Line numbers cost a second parse, so they are looked up only when somebody asks."""
        return locate(self.text) if self.text else {}

    def line(self, path: Key) -> int:
        """The line of ``path``, of the first thing in it, or of the nearest table around it; 0 when it is not in this source."""
        inside = (line for key, line in self.lines.items() if key[: len(path)] == path)
        around = (self.lines[path[:end]] for end in range(len(path) - 1, 0, -1) if path[:end] in self.lines)
        return self.lines.get(path) or next(inside, 0) or next(around, 0)


@dataclass(frozen=True)
class At:
    """A key path in a source."""

    source: Source
    path: Key = ()

    def child(self, name: str | int) -> At:
        return At(self.source, (*self.path, name))

    @property
    def key(self) -> str:
        return dotted(self.path)

    @property
    def place(self) -> str:
        line = self.source.line(self.path)
        return f"{self.source.name}:{line}" if line else self.source.name

    def problem(self, text: str, kind: type[SettingsError] = SettingsError) -> SettingsError:
        """An error of one line that begins with the place."""
        return kind(printable(f"{self.place}: {text}"))


@dataclass(frozen=True)
class Leaf:
    """One value as it was written."""

    at: At
    raw: Any

    @property
    def shown(self) -> str:
        """For messages: as written, not expanded, so that no secret gets into an error."""
        text = repr(hide_logins(self.raw) if isinstance(self.raw, str) else self.raw)
        return HIDDEN if self.at.key in SECRET_KEYS else shortened(text, 80)


@dataclass(frozen=True)
class Table:
    """Values by name."""

    at: At
    items: Mapping[str, Node] = field(default_factory=dict)

    def get(self, name: str) -> Node | None:
        return self.items.get(name)

    def table(self, name: str) -> Table:
        """The table called ``name``, empty when it is not there; anything else there is an error."""
        node = self.items.get(name, Table(self.at.child(name)))
        if isinstance(node, Leaf):
            raise node.at.problem(f"{node.at.key} must be a table ([{node.at.key}]); it is {node.shown}")
        return node

    def without(self, *names: str) -> Table:
        return Table(self.at, {name: node for name, node in self.items.items() if name not in names})


Node: TypeAlias = Leaf | Table


def grow(raw: Any, at: At) -> Node:
    """What a TOML parser returned, with its places."""
    return grow_table(raw, at) if isinstance(raw, Mapping) else Leaf(at, raw)


def grow_table(raw: Mapping[str, Any], at: At) -> Table:
    return Table(at, {name: grow(value, at.child(name)) for name, value in raw.items()})


def merge(under: Table, over: Table) -> Table:
    """``over`` on top of ``under``; tables are merged key by key and stay where ``under`` is, lists and values are replaced."""
    items = dict(under.items)
    for name, node in over.items.items():
        below = items.get(name)
        items[name] = merge(below, node) if isinstance(below, Table) and isinstance(node, Table) else node
    return Table(under.at, items)


def nest(path: Key, leaf: Leaf) -> Table:
    """``leaf`` in tables, so that ``path``, the end of its own, leads to it."""
    name, *rest = path
    return Table(At(leaf.at.source, leaf.at.path[: -len(path)]), {str(name): nest(tuple(rest), leaf) if rest else leaf})


def flatten(node: Node, path: Key = ()) -> Iterable[tuple[str, Leaf]]:
    """The leaves with their dotted keys, counted from ``path``."""
    if isinstance(node, Leaf):
        yield dotted(path), node
        return
    for name, child in node.items.items():
        yield from flatten(child, (*path, name))


def dotted(path: Iterable[str | int]) -> str:
    """``hosts.prod.path``; a name TOML would want in quotes gets them."""
    parts = (f"[{name}]" if isinstance(name, int) else "." + _bare(name) for name in path)
    return "".join(parts).removeprefix(".")


def _bare(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def printable(text: str) -> str:
    """``text`` in one line, with nothing in it that a terminal would obey."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
