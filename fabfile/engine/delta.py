"""What of an artifact a server lacks that has another release: only that is sent."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .manifest import Manifest


@dataclass(frozen=True)
class Delta:
    """From one manifest to another: ``patch`` has a line "-PATH" for what goes and "+LINE" for what comes or changes;
    ``send`` are the paths whose content the old tree has nowhere."""

    patch: str
    send: frozenset[str]


def between(old: Manifest, new: Manifest) -> Delta:
    """What turns ``old`` into ``new``. A file that only moved, or changed its mode, is there already."""
    before, after = old.lines, new.lines
    gone = [f"-{path}" for path in before if path not in after]
    come = {path: line for path, line in after.items() if before.get(path) != line}
    there = {content(line) for line in before.values()}
    lacking = frozenset(path for path, line in come.items() if line[0] != "D" and content(line) not in there)
    return Delta("".join(f"{line}\n" for line in (*gone, *(f"+{line}" for line in come.values()))), lacking)


def content(line: str) -> tuple[str, str]:
    """What two entries of the same content have in common: kind and SHA-256."""
    kind, _, digest, _ = line.split(" ", 3)
    return kind, digest


def pack(artifact: Path, paths: Collection[str], parcel: Path) -> None:
    """Write those members of ``artifact`` into ``parcel``, a tar.gz that is the same each time."""
    with (
        tarfile.open(artifact, "r:gz") as source,
        parcel.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as target,
    ):
        for member in source:
            if str(PurePosixPath(member.name)) in paths:
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
