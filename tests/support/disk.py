"""A small disk of one's own, to be filled to the last block or the last inode."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .process import program

SIZE = 8 << 20
INODES = 1500
KINDS = ("ext4", "tmpfs")
WAYS = ("blocks", "inodes")


@contextmanager
def mounted(folder: Path, kind: str) -> Iterator[bool]:
    """Mount a disk of this ``kind`` at ``folder``; whether that was possible."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(_command(folder, kind), capture_output=True, check=False).returncode == 0
    if done:
        folder.chmod(0o777)
    device = folder.stat().st_dev
    try:
        yield done
    finally:
        if done:
            subprocess.run([program("umount"), "-l", _now(device) or folder], check=False)


def _now(device: int) -> str:
    """Where the disk with this number is mounted now: a folder around it may have been renamed."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        number, path = line.split()[2], line.split()[4].replace("\\040", " ")
        if number == f"{os.major(device)}:{os.minor(device)}":
            return path
    return ""


def _command(folder: Path, kind: str) -> list[str]:
    if kind == "tmpfs":
        return ["mount", "-t", "tmpfs", "-o", f"size={SIZE},nr_inodes={INODES}", "tmpfs", str(folder)]
    image = folder.with_suffix(".img")
    with image.open("wb") as file:
        file.truncate(SIZE)
    subprocess.run([program("mkfs.ext4"), "-q", "-m", "0", "-N", str(INODES), image], check=True)
    return ["mount", "-o", "loop", str(image), str(folder)]


def fill(folder: Path, way: str) -> None:
    """Leave no free block, or no free inode, on the disk of ``folder``."""
    filler = folder / "filler"
    filler.mkdir()
    if way == "inodes":
        _without_inodes(filler)
    else:
        without_blocks(filler / "file")
    assert getattr(os.statvfs(folder), {"inodes": "f_ffree", "blocks": "f_bavail"}[way]) == 0


def _without_inodes(filler: Path) -> None:
    number = 0
    while True:
        try:
            (filler / str(number)).touch()
        except OSError:
            return
        number += 1


def without_blocks(file: Path) -> None:
    """Leave no free block on the disk of ``file``, which is made, or grows."""
    with file.open("ab", buffering=0) as filler:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    filler.write(b"\0" * size)
            except OSError:
                continue
