"""Which files of a project are its own PHP code, and their texts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..engine.errors import Failure
from . import jsontext
from .blade import to_php

PRODUCTION = ("app", "bootstrap", "config", "routes", "database/migrations", "resources/views")
SEEDING = ("database/seeders", "database/seeds", "database/factories")
Stamp = tuple[str, int, int]  # path inside the project, when it was written (ns), its size
SKIPPED = {"vendor", "node_modules", "tests", "Tests", "storage", ".git"}


def read(path: Path) -> str:
    """The text of ``path``; bytes that are not UTF-8 are replaced, for a comment in Latin-1 is no reason to stop."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}", f"is {path.parent} the root of a Laravel project?") from None


def php(path: Path) -> str:
    """The PHP in ``path``, which may be a Blade template."""
    text = read(path)
    return to_php(text) if path.name.endswith(".blade.php") else text


def is_seeding(file: str) -> bool:
    """Whether ``file`` runs only when the database is seeded."""
    return file.startswith(tuple(folder + "/" for folder in SEEDING))


def code(project: Path, composer_json: str = "{}") -> tuple[str, ...]:
    """The project's PHP files, as sorted paths inside it: Laravel's folders and whatever composer.json autoloads."""
    autoload = jsontext.mapping(jsontext.parse(composer_json, "composer.json").get("autoload"))
    folders = [*PRODUCTION, *SEEDING, *_folders(jsontext.mapping(autoload.get("psr-4")).values())]
    found = {file for folder in dict.fromkeys(folders) for file in under(project, folder)}
    return tuple(sorted(file for file in found if not file.startswith("bootstrap/cache/")))


def stamps(project: Path, composer_json: str) -> tuple[Stamp, ...]:
    """The same with what changes when they do; a link that leads nowhere is left out."""
    there = ((file, project / file) for file in code(project, composer_json))
    return tuple((file, at.st_mtime_ns, at.st_size) for file, path in there if path.exists() for at in [path.stat()])


def _folders(values: Iterable[object]) -> Iterator[str]:
    """PSR-4 maps a namespace to a folder or to a list of them; the root itself would mean everything, so it is left out."""
    for value in values:
        for folder in value if isinstance(value, list) else [value]:
            if name := str(folder).strip("./"):
                yield name


def under(project: Path, folder: str) -> Iterator[str]:
    """The PHP files below ``folder``; links to folders are not followed."""
    for parent, names, files in os.walk(project / folder):
        names[:] = [name for name in names if name not in SKIPPED]
        yield from ((Path(parent) / file).relative_to(project).as_posix() for file in files if file.endswith(".php"))
