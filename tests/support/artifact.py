"""Artifacts like the one that ``fab builder.build`` made, with some files changed: a deployment without its build."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

from .deployment import VERSION_FILE

Changes = Mapping[str, str]
# Code that the application never loads, a third of its files: translations of dates, Markdown, transliteration tables.
UNUSED = ("vendor/nesbot/carbon/src/Lang/", "vendor/league/commonmark/", "vendor/voku/portable-ascii/src/data/")


class Artifacts:
    """``built`` is a real artifact, ``original`` the same without what is never used; ``folder`` is where the changed ones go."""

    def __init__(self, built: Path, folder: Path) -> None:
        self.original, self.folder = folder / "original.tar.gz", folder
        repack(built, self.original, {})
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
