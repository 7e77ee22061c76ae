"""A server whose programs can be made to fail at a chosen moment, and a disk that is as small as a test wants it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import lacking
from tests.security.conftest import pack
from tests.support.deployment import World
from tests.support.fab import Result
from tests.support.process import program
from tests.support.site import leftovers, lock_is_free, serving

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What a program does to the disk before it goes on as usual: takes the last block, the last inode, or the right to write.
FILL = "dd if=/dev/zero of='{0}/filler' bs=64k 2>/dev/null; dd if=/dev/zero of='{0}/filler2' bs=1 2>/dev/null"
FREEZE = "mount --bind '{0}' '{0}' && mount -o remount,bind,ro '{0}'"


class Shims:
    """A folder at the head of a server's PATH; what is put there runs in place of the real programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}:{PATH}"}

    @contextmanager
    def shim(self, name: str, script: str) -> Iterator[Path]:
        """While this lasts, ``name`` on the server is ``script``, which has the real program as ``$real``."""
        file = self.folder / name
        file.write_text(f"#!/bin/sh\nreal='{program(name)}'\n{script}\n")
        file.chmod(0o755)
        try:
            yield file
        finally:
            file.unlink()

    def once(self, name: str, when: str, first: str) -> str:
        """A script that does ``first`` the first time that the shell condition ``when`` is true, and then what it always does."""
        done = self.folder.parent / f"{name}.done"
        done.unlink(missing_ok=True)
        return f"if [ ! -e '{done}' ] && {when}; then : >'{done}'; {first}; fi\nexec \"$real\" \"$@\""


def writes(name: str) -> str:
    """A condition: standard output goes to a file of this name."""
    return f'case $(readlink "/proc/$$/fd/1") in *{name}) ;; *) false ;; esac'


def news(folder: Path, number: int = 0) -> str:
    """An artifact with something in it that no server has, and that has to be sent."""
    return str(pack(folder / f"news{number}.tar.gz", {"public/news": secrets.token_hex(5000)}))


@contextmanager
def small_disk(folder: Path, size: int, inodes: int = 0) -> Iterator[None]:
    """While this lasts, ``folder`` is a disk of so many bytes, empty at first; skipped where only root may do that."""
    options = f"size={size}" + (f",nr_inodes={inodes}" if inodes else "")
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        lacking("only root may mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def site_on_small_disk(world: World, size: int, inodes: int = 0) -> Iterator[None]:
    """The same for the site of ``world``, with what a person had put there."""
    kept = world.folder / "kept"
    shutil.copytree(world.site, kept, symlinks=True)
    with small_disk(world.site, size, inodes):
        shutil.copytree(kept, world.site, symlinks=True, dirs_exist_ok=True)
        yield


def unharmed(world: World, result: Result, before: str, says: str, code: int = 4) -> None:
    """It failed for the reason given, and nobody who visits the site can tell."""
    assert result.code == code, result.text
    assert says in result.text, result.text
    assert "Traceback" not in result.text
    assert serving(world.site) == before
    if before:
        assert world.get("/up").status == 200
    assert lock_is_free(world.site)


def deploys(world: World, *args: str) -> None:
    """The next plain deployment needs no repair, and leaves nothing behind."""
    result = world.deploy(*args)
    assert result.code == 0, result.text
    assert serving(world.site) == world.releases()[-1]
    assert leftovers(world.site) == []
