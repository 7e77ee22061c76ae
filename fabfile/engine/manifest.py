"""The manifest of an artifact: what must be on the server, entry by entry, before it is used."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from .errors import Failure

PIECE = 1 << 20


class BadArtifact(Failure):
    """An artifact that must not be unpacked."""


@dataclass(frozen=True)
class Manifest:
    """Lines of ``kind mode sha256 size path`` in the order of the paths' bytes, as manifest.php prints them."""

    text: str
    digest: str
    entries: int

    @property
    def lines(self) -> dict[str, str]:
        """The line of each path. Not by splitlines: a name may hold U+2028 and its like."""
        return {line.split(" ", 4)[4]: line for line in self.text.split("\n")[:-1]}


def digest(file: Path) -> str:
    """The SHA-256 of ``file``, as hex."""
    value = hashlib.sha256()
    with file.open("rb") as source:
        _feed(value, source)
    return value.hexdigest()


def read(artifact: Path) -> Manifest:
    """The manifest of a tar.gz. Raises BadArtifact for members that must not be unpacked, and for a damaged file."""
    try:
        with gzip.open(artifact) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            lines = dict(_lines(tar))
            while file.read(PIECE):  # to its end, where gzip has its checksum; tar stops reading before
                pass
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise BadArtifact(f"{artifact}: cannot be read: {error}", "build it again: fab builder.build") from error
    return of("".join(f"{lines[path]}\n" for path in sorted(lines, key=_bytes)))


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def of(text: str) -> Manifest:
    """The manifest whose lines are ``text``."""
    return Manifest(text, hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest(), text.count("\n"))


def _lines(tar: tarfile.TarFile) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    folders: set[str] = set()  # also those that no member stands for
    others: set[str] = set()
    for member in tar:
        path = _safe_path(member)
        if path == "." and member.isdir():
            continue
        if path in seen:
            raise BadArtifact(f"the artifact holds {path!r} twice")
        parents = {str(parent) for parent in PurePosixPath(path).parents}
        if others & parents or (path in folders and not member.isdir()):
            raise BadArtifact(f"the artifact's {path!r} would be written through a symlink or over a folder")
        seen.add(path)
        folders |= parents
        if not member.isdir():
            others.add(path)
        yield path, _line(tar, member, path)
    for path in folders - seen - {"."}:
        yield path, _folder(path)


def _safe_path(member: tarfile.TarInfo) -> str:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or any(ord(char) < 32 or char == "\x7f" for char in member.name):
        raise BadArtifact(f"the artifact holds a path that cannot be unpacked safely: {member.name!r}")
    return str(path)


def _line(tar: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> str:
    if member.isdir():
        return _folder(path)
    if member.issym():
        target = member.linkname
        if _escapes(path, target):
            raise BadArtifact(f"the artifact's symlink {path!r} leads out of it: {target!r}")
        value = target.encode("utf-8", "surrogateescape")
        return f"L 777 {hashlib.sha256(value).hexdigest()} {len(value)} {path}"
    if not member.isreg():
        raise BadArtifact(f"the artifact holds {path!r}, which is neither a plain file, a folder nor a symlink")
    if member.mode & 0o7000:
        raise BadArtifact(f"the artifact's {path!r} is setuid, setgid or sticky")
    value_of = hashlib.sha256()
    body = tar.extractfile(member)
    assert body is not None
    _feed(value_of, body)
    return f"F {'755' if member.mode & 0o100 else '644'} {value_of.hexdigest()} {member.size} {path}"


def _folder(path: str) -> str:
    return f"D 755 - 0 {path}"


def _escapes(path: str, target: str) -> bool:
    """ ".." counts at the beginning only: after a name, which may be a symlink too, nobody knows where it leads."""
    parts = PurePosixPath(target).parts
    up = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    return target.startswith("/") or ".." in parts[up:] or up > len(PurePosixPath(path).parts) - 1


def _feed(value: hashlib._Hash, source: IO[bytes]) -> None:
    while data := source.read(PIECE):
        value.update(data)
