"""Disks that are too small, fill up in the middle, or cannot be written any more: the matrix's rows about space."""

from __future__ import annotations

import gzip
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fabfile.engine.lists import of
from fabfile.engine.pipes import BOOT, ProcessPipe
from fabfile.engine.shell import Shell
from fabfile.server.backups import SCRIPT
from fabfile.server.room import needed
from tests.faults.faulty import FILL, FREEZE, Shims, deploys, news, site_on_small_disk, small_disk, unharmed, writes
from tests.security.conftest import pack
from tests.support.deployment import World
from tests.support.site import leftovers, serving, tree

pytestmark = [pytest.mark.system, pytest.mark.root]


@pytest.fixture(scope="module")
def shims(tmp_path_factory: pytest.TempPathFactory) -> Shims:
    return Shims(tmp_path_factory.mktemp("shims") / "bin")


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], sample: Path, shims: Shims) -> Iterator[World]:
    """A site that serves, alone on a disk of 16 MiB."""
    world = sample_worlds(env=shims.env)
    with site_on_small_disk(world, 16 << 20, 2000):
        assert world.deploy("--artifact", str(sample)).code == 0
        yield world


def test_what_is_needed_is_counted_in_whole_blocks() -> None:
    assert needed(of([b"D 755 - 0 a\n", b"F 644 x 1 a/b\n", b"F 644 x 4097 a/c\n"])) == (4 * 4096, 3)


@pytest.mark.parametrize(("files", "size", "says"), [(1, 20 << 20, "MiB are needed"), (2500, 1, "inodes are needed")])
def test_what_will_not_fit_is_refused_with_numbers(files: int, size: int, says: str, world: World, tmp_path: Path) -> None:
    large = pack(tmp_path / "large.tar.gz", {f"public/large/{number}": "0" * size for number in range(files)})
    before, kept = serving(world.site), tree(world.site / "shared")
    unharmed(world, world.deploy("--artifact", str(large)), before, says)
    assert tree(world.site / "shared") == kept
    assert not list(world.site.glob("releases/.*/*")), "nothing was sent"


# Which program fills the disk and when: while the artifact arrives, while it is unpacked, while the caches are written.
FULL = "No space left on device"
MOMENTS = {
    "upload": ("cat", writes("artifact.tar.gz"), FULL),
    "unpack": ("tar", "true", FULL),
    "caches": ("php", 'case "$*" in *config:cache*) ;; *) false ;; esac', "did not write bootstrap/cache/config.php; the disk is 100%"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_disk_that_fills_up_is_named_and_the_next_one_works(moment: str, world: World, shims: Shims, tmp_path: Path) -> None:
    name, when, says = MOMENTS[moment]
    artifact = news(tmp_path)
    before = serving(world.site)
    live = tree(world.site / "releases" / before)
    with shims.shim(name, shims.once(name, when, FILL.format(world.site))):
        result = world.deploy("--artifact", artifact)
    assert world.get("/up").status == 200
    for filler in world.site.glob("filler*"):
        filler.unlink()
    unharmed(world, result, before, says)
    assert tree(world.site / "releases" / before) == live, "not a byte of the live release"
    deploys(world, "--artifact", artifact)


def test_a_disk_that_turned_read_only_is_told_apart_from_a_full_one(world: World, shims: Shims, tmp_path: Path) -> None:
    before = serving(world.site)
    artifact = news(tmp_path)
    with shims.shim("tar", shims.once("tar", "true", FREEZE.format(world.site / "releases"))):
        result = world.deploy("--artifact", artifact)
    assert world.get("/up").status == 200
    subprocess.run(["umount", str(world.site / "releases")], check=True)
    unharmed(world, result, before, "Read-only file system")
    deploys(world, "--artifact", artifact)


@pytest.fixture
def local() -> Iterator[Shell]:
    shell = Shell("local", lambda command=BOOT: ProcessPipe(command), silence=0)
    yield shell
    shell.close()


def test_a_backup_that_does_not_fit_is_none(local: Shell, tmp_path: Path) -> None:
    database, backups = tmp_path / "database.sqlite", tmp_path / "backups"
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("CREATE TABLE t (x BLOB)")
        db.executemany("INSERT INTO t VALUES (randomblob(1000))", [()] * 3000)
    backups.mkdir()
    script = f"exec 3<<END-OF-CONNECTION\n$3\nEND-OF-CONNECTION\n{SCRIPT}"
    for size in (1 << 20, 5 << 20):  # the copy does not fit; the copy does, but not what it is compressed to
        with small_disk(backups, size):
            answer = local.work(script, backups / "db.gz", "php", f"driver=sqlite\ndatabase={database}", check=False)
            assert answer.code != 0
            assert list(backups.iterdir()) == []
    with small_disk(backups, 20 << 20):
        local.work(script, backups / "db.gz", "php", f"driver=sqlite\ndatabase={database}")
        assert gzip.decompress((backups / "db.gz").read_bytes()).startswith(b"SQLite format 3")
    assert leftovers(tmp_path) == []
