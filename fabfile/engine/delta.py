"""What of an artifact a server lacks that has another release: only that is sent."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .lists import Manifest, path, plain
from .manifest import members


@dataclass(frozen=True)
class Delta:
    """From one manifest to another: ``patch`` is what assemble.php takes; ``send`` are the paths whose content the old tree has nowhere."""

    patch: str
    send: frozenset[str]


def between(old: Manifest, new: Manifest) -> Delta:
    """What turns ``old`` into ``new``. A file that only moved, or changed its mode, is there already. Raises Disorder.

    Held in memory is what changes, not what there is.
    """
    changes = list(_changes(old, new))
    wanted = {content(line) for line in changes if line[:1] in b"FL"}
    there = {content(line): path(line) for line in old.lines() if content(line) in wanted} if wanted else {}
    patch = b"".join(line[:-1] + b"\t" + there.get(content(line), b"") + b"\n" for line in changes)
    return Delta(plain(patch), frozenset(plain(path(line)) for line in changes if line[:1] in b"FL" and content(line) not in there))


def _changes(old: Manifest, new: Manifest) -> Iterator[bytes]:
    """In the order of paths the lines of ``new`` that are not in ``old``, and one of kind "-" for what goes."""
    before, after = old.items(), new.items()
    was, now = next(before, None), next(after, None)
    while was or now:
        if was and (now is None or was[0] < now[0]):
            yield b"- - - - " + was[0] + b"\n"
            was = next(before, None)
            continue
        if now and now != was:
            yield now[1]
        if was and now and was[0] == now[0]:
            was = next(before, None)
        now = next(after, None)


def content(line: bytes) -> tuple[bytes, bytes]:
    """What two entries of the same content have in common: kind and SHA-256."""
    kind, _, digest, _ = line.split(b" ", 3)
    return kind, digest


def pack(artifact: Path, paths: Collection[str], parcel: Path) -> None:
    """Write those members of ``artifact`` into ``parcel``, a tar.gz that is the same each time."""
    with (
        tarfile.open(artifact, "r:gz") as source,
        parcel.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as target,
    ):
        for member in members(source):
            if str(PurePosixPath(member.name)) in paths:
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
