"""The PHP version and the extensions an application cannot run without.

These are the rules of the ``vendor/composer/platform_check.php`` that Composer 2 writes: whatever it finds missing is an
error 500 for every request, so it is better found before the switch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .constraint import satisfies
from .lockfile import Lock, root_requirements


@dataclass(frozen=True)
class Requirement:
    """``name`` is ``php`` or ``ext-…``; ``by`` who asks for it."""

    name: str
    constraint: str
    by: str


def required(composer_json: str, lock: Lock) -> tuple[Requirement, ...]:
    """What composer.json, the lock and its production packages need; extensions that a polyfill stands in for are left out."""
    provided = {name for package in lock.production for name in package.provides}
    found = dict.fromkeys(_all(composer_json, lock))
    return tuple(item for item in found if item.name not in provided)


def _all(composer_json: str, lock: Lock) -> Iterator[Requirement]:
    for name, constraint in (*root_requirements(composer_json), *lock.platform.items()):
        if _is_platform(name):
            yield Requirement(name.lower(), constraint, "composer.json")
    for package in lock.production:
        yield from (Requirement(name.lower(), text, package.name) for name, text in package.require.items() if _is_platform(name))


def _is_platform(name: str) -> bool:
    return name.lower() == "php" or name.lower().startswith("ext-")


def extensions(requirements: Iterable[Requirement]) -> tuple[str, ...]:
    """The names of the extensions, without ``ext-``, sorted."""
    return tuple(sorted({item.name.removeprefix("ext-") for item in requirements if item.name.startswith("ext-")}))


def unmet(requirements: Iterable[Requirement], php: str, loaded: Iterable[str]) -> tuple[str, ...]:
    """One sentence for each requirement that PHP ``php`` with the extensions ``loaded`` (names as in ``php -m``) does not meet."""
    have = {name.strip().lower().replace(" ", "-") for name in loaded}
    return tuple(dict.fromkeys(text for item in requirements if (text := _complaint(item, php, have))))


def _complaint(item: Requirement, php: str, have: set[str]) -> str:
    if item.name == "php":
        return "" if satisfies(php, item.constraint) else f"PHP is {php}, {item.by} needs {item.constraint}"
    extension = item.name.removeprefix("ext-")
    return "" if extension in have else f"the PHP extension {extension} is missing, {item.by} needs it"
