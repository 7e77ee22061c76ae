"""Artifacts like the one that ``fab builder.build`` made, with some files changed: a deployment without its build."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

from .deployment import VERSION_FILE

Changes = Mapping[str, str]
# Code that the application never loads, half of its files: for dates in other languages, mail, Markdown, dumps, tests and so on.
UNUSED = tuple(
    f"vendor/{folder}/"
    for folder in """
    egulias league nette ramsey/collection nesbot/carbon/src/Lang voku/portable-ascii/src/data monolog/monolog/src/Processor
    swiftmailer/swiftmailer/src/classes/Swift symfony/css-selector symfony/mime symfony/var-dumper symfony/routing/src/Loader
    symfony/http-foundation/src/Session symfony/http-foundation/src/Test
    symfony/http-kernel/src/Controller symfony/http-kernel/src/DataCollector symfony/http-kernel/src/DependencyInjection
    symfony/http-kernel/src/EventListener symfony/http-kernel/src/Fragment symfony/http-kernel/src/HttpCache
    symfony/translation/src/Dumper symfony/translation/src/Loader symfony/translation/src/Provider
    laravel/framework/src/Illuminate/Broadcasting
    laravel/framework/src/Illuminate/Foundation/Testing laravel/framework/src/Illuminate/Http/Client
    laravel/framework/src/Illuminate/Http/Resources laravel/framework/src/Illuminate/Mail/resources
    laravel/framework/src/Illuminate/Support/Testing
    """.split()
)


class Artifacts:
    """``original`` is one that was really built (see lean), ``folder`` where the changed ones go."""

    def __init__(self, original: Path, folder: Path) -> None:
        self.original, self.folder = original, folder
        self._made: dict[tuple[str, tuple[tuple[str, str], ...]], Path] = {}

    def version(self, number: str, changes: Changes | None = None) -> Path:
        """Return the artifact of a version that ``/release`` shows, with ``changes`` to its files."""
        key = (number, tuple((changes or {}).items()))
        if key not in self._made:
            text = re.sub(r"NUMBER = '.*?'", f"NUMBER = '{number}'", self.read(VERSION_FILE))
            path = self.folder / f"{len(self._made)}-{number}.tar.gz"
            repack(self.original, path, {VERSION_FILE: text, **(changes or {})})
            self._made[key] = path
        return self._made[key]

    def read(self, name: str) -> str:
        """Return the text of a file in the original."""
        with tarfile.open(self.original) as tar:
            return _read(tar, name).decode()

    def files(self) -> dict[str, bytes]:
        """Return every file of the original."""
        with tarfile.open(self.original) as tar:
            return {member.name: _read(tar, member.name) for member in tar if member.isfile()}


def lean(built: Path, target: Path) -> Path:
    """Write the artifact ``built`` without what is never used, and return ``target``."""
    repack(built, target, {})
    return target


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    body = tar.extractfile(name)
    assert body is not None
    return body.read()


def repack(source: Path, target: Path, changes: Changes) -> None:
    """Write ``source`` again with these files changed or added."""
    with tarfile.open(source) as old, tarfile.open(target, "w:gz", compresslevel=1, format=tarfile.GNU_FORMAT) as new:
        for member in old:
            if member.name not in changes and not member.name.startswith(UNUSED):
                new.addfile(member, old.extractfile(member) if member.isfile() else None)
        for name, text in changes.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text.encode()), 0o644
            new.addfile(info, io.BytesIO(text.encode()))
