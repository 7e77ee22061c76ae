"""From what TOML gave to the dataclasses of the schema, with errors that name place, key, and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from . import rules, together, tomlfile, validate
from .expand import Variables
from .nearest import did_you_mean
from .origin import Leaf, Node, Table, grow
from .schema import Build, Hooks, Host, Notify, Project, Settings, Versions

T = TypeVar("T")
SECTIONS: dict[str, type] = {
    "[project]": Project,
    "[versions]": Versions,
    "[build]": Build,
    "[defaults] or [hosts.NAME]": Host,
    "[hooks]": Hooks,
    "[notify]": Notify,
}
_NAMES = {str: "text in quotes", int: "a whole number", bool: "true or false"}


@cache
def hints(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    return get_type_hints(kind)


def known(kind: type) -> list[str]:
    """The keys a table may hold."""
    return [field.name for field in fields(kind)] + (["defaults"] if kind is Settings else [])


@dataclass(frozen=True)
class Converter:
    """Converts tables and values; ``variables`` are what ``${NAME}`` stands for."""

    variables: Variables

    def table(self, kind: type[T], node: Node, complete: bool = True) -> T:
        """``node`` as the dataclass ``kind``; keys are compared with each other only when it is ``complete``."""
        if isinstance(node, Leaf):
            raise node.at.problem(f"{node.at.key} must be a table; it is {node.shown}")
        for name in node.items:
            refuse_unknown(kind, node, name)
        made = kind(**{name: self.field(kind, name, child) for name, child in node.items.items()})
        return self.agreeing(made, node) if complete else made

    def field(self, kind: type, name: str, node: Node) -> Any:
        """One key of ``kind``, converted and checked by its rule; lists item by item."""
        value, rule = self.value(hints(kind)[name], node), rules.RULES.get((kind, name))
        if isinstance(value, tuple):
            return tuple(checked(rule, item, item_of(node, i)) for i, item in enumerate(value))
        return checked(rule, value, node)

    def agreeing(self, made: T, node: Table) -> T:
        try:
            together.TOGETHER.get(type(made), lambda _: None)(made)
        except together.Together as broken:
            at = _find(node, broken.key)
            raise at.problem(f"{at.key} {broken.reason}") from None
        return made

    def value(self, kind: Any, node: Node) -> Any:
        """``node`` as ``kind``: a dataclass, a tuple, a choice, or a plain value."""
        origin, inner = get_origin(kind), get_args(kind)
        if is_dataclass(kind):
            return self.short(kind, node) if isinstance(node, Leaf) and kind in rules.SHORT_FORM else self.table(kind, node)  # type: ignore[arg-type]
        if isinstance(node, Table):
            raise node.at.problem(f"{node.at.key} must be {_expected(kind)}; it is a table")
        if origin in (Union, UnionType):
            return self.value(next(one for one in inner if one is not type(None)), node)
        if origin is tuple:
            return tuple(self.value(inner[0], item) for item in self.items(node))
        return self.choice(inner, node) if origin is Literal else self.plain(kind, node)

    def items(self, leaf: Leaf) -> list[Node]:
        raw = tomlfile.value(leaf.raw) if leaf.at.source.literal and isinstance(leaf.raw, str) else leaf.raw
        if not isinstance(raw, list):
            raise leaf.at.problem(f'{leaf.at.key} must be a list, such as ["one", "two"]; it is {leaf.shown}')
        return [grow(item, leaf.at.child(i)) for i, item in enumerate(raw)]

    def short(self, kind: type, leaf: Leaf) -> Any:
        if not isinstance(leaf.raw, str):
            raise leaf.at.problem(f"{leaf.at.key} must be text or a table with {', '.join(known(kind))}; it is {leaf.shown}")
        text = self.plain(str, leaf)
        if not text.strip():
            raise leaf.at.problem(f"{leaf.at.key} is empty")
        return rules.SHORT_FORM[kind](checked(validate.command, text, leaf))

    def choice(self, allowed: tuple[str, ...], leaf: Leaf) -> str:
        text: str = self.plain(str, leaf)
        if text not in allowed:
            listed = ", ".join(f'"{one}"' for one in allowed)
            meant = did_you_mean(text, [one for one in allowed if one], listed=True)
            raise leaf.at.problem(f"{leaf.at.key} must be one of {listed}; it is {leaf.shown}{meant}")
        return text

    def plain(self, kind: Any, leaf: Leaf) -> Any:
        """A text, number or truth; what a variable or ``--set`` brings is text, and read as what is wanted."""
        raw = leaf.raw
        if isinstance(raw, str):
            raw = self.from_text(kind, leaf, raw)
        if type(raw) is not kind:  # not isinstance: true is no number
            hint = f'; write "{raw}"' if kind is str and type(raw) in (int, float) else ""
            raise leaf.at.problem(f"{leaf.at.key} must be {_NAMES[kind]}; it is {shown(leaf)}{hint}")
        return raw

    def from_text(self, kind: Any, leaf: Leaf, raw: str) -> Any:
        text = raw if leaf.at.source.literal else self.variables.expand(raw, leaf.at)
        if text == raw and not leaf.at.source.literal:
            return text
        value = tomlfile.value(text) if kind is not str or leaf.at.source.literal else text
        return value if type(value) is kind else text


def refuse_unknown(kind: type, table: Table, name: str) -> None:
    """Raises SettingsError when ``kind`` has no key ``name``; says where it belongs or what it is nearest to."""
    if name in known(kind):
        return
    at = table.items[name].at
    homes = [home for home, section in SECTIONS.items() if name in known(section)]
    where = f"; {name} belongs in {' or '.join(homes)}" if homes else did_you_mean(name, known(kind))
    raise at.problem(f"{at.key} is not a key{where}")


def shown(node: Node) -> str:
    """The value for a message."""
    if isinstance(node, Table):
        return "a table"
    return str(node.raw).lower() if isinstance(node.raw, bool) else node.shown


def checked(rule: Callable[[Any], Any] | None, value: Any, node: Node) -> Any:
    """``value`` after its rule; any text without one must be a single line. Raises SettingsError."""
    rule = rule or (validate.one_line if isinstance(value, str) else None)
    try:
        return rule(value) if rule else value
    except validate.Bad as reason:
        raise node.at.problem(f"{node.at.key} {reason}; it is {shown(node)}") from None


def item_of(node: Node, index: int) -> Node:
    """Item ``index`` of a list, as far as it can be told apart: a list from ``--set`` is one text."""
    raw = node.raw if isinstance(node, Leaf) else None
    return Leaf(node.at.child(index), raw[index] if isinstance(raw, list) else raw)


def _expected(kind: Any) -> str:
    return "a list" if get_origin(kind) is tuple else _NAMES.get(kind, "a single value")


def _find(table: Table, key: str) -> Any:
    at = table.at
    node: Node | None = table
    for name in key.split("."):
        node = node.get(name) if isinstance(node, Table) else None
        at = node.at if node else at.child(name)
    return at
