"""Which classes and functions a PHP file uses, by their full names, as PHP resolves them (imports, aliases, namespaces)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from .guards import guarded
from .phptokens import Token, at, tokens

MEMBERS = ("->", "?->", "::")
DECLARES = ("class", "interface", "trait", "enum", "const", "namespace", "goto", "function")


class Reference(NamedTuple):
    """``kind``: ``class``, ``function``, ``factory`` (the class whose ``factory()`` is called) or ``faker`` (``$this->faker``)."""

    name: str
    line: int
    kind: str


@dataclass
class Scope:
    """What names mean at one place of the file."""

    namespace: str = ""
    classes: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)

    def resolve(self, name: str, function: bool = False) -> str:
        """The full name, without the leading backslash."""
        if name.startswith("\\"):
            return name[1:]
        first, slash, rest = name.partition("\\")
        if first.lower() == "namespace" and slash:
            return _join(self.namespace, rest)
        if function and not slash:  # PHP falls back to the global function, and nearly all of them are
            return self.functions.get(name.lower(), name)
        imported = self.classes.get(first.lower())
        return imported + slash + rest if imported else _join(self.namespace, name)


@cache
def references(text: str) -> tuple[Reference, ...]:
    """Every use of a class or a function in ``text``, without what is guarded (see guards) and what is imported but never used.

    They are kept: more than one step asks.
    """
    words = tokens(text)
    skipped, checked = guarded(words)
    scope, place = Scope(), 0
    found: list[Reference] = []
    absent = {scope_name.lower().lstrip("\\") for scope_name in checked}
    while place < len(words):
        after = _declaration(words, place, scope)
        if after == place and place not in skipped:
            found.extend(_used(words, place, scope))
        place = max(after, place + 1)
    return tuple(item for item in found if not _is_checked(item.name.lower(), absent))


def _is_checked(name: str, absent: set[str]) -> bool:
    """``class_exists(Foo::class)`` is compared by the last part too: the check is written before or after resolving."""
    return name in absent or any("\\" not in item and name.rpartition("\\")[2] == item for item in absent)


def _declaration(words: Sequence[Token], place: int, scope: Scope) -> int:
    """Take in a namespace or an import that begins at ``place``; the place after it, or ``place`` when there is none."""
    word = words[place].text.lower()
    if words[place].kind != "name" or at(words, place - 1).text in MEMBERS:
        return place
    if word == "namespace" and at(words, place + 1).kind == "name":
        scope.namespace, scope.classes, scope.functions = words[place + 1].text, {}, {}
        return place + 2
    if word == "use" and at(words, place + 1).text != "(" and _outside_classes(words, place):
        return _imports(words, place + 1, scope)
    return place


def _outside_classes(words: Sequence[Token], place: int) -> bool:
    """Whether an import may stand here: after ``<?php``, a statement's end, or the brace that opens a namespace."""
    opened = [here for here in range(place) if words[here].text == "{" and words[here].kind == "sign"]
    shut = sum(word.text == "}" and word.kind == "sign" for word in words[:place])
    inside = len(opened) - shut
    return inside == 0 or (inside == 1 and any(at(words, here - 2).text.lower() == "namespace" for here in opened))


def _imports(words: Sequence[Token], place: int, scope: Scope) -> int:
    """Read ``A\\B, function c\\d, E\\{F, G as H};`` into the scope; the place after the semicolon."""
    kind = prefix = inner = ""
    while place < len(words) and words[place].text != ";":
        word = words[place]
        if word.text.lower() in ("function", "const"):
            kind, inner = (word.text.lower(), inner) if not prefix else (kind, word.text.lower())
        elif word.kind == "name" and at(words, place + 1).text == "{":
            prefix = word.text
        elif word.kind == "name":
            place = _import(words, place, prefix, inner or kind, scope)
            inner = ""
        place += 1
    return place + 1


def _import(words: Sequence[Token], place: int, prefix: str, kind: str, scope: Scope) -> int:
    name = (prefix + words[place].text).strip("\\")
    named = at(words, place + 1).text.lower() == "as"
    alias = at(words, place + 2).text if named else name.rpartition("\\")[2]
    if kind != "const":
        (scope.functions if kind == "function" else scope.classes)[alias.lower()] = name
    return place + 2 if named else place


def _used(words: Sequence[Token], place: int, scope: Scope) -> Iterator[Reference]:
    word, before, after = words[place], at(words, place - 1).text, at(words, place + 1).text
    if word.kind != "name":
        return
    if before in MEMBERS:
        yield from _member(words, place, scope)
    elif after == "(" and before.lower() not in ("new", "#[", *DECLARES):
        yield Reference(scope.resolve(word.text, function=True), word.line, "function")
    elif before.lower() not in DECLARES:
        yield Reference(scope.resolve(word.text), word.line, "class")


def _member(words: Sequence[Token], place: int, scope: Scope) -> Iterator[Reference]:
    owner, word = at(words, place - 2), words[place]
    if word.text == "faker" and owner.text == "$this":
        yield Reference("$this->faker", word.line, "faker")
    if word.text == "factory" and owner.kind == "name" and at(words, place + 1).text == "(":
        yield Reference(scope.resolve(owner.text), word.line, "factory")


def _join(namespace: str, name: str) -> str:
    return f"{namespace}\\{name}" if namespace else name
