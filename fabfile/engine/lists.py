"""Lists of entries may be longer than memory should be: they are in files, in one order, and read line by line."""

from __future__ import annotations

import atexit
import gzip
import hashlib
import heapq
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from .errors import Failure

PART = 1 << 12  # lines
PIECE = 1 << 18  # bytes


class Disorder(Failure):
    """A list in which something would be missed."""


@dataclass(frozen=True)
class Manifest:
    """Lines of ``kind mode sha256 size path`` in the order of the paths' bytes, as manifest.php prints them; ``file`` is a gzip of them."""

    digest: str
    entries: int
    file: Path = Path(os.devnull)

    def lines(self) -> Iterator[bytes]:
        with gzip.open(self.file) as file:
            yield from file

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Path and line of each entry. Raises Disorder."""
        last = b""
        for line in self.lines():
            if (here := path(line)) <= last:
                raise Disorder(f"a list of files is not in order: {here!r} after {last!r}")
            yield here, line
            last = here

    def lacking(self, paths: Collection[str]) -> list[str]:
        """Those of ``paths`` that are not in it."""
        there = {raw(each) for each in paths}.intersection(map(path, self.lines()))
        return [each for each in paths if raw(each) not in there]


def path(line: bytes) -> bytes:
    return line.rstrip(b"\n").split(b" ", 4)[4]


def raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def plain(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def of(lines: Iterable[bytes]) -> Manifest:
    """The manifest of these lines, which are in order; it is here until this program ends."""
    handle, name = tempfile.mkstemp(dir=_scratch())
    with os.fdopen(handle, "wb") as file, gzip.open(file, "wb", 1) as packed:  # 1: checksums are hardly smaller for more effort
        for part in parts(lines):
            packed.write(part)
    return opened(Path(name))


def opened(file: Path) -> Manifest:
    """The manifest of which ``file`` is the gzip."""
    value, entries = hashlib.sha256(), 0
    with gzip.open(file) as text:
        while data := text.read(PIECE):
            value.update(data)
            entries += data.count(b"\n")
    return Manifest(value.hexdigest(), entries, file)


def parts(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Many lines in one."""
    rest = iter(lines)
    while part := b"".join(islice(rest, PART)):
        yield part


def in_order(lines: Iterable[bytes], key: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """Sorted, those with the same key as they came; what does not fit into a part of the memory waits in files."""
    rest = iter(lines)
    with ExitStack() as stack:
        runs = []
        while run := sorted(islice(rest, PART), key=key):
            runs.append(stack.enter_context(tempfile.TemporaryFile(dir=_scratch())))
            runs[-1].writelines(run)
            runs[-1].seek(0)
        yield from heapq.merge(*runs, key=key)


@cache
def _scratch() -> str:
    folder = tempfile.mkdtemp(prefix="fab-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
