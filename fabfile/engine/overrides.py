"""``--set key=value``: a setting for this run only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import tomlfile
from .convert import known
from .errors import SettingsError
from .nearest import did_you_mean
from .origin import At, Leaf, Source, Table, merge, nest, printable
from .schema import Host, Settings

SOURCE = Source("--set", literal=True)


def parse(texts: Iterable[str]) -> list[Leaf]:
    """The values with the keys they are meant for; raises SettingsError for a text that is not ``key=value``."""
    leaves = []
    for text in texts:
        key, equals, value = text.partition("=")
        path = tomlfile.key(key.strip())
        if not equals or not path:
            raise SettingsError(printable(f"--set: {key[:60]!r} must be KEY=VALUE, such as project.branch=dev or keep_releases=3"))
        leaves.append(Leaf(At(SOURCE, path), value))
    return leaves


def apply(root: Table, leaves: Iterable[Leaf]) -> Table:
    """``root`` with the values that do not belong to a host."""
    for leaf in leaves:
        if leaf.at.path[0] in known(Settings) and leaf.at.path[0] != "hosts":
            root = merge(root, nest(leaf.at.path, leaf))
    return root


def for_hosts(leaves: Iterable[Leaf], names: Sequence[str]) -> dict[str, list[Table]]:
    """What is set on each host: ``hosts.NAME.key`` on one, the short form ``key`` on all. Raises SettingsError."""
    found: dict[str, list[Table]] = {name: [] for name in names}
    for leaf in leaves:
        first, *rest = leaf.at.path
        if first == "hosts":
            found[_host(leaf, names)].append(nest(tuple(rest[1:]), leaf))
        elif first in known(Host):
            for nodes in found.values():
                nodes.append(nest(leaf.at.path, leaf))
        elif first not in known(Settings):
            raise leaf.at.problem(f"{leaf.at.key} is not a key{did_you_mean(str(first), [*known(Settings), *known(Host)])}")
    return found


def _host(leaf: Leaf, names: Sequence[str]) -> str:
    path = leaf.at.path
    if len(path) < 3:
        raise leaf.at.problem(f"{leaf.at.key} is a table; name a key in it, such as hosts.{names[0]}.keep_releases=3")
    if path[1] not in names:
        raise leaf.at.problem(f"{leaf.at.key}: there is no host {path[1]!r}{did_you_mean(str(path[1]), names)}")
    return str(path[1])
