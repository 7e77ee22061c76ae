"""What composer.json and composer.lock say about an application."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import jsontext
from .contenthash import content_hash


@dataclass(frozen=True)
class Package:
    """One package of the lock; ``prefixes`` are the namespaces it autoloads (PSR-4 and PSR-0), ``aliases`` its facades."""

    name: str
    version: str
    dev: bool
    prefixes: tuple[str, ...]
    classmap: tuple[str, ...]
    files: tuple[str, ...]
    require: Mapping[str, str]
    provides: frozenset[str]
    aliases: Mapping[str, str]


@dataclass(frozen=True)
class Lock:
    """A parsed composer.lock."""

    packages: tuple[Package, ...]
    content_hash: str
    platform: Mapping[str, str]

    def find(self, name: str) -> Package | None:
        """The package called ``name``, or None."""
        return next((package for package in self.packages if package.name == name), None)

    @property
    def production(self) -> tuple[Package, ...]:
        return tuple(package for package in self.packages if not package.dev)

    @property
    def dev(self) -> tuple[Package, ...]:
        return tuple(package for package in self.packages if package.dev)


def parse_lock(text: str) -> Lock:
    """The lock in ``text``. Raises Failure when it is not JSON (a merge conflict, usually)."""
    data = jsontext.parse(text, "composer.lock")
    packages = [_package(item, dev) for key, dev in (("packages", False), ("packages-dev", True)) for item in data.get(key) or []]
    return Lock(tuple(packages), str(data.get("content-hash", "")), jsontext.mapping(data.get("platform")))


def _package(data: Mapping[str, Any], dev: bool) -> Package:
    autoload = jsontext.mapping(data.get("autoload"))
    provided = {*jsontext.mapping(data.get("provide")), *jsontext.mapping(data.get("replace"))}
    extra = jsontext.mapping(jsontext.mapping(data.get("extra")).get("laravel"))
    return Package(
        name=str(data["name"]).lower(),
        version=str(data.get("version", "")).removeprefix("v"),
        dev=dev,
        prefixes=namespaces(autoload),
        classmap=tuple(autoload.get("classmap") or ()),
        files=tuple(autoload.get("files") or ()),
        require=jsontext.mapping(data.get("require")),
        provides=frozenset(provided),
        aliases=jsontext.mapping(extra.get("aliases")),
    )


def namespaces(autoload: Mapping[str, Any]) -> tuple[str, ...]:
    """The namespaces of an ``autoload`` object; the empty one, which matches every class, is left out."""
    found = [*jsontext.mapping(autoload.get("psr-4")), *jsontext.mapping(autoload.get("psr-0"))]
    return tuple(name for name in found if name)


def stale(composer_json: str, lock: Lock) -> bool:
    """Whether composer.json was changed after the lock was written; Composer would install what the lock says all the same."""
    return bool(lock.content_hash) and lock.content_hash != content_hash(composer_json)


def framework_version(lock: Lock) -> str:
    """Laravel's version without the ``v``; from an illuminate package when there is no framework; "" when there is neither."""
    names = ("laravel/framework", "illuminate/foundation", "illuminate/support", "laravel/lumen-framework")
    return next((package.version for name in names if (package := lock.find(name))), "")


def root_requirements(composer_json: str) -> Iterator[tuple[str, str]]:
    """The ``require`` part of composer.json, as pairs of name and constraint."""
    yield from jsontext.mapping(jsontext.parse(composer_json, "composer.json").get("require")).items()
