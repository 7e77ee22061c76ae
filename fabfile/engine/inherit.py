"""The hosts of deploy.toml: [defaults] under each, ``--set`` on top, and the sandbox that is always there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from .addresses import HOST_NAME, address
from .convert import Converter
from .errors import SettingsError
from .origin import At, Leaf, Source, Table, grow_table, merge
from .schema import Host

SANDBOX, HERE = "sandbox", "local"
# What leads to a machine is the sandbox's own business; what describes one is not inherited by it either.
LEADS = ("address", "user", "port", "key", "gateway", "known_hosts", "path", "url")
DESCRIBES = ("php", "composer", "public_html", "env_file", "web_group", "resolve", "fpm_socket", "opcache", "opcache_command", "supervisor")


@dataclass(frozen=True, eq=False)
class Hosts(Mapping[str, Host]):
    """Hosts by name. Each is made when it is asked for, so that a secret missing for one does not stop another."""

    converter: Converter
    defaults: Table
    written: Table
    changes: Mapping[str, Sequence[Table]]
    given: Mapping[str, Mapping[str, Any]]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self.written.items, *self.given, SANDBOX]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __getitem__(self, name: str) -> Host:
        if name not in iter(self):
            raise KeyError(name)
        return self.make(name)

    def make(self, name: str, values: Mapping[str, Any] | None = None) -> Host:
        """The host called ``name``; ``values`` lie under what deploy.toml says of it. Raises SettingsError."""
        tree = self.tree(name, values)
        return self._placed(name, self.converter.table(Host, tree), tree)

    def tree(self, name: str, values: Mapping[str, Any] | None = None) -> Table:
        """All that is said of a host, with the places it is said."""
        own = self.written.table(name)
        inherited = self.defaults.without(*LEADS, *DESCRIBES) if name == SANDBOX else self.defaults
        given = grow_table({**self.given.get(name, {}), **(values or {})}, At(Source(name, literal=True), ("hosts", name)))
        layers = [inherited, given, own, *self.changes.get(name, ())]
        return reduce(merge, layers, Table(own.at))

    def check(self) -> None:
        """Raises SettingsError for a name that cannot be one and for keys the sandbox decides about."""
        for name in self.written.items:
            at = self.written.table(name).at
            if not HOST_NAME.fullmatch(name):
                raise at.problem(f"{at.key}: a host's name must hold letters, digits and . _ - only")
            if name == HERE:
                raise at.problem(f'{at.key}: "{HERE}" is this machine; give the host another name')
        for key, node in self.written.table(SANDBOX).items.items():
            if key in LEADS:
                raise node.at.problem(f"{node.at.key} cannot be set: the sandbox brings its own {key}; give another host a name of its own")

    def from_address(self, tree: Table) -> dict[str, Leaf]:
        """Which of user and port the host's address says, with the leaf that says it."""
        leaf = tree.get("address")
        try:
            parts = address(self.converter.plain(str, leaf)) if isinstance(leaf, Leaf) else None
        except (SettingsError, ValueError):
            return {}
        return {key: leaf for key in ("user", "port") if getattr(parts, key, None) and isinstance(leaf, Leaf)}

    def _placed(self, name: str, host: Host, tree: Table) -> Host:
        """``host`` with its address in parts; the name is the address of a host that has none: an ssh_config alias."""
        if not host.address:
            return replace(host, address=name)
        parts = address(host.address)
        for key, said in (("user", parts.user), ("port", parts.port)):
            node = tree.get(key)
            if said and node and node.at.path[0] != "defaults" and getattr(host, key) not in (said, "", 0):
                raise node.at.problem(f"{node.at.key} is {getattr(host, key)!r}, but address says {said!r}; keep one")
        return replace(host, address=parts.host, user=parts.user or host.user, port=parts.port or host.port)
