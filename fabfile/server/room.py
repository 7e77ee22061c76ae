"""Is there room for the release?  Better asked before minutes of upload than told by a full disk."""

from __future__ import annotations

from ..engine import lists
from ..engine.errors import Failure
from ..engine.hosts import Host
from ..engine.scripts import source

BLOCK = 4096
ROOM = source("server/room.sh")


def needed(expected: lists.Manifest) -> tuple[int, int]:
    """Bytes on a disk whose blocks are of the usual size, and inodes."""
    sizes = (int(line.split(b" ", 4)[3]) for line in expected.lines())
    return sum(-(-max(size, 1) // BLOCK) * BLOCK for size in sizes), expected.entries


def foresee(c: Host) -> None:
    """Let the question travel with the next trip."""
    c.shell.foresee(ROOM, c.site.run(c.run_id), c.site.releases)


def check(c: Host, artifact: int, expected: lists.Manifest) -> None:
    """Raises Failure, with the numbers, where ``artifact`` bytes and what is in them will not fit."""
    fits(c, *needed(expected), artifact)


def fits(c: Host, size: int, inodes: int, artifact: int = 0) -> None:
    """The same of ``size`` bytes in so many files, which come in ``artifact`` bytes."""
    said = c.shell.ask(ROOM, c.site.run(c.run_id), c.site.releases, what="look for room").out
    run, releases = said.splitlines()
    if run == releases:  # one disk, which has to hold both for a while
        size += artifact
    else:
        _check(c, run, artifact, 1)
    _check(c, releases, size, inodes)


def _check(c: Host, said: str, size: int, inodes: int) -> None:
    free, free_inodes, disk = said.split(" ", 2)
    if free.isdigit() and int(free) << 10 < size:
        raise Failure(
            f"{c.name}: {_mib(size)} MiB are needed, {_mib(int(free) << 10)} MiB are free on {disk}",
            "delete what is not needed there, or keep fewer releases (keep_releases)",
        )
    if free_inodes.isdigit() and 0 < int(free_inodes) < inodes:  # 0: a file system that does not count them
        raise Failure(f"{c.name}: {inodes} inodes are needed, {free_inodes} are free on {disk}", "delete files that are not needed there")


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.1f}"
