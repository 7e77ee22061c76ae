"""Dev packages that production code needs: after ``composer install --no-dev`` such code is an error 500.

Found from class to package through the autoload maps of composer.lock, never by searching for a word.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Literal

from . import jsontext, sources
from .lockfile import Lock, namespaces, parse_lock
from .phpnames import Reference, references

Severity = Literal["production", "seeding"]

FAKERS = ("fakerphp/faker", "fzaninotto/faker")
# functions are autoloaded by file, so the lock does not know their names; Laravel's own fake() needs Faker
FUNCTIONS = {
    "fake": FAKERS,
    "ray": ("spatie/laravel-ray", "spatie/ray"),
    "rd": ("spatie/laravel-ray", "spatie/ray"),
    "debugbar": ("barryvdh/laravel-debugbar",),
    "clock": ("itsgoingd/clockwork",),
}
# packages that autoload by class map, which has no namespaces to go by
CLASSMAPPED = {"phpunit/phpunit": ("PHPUnit\\",)}


@dataclass(frozen=True)
class Finding:
    """``name`` of the dev ``package`` is used at ``file``:``line``; ``seeding`` is code that a deployment does not run."""

    package: str
    file: str
    line: int
    name: str
    severity: Severity


class Owners:
    """Which package a class belongs to: the longest namespace wins, and of two equal ones the package that production has."""

    def __init__(self, lock: Lock, composer_json: str = "{}") -> None:
        autoload = jsontext.mapping(jsontext.parse(composer_json, "composer.json").get("autoload"))
        self.prefixes: dict[str, str] = dict.fromkeys((name.lower() for name in namespaces(autoload)), "")
        self.aliases: dict[str, str] = {}
        self.known: dict[str, str] = {}  # by the name of a class
        self.dev = {package.name for package in lock.dev}
        for package in (*lock.production, *lock.dev):
            for prefix in package.prefixes + CLASSMAPPED.get(package.name, ()):
                self.prefixes.setdefault(prefix.lower(), package.name)
            self.aliases |= {alias.lower(): package.name for alias in package.aliases}

    def dev_package(self, reference: Reference) -> str:
        """The dev package that ``reference`` needs, or ""."""
        if reference.kind == "faker":
            return self._first(FAKERS)
        if reference.kind == "function" and "\\" not in reference.name:
            return self._first(FUNCTIONS.get(reference.name, ()))
        owner = self._owner(reference.name.lower())
        return owner if owner in self.dev else ""

    def mentioned(self) -> re.Pattern[str]:
        """What stands, in small letters, in every file that may need a dev package: each part of a full name does, whatever is imported
        as what. Most files have nothing of it, and reading all their words takes seconds."""
        names = {prefix.rstrip("\\").rpartition("\\")[2] for prefix, owner in self.prefixes.items() if owner in self.dev}
        names |= {alias for alias, owner in self.aliases.items() if owner in self.dev}
        either = "|".join(re.escape(name) for name in sorted(names | {"faker", "seeders"}))
        return re.compile(rf"\b(?:{either})|\b(?:{'|'.join(FUNCTIONS)})\b|::\s*factory\b")

    def _owner(self, name: str) -> str:
        if name not in self.known:
            fitting = [prefix for prefix in self.prefixes if name.startswith(prefix) or name + "\\" == prefix]
            self.known[name] = self.prefixes[max(fitting, key=len)] if fitting else self.aliases.get(name, "")
        return self.known[name]

    def _first(self, names: Iterable[str]) -> str:
        return next((name for name in names if name in self.dev), "")


def analyze(project: Path) -> tuple[Finding, ...]:
    """Every use of a dev package in the project's own code. Raises Failure when composer.json or composer.lock cannot be read."""
    composer, lock = (sources.read(project / name) for name in ("composer.json", "composer.lock"))
    return _analyzed(project, sources.stamps(project, composer), composer, lock)


@lru_cache(4)
def _analyzed(project: Path, stamps: tuple[sources.Stamp, ...], composer: str, lock: str) -> tuple[Finding, ...]:
    return find({file: sources.php(project / file) for file, _, _ in stamps}, parse_lock(lock), composer)


def find(files: Mapping[str, str], lock: Lock, composer_json: str = "{}") -> tuple[Finding, ...]:
    """The same over texts: ``files`` maps the path inside the project to the PHP in it (see sources.php)."""
    owners = Owners(lock, composer_json)
    mentioned = owners.mentioned()
    used = {file: references(text) for file, text in files.items() if lock.dev and mentioned.search(text.lower())}
    found = [_finding(package, file, item) for file, items in used.items() for item in items if (package := owners.dev_package(item))]
    found += _factories(used, found)
    return tuple(dict.fromkeys(_promote(used, found)))


def _finding(package: str, file: str, item: Reference) -> Finding:
    name = item.name + "()" * (item.kind == "function")
    return Finding(package, file, item.line, name, "seeding" if sources.is_seeding(file) else "production")


def _factories(used: Mapping[str, tuple[Reference, ...]], found: list[Finding]) -> Iterator[Finding]:
    """Production code that calls ``User::factory()`` needs whatever UserFactory.php needs."""
    needs = {PurePosixPath(item.file).stem: item.package for item in found if item.file.startswith("database/factories/")}
    for file, items in used.items():
        for item in items:
            package = needs.get(item.name.rpartition("\\")[2] + "Factory")
            if item.kind == "factory" and package:
                yield _finding(package, file, item._replace(name=item.name + "::factory()"))


def _promote(used: Mapping[str, tuple[Reference, ...]], found: list[Finding]) -> list[Finding]:
    """A migration that names a seeder runs it in production, and with it everything that seeding needs."""
    migrations = [item.name for file, items in used.items() if file.startswith("database/migrations/") for item in items]
    seeded = any(name.startswith("Database\\Seeders\\") for name in migrations)
    return [replace(item, severity="production") for item in found] if seeded else found


def fix_command(package: str, constraint: str = "") -> str:
    """What moves a package from ``require-dev`` to ``require``; it changes the lock, so it is for a person to run and commit."""
    wanted = shlex.quote(f"{package}:{constraint}" if constraint else package)
    return f"composer remove --dev {shlex.quote(package)} && composer require {wanted}"
