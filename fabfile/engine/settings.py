"""deploy.toml, found, read, checked and ready for use: ``load()``.

Everything wrong with it is a SettingsError (exit code 2) of one line that names file, line, key and what is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import addresses, expand, together, tomlfile, trace
from .addresses import check_address, check_commit, check_ref, check_repository
from .convert import Converter, checked
from .errors import SettingsError
from .inherit import SANDBOX, Hosts
from .nearest import did_you_mean
from .origin import At, Leaf, Node, Source, Table, grow_table, printable
from .overrides import apply, for_hosts, parse
from .schema import Host, Settings


@dataclass(frozen=True)
class Loaded:
    """The settings of this run, where each value came from, and what must not be shown."""

    settings: Settings
    file: Path | None
    origins: Mapping[str, str] = field(repr=False)
    secrets: frozenset[str] = field(repr=False)
    hosts: Hosts = field(repr=False)

    def usual_host(self) -> str:
        """The host meant when none is named: ``default_host``, else the only one there is; empty when it could be several."""
        named = [name for name in self.hosts if name != SANDBOX]
        return self.settings.default_host or (named[0] if len(named) == 1 else "")

    def default_host(self) -> str:
        """The host meant when none is named. Raises SettingsError when it could be several."""
        if usual := self.usual_host():
            return usual
        raise SettingsError(f"which host? give --host=NAME or set default_host; {self.known()}")

    def host(self, name: str = "", values: Mapping[str, Any] | None = None, site: bool = True) -> Host:
        """The host called ``name``, else the default one; ``values`` are what the sandbox says of itself,
        ``site`` whether it is to be deployed to: a builder or a gateway needs no path.

        Raises SettingsError when there is none, when a variable it needs is not set, or when it has no path.
        """
        name = name or self.default_host()
        if name not in self.hosts:
            meant = did_you_mean(name, self.hosts, listed=True) if self.file else ""
            raise SettingsError(printable(f"there is no host {name!r}{meant}{'' if meant.endswith('?') else ';'} {self.known()}"))
        host = self.hosts.make(name, values)
        if site and not host.path:
            at = self.hosts.tree(name).at
            raise at.problem(f"{at.key}.path is missing; set it to the site's folder on the server, such as /srv/my-app")
        return host

    def known(self) -> str:
        """The end of an error about a host's name: which there are, and how to get more."""
        if self.file is None:
            return f"no {tomlfile.NAME} was found, so there is only {', '.join(self.hosts)}; fab local.init writes one"
        return f"{self.file.name} has {', '.join(self.hosts)}; add [hosts.NAME] to it, or let fab local.init write a new one"


def load(
    path: Path | None = None,
    overrides: Sequence[str] = (),
    cwd: Path | None = None,
    extra_hosts: Mapping[str, Mapping[str, Any]] | None = None,
    text: str | None = None,
) -> Loaded:
    """The settings from ``path``, else $FAB_DEPLOY_FILE, else the deploy.toml nearest to ``cwd``, else the defaults.

    ``overrides`` are ``key=value`` texts for this run, ``extra_hosts`` what a host such as the sandbox says of itself,
    ``text`` what ``path`` is going to hold. Raises SettingsError.
    """
    file = tomlfile.find(path, cwd) if text is None else path
    leaves = parse(overrides)
    root = _read(file, leaves, text)
    converter = Converter(expand.variables(file.parent if file else None))
    hosts = _hosts(converter, root, leaves, extra_hosts or {})
    settings = converter.table(Settings, root.without("defaults", "hosts"))
    settings = replace(settings, hosts=hosts, build=together.placed(settings.build, "place" in root.table("build").items))
    _check(settings, root, file)
    return Loaded(settings, file, trace.Origins(settings, root, hosts), trace.secrets(root, hosts), hosts)


def _read(file: Path | None, leaves: list[Leaf], text: str | None) -> Table:
    """What ``file`` or ``text`` says, with the overrides that are not for a host."""
    if text is None:
        text = tomlfile.read_text(file) if file else ""
    name = file.name if file else tomlfile.NAME
    return apply(grow_table(tomlfile.parse(text, name), At(Source(name, text))), leaves)


def _hosts(converter: Converter, root: Table, leaves: list[Leaf], extra: Mapping[str, Mapping[str, Any]]) -> Hosts:
    """The hosts. Each value of all of them is checked, except for variables and combinations only a host in use needs."""
    defaults, written = root.table("defaults"), root.table("hosts")
    names = list(dict.fromkeys([*written.items, *extra, SANDBOX]))
    hosts = Hosts(converter, defaults, written, for_hosts(leaves, names), extra)
    hosts.check()
    for tree in (defaults, *(hosts.tree(name) for name in names)):
        with suppress(expand.Unset):
            converter.table(Host, tree, complete=False)
    return hosts


def _check(settings: Settings, root: Table, file: Path | None) -> None:
    """What a section alone cannot know: whether a local repository exists, and whether the hosts it names do."""
    project, build = root.table("project"), root.table("build")
    if settings.project.repository:
        base = file.parent if file else None
        checked(lambda text: addresses.repository(text, base), settings.project.repository, project.items["repository"])
    if settings.build.place == "builder" and not settings.build.builder:
        at = (build.get("place") or build.get("strategy") or build).at
        raise at.problem(f'build.builder must be set when {at.key} is "builder"; it names a host of this file to build on')
    _known_host(settings.default_host, settings, root.get("default_host"))
    _known_host(settings.build.builder, settings, build.get("builder"))


def _known_host(name: str, settings: Settings, node: Node | None) -> None:
    if name and node and name not in settings.hosts:
        raise node.at.problem(f"{node.at.key}: there is no host {name!r}{did_you_mean(name, settings.hosts)}")


__all__ = ["Host", "Loaded", "Settings", "SettingsError", "check_address", "check_commit", "check_ref", "check_repository", "load"]
