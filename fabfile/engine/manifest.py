"""The manifest of an artifact: what must be on the server, entry by entry, before it is used."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import IO

from . import lists, paths
from .errors import Failure
from .lists import Manifest, plain, raw

PIECE = 1 << 20
UNREADABLE = (tarfile.TarError, OSError, EOFError, zlib.error)


class BadArtifact(Failure):
    """An artifact that must not be unpacked."""


def digest(file: Path) -> str:
    """The SHA-256 of ``file``, as hex."""
    value = hashlib.sha256()
    with file.open("rb") as source:
        _feed(value, source)
    return value.hexdigest()


def recognize(artifact: Path) -> None:
    """Raises BadArtifact for what does not even begin as a tar.gz, before anything is made of it."""
    try:
        with tarfile.open(artifact, "r:gz") as tar:
            tar.next()
    except UNREADABLE as error:
        raise BadArtifact(f"{artifact}: cannot be read: it is no gzip'ed tar archive", "fab builder.build makes one") from error


def read(artifact: Path) -> Manifest:
    """The manifest of a tar.gz. Raises BadArtifact for members that must not be unpacked, and for a damaged file."""
    try:
        with gzip.open(artifact) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            found = groupby(lists.in_order(_records(file, tar), _path), _path)
            return lists.of(_entry(path, records) for path, records in found if path != b".")
    except UNREADABLE as error:
        raise BadArtifact(f"{artifact}: cannot be read: {error}", "build it again: fab builder.build") from error


def members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """One after the other; ``tar`` itself would remember them all."""
    for member in tar:
        tar.members.clear()  # type: ignore[attr-defined] # typeshed leaves it out
        yield member


# A record is what one member says of a path, its own or that of a folder around it: the path, the member, and its line if it is its own.
# No path has a NUL.


def _records(file: gzip.GzipFile, tar: tarfile.TarFile) -> Iterator[bytes]:
    around: set[str] = set()
    for member in members(tar):
        path = _safe_path(member)
        if path == "." and member.isdir():
            continue
        folders = {".", *paths.above(path)}
        yield from (_record(folder, path) for folder in folders - around)
        yield _record(path, path, _line(tar, member, path))
        around = folders
    while file.read(PIECE):  # to its end, where gzip has its checksum; tar stops reading before
        pass


def _record(path: str, member: str, line: str = "") -> bytes:
    return raw(f"{path}\0{member}\0{line}\n")


def _path(record: bytes) -> bytes:
    return record.partition(b"\0")[0]


def _entry(path: bytes, records: Iterator[bytes]) -> bytes:
    """The line of ``path``, of which all that ``records`` say must go together; they are in the order of the members."""
    found, folder = b"", False
    for record in records:
        _, member, line = record.split(b"\0")
        own = line != b"\n"
        if own and found:
            raise BadArtifact(f"the artifact holds {plain(path)!r} twice")
        found, folder = (line if own else found), folder or not own
        if folder and found and not found.startswith(b"D"):
            raise BadArtifact(f"the artifact's {plain(member)!r} would be written through a symlink or over a folder")
    return found or raw(f"{_folder(plain(path))}\n")


def _safe_path(member: tarfile.TarInfo) -> str:
    name = member.name
    if name.startswith("/") or ".." in name.split("/") or paths.CONTROL.search(name):
        raise BadArtifact(f"the artifact holds a path that cannot be unpacked safely: {name!r}")
    return paths.normal(name)


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
