"""Where each setting came from, and which values nobody may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from .errors import SettingsError
from .expand import Variables, names
from .inherit import Hosts
from .masks import logins
from .origin import SECRET_KEYS, Leaf, Table, dotted, flatten
from .schema import Host, Settings
from .tomlfile import Key


def leaves_of(settings: Any, path: Key = ()) -> Iterator[tuple[str, Any]]:
    """Every key of a settings value with its value, in the schema's order; not the hosts, which are made on demand."""
    for field in fields(settings):
        value, key = getattr(settings, field.name), (*path, field.name)
        if isinstance(value, Mapping):
            continue
        if is_dataclass(value):
            yield from leaves_of(value, key)
        else:
            yield dotted(key), value


class Origins(Mapping[str, str]):
    """Key -> ``default``, ``deploy.toml:12``, ``deploy.toml:8 [defaults]``, ``--set``; with the variables in the value.

    Texts are made when asked for, since line numbers cost a second look at the file.
    """

    def __init__(self, settings: Settings, root: Table, hosts: Hosts) -> None:
        self._variables = hosts.converter.variables
        self._leaves: dict[str, Leaf | None] = {key: None for key, _ in leaves_of(settings)}
        self._leaves |= dict(flatten(root.without("hosts", "defaults")))
        if not self._leaves["build.place"] and settings.build.place == settings.build.strategy:
            self._leaves["build.place"] = self._leaves["build.strategy"]
        for name in hosts:
            self._leaves |= of_host(hosts, name)

    def __getitem__(self, key: str) -> str:
        leaf = self._leaves[key]
        return origin(leaf, self._variables) if leaf else "default"

    def __iter__(self) -> Iterator[str]:
        return iter(self._leaves)

    def __len__(self) -> int:
        return len(self._leaves)


def of_host(hosts: Hosts, name: str, values: Mapping[str, Any] | None = None) -> dict[str, Leaf | None]:
    """The leaf behind each key of a host; None where it is the schema's default."""
    tree, path = hosts.tree(name, values), ("hosts", name)
    said = {dotted((*path, key)): leaf for key, leaf in hosts.from_address(tree).items()}
    return {key: None for key, _ in leaves_of(Host(), path)} | dict(flatten(tree, path)) | said


def origin(leaf: Leaf, variables: Variables) -> str:
    """``deploy.toml:12 ← ${NAME} (environment)``"""
    inherited = " [defaults]" if leaf.at.path[0] == "defaults" and not leaf.at.source.literal else ""
    used = [] if leaf.at.source.literal else [name for text in texts(leaf.raw) for name in names(text)]
    sources = ", ".join(variables.origin(name) for name in dict.fromkeys(used))
    return leaf.at.place + inherited + (f" ← {sources}" if sources else "")


def texts(raw: Any) -> Iterable[str]:
    """Every text in a value as TOML gave it."""
    if isinstance(raw, str):
        yield raw
    elif isinstance(raw, (list, dict)):
        for item in raw.values() if isinstance(raw, dict) else raw:
            yield from texts(item)


def secrets(root: Table, hosts: Hosts) -> frozenset[str]:
    """Values to mask: all of .env.deploy, variables whose name says so, where notifications go, passwords in URLs."""
    found = hosts.converter.variables.listed()
    trees = [root.without("hosts"), *(hosts.tree(name) for name in hosts)]
    for leaf in (leaf for tree in trees for _, leaf in flatten(tree)):
        found |= {secret for text in texts(leaf.raw) for secret in _in_text(text, leaf, hosts.converter.variables)}
    return frozenset(found - {""})


def _in_text(text: str, leaf: Leaf, variables: Variables) -> set[str]:
    found: set[str] = set() if leaf.at.source.literal else variables.secrets_of(text)
    try:
        value = text if leaf.at.source.literal else variables.expand(text, leaf.at)
    except SettingsError:  # not set; whoever needs it is told
        value = ""
    return found | logins(value) | ({value} if leaf.at.key in SECRET_KEYS else set())
