"""Who may write to a shared folder may put a link to anything of ours into it, at any moment: no step follows it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from fabfile.engine.errors import CommandFailed
from fabfile.engine.layout import Site
from fabfile.engine.pipes import ProcessPipe
from fabfile.engine.shell import Shell
from fabfile.server import configure, maintenance, tidy
from tests.conftest import lacking

NOBODY = 65534
ID = "20260101000000"
SHARED = "storage/app"


@pytest.fixture(autouse=True)
def two_users() -> None:
    if os.geteuid() != 0:
        lacking("only root can make files of another user's")


class Place(NamedTuple):
    """A site whose web server writes to its shared folder and to the release's storage, and a folder of ours beside it."""

    shell: Shell
    site: Site
    ours: Path

    @property
    def release(self) -> Path:
        return Path(self.site.release(ID))

    @property
    def shared(self) -> Path:
        return Path(self.site.shared)

    def plant(self, at: Path, target: Path) -> None:
        """What the web server's user can do in a folder that it may write to."""
        at.symlink_to(target)
        os.lchown(at, NOBODY, NOBODY)

    def link(self) -> None:
        target = "../../../shared/" + SHARED
        self.shell.ask(configure.LINK, self.site.release(ID), self.site.shared, SHARED, target, "folder")

    def group(self, path: str) -> None:
        self.shell.ask(configure.GROUP, self.site.shared, str(NOBODY), path)

    def carry(self) -> None:
        self.shell.ask(maintenance.CARRY, f"{self.site.root}/old", self.site.release(ID), *maintenance.FILES)

    def untouched(self) -> bool:
        found = self.ours.stat()
        return [path.name for path in self.ours.iterdir()] == ["key"] and (found.st_mode & 0o7777, found.st_gid) == (0o700, os.getgid())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    site, ours = Site(str(tmp_path / "site")), tmp_path / "ours"
    ours.mkdir(mode=0o700)
    (ours / "key").write_text("private")
    for folder in (Path(site.release(ID)) / "storage/framework", Path(site.shared) / SHARED, Path(site.root) / "old/storage/framework"):
        folder.mkdir(parents=True)
    for folder in (Path(site.shared) / SHARED, Path(site.release(ID)) / "storage", Path(site.release(ID)) / "storage/framework"):
        folder.chmod(0o777)
    shell = Shell("local", ProcessPipe, silence=0)
    yield Place(shell, site, ours)
    shell.close()


def bring(place: Place, *names: str) -> None:
    for name in names:
        file = place.release / SHARED / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("from the release")


def test_what_a_release_brings_is_not_copied_through_one(place: Place) -> None:
    bring(place, "media/authorized_keys")
    place.plant(place.shared / SHARED / "media", place.ours)
    with pytest.raises(CommandFailed, match="media is a symlink of another user: it is not followed"):
        place.link()
    assert place.untouched()
    assert (place.release / SHARED / "media/authorized_keys").is_file()  # nothing of the release was taken away


def test_nor_over_one(place: Place) -> None:
    bring(place, "note.txt", "more/note.txt")
    for name, target in (("note.txt", "key"), ("gone.txt", "new")):
        place.plant(place.shared / SHARED / name, place.ours / target)
    place.link()
    assert place.untouched()
    assert (place.ours / "key").read_text() == "private"
    assert (place.shared / SHARED / "more/note.txt").read_text() == "from the release"


def test_a_link_of_the_administrators_is_followed(place: Place, tmp_path: Path) -> None:
    """Uploads on another disk, say."""
    bring(place, "media/a.txt")
    (tmp_path / "disk").mkdir()
    (place.shared / SHARED / "media").symlink_to(tmp_path / "disk")
    place.link()
    place.group(f"{SHARED}/media")
    assert (tmp_path / "disk/a.txt").is_file()
    assert (tmp_path / "disk").stat().st_gid == NOBODY


@pytest.mark.parametrize("path", ["media", "media/sub"])
def test_no_folder_is_given_away_through_one(path: str, place: Place) -> None:
    before = place.ours.stat()
    if "/" in path:
        (place.ours / "sub").mkdir()
        before = place.ours.stat()
    place.plant(place.shared / SHARED / "media", place.ours)
    with pytest.raises(CommandFailed, match="it is not followed"):
        place.group(f"{SHARED}/{path}")
    assert place.ours.stat() == before


@pytest.mark.parametrize("file", maintenance.FILES)
def test_maintenance_is_not_carried_through_one(file: str, place: Place) -> None:
    (Path(place.site.root) / "old" / file).write_text("ssh-ed25519 AAAA")
    place.plant(place.release / file, place.ours / "key")
    place.carry()
    assert (place.ours / "key").read_text() == "private"
    assert (place.release / file).read_text() == "ssh-ed25519 AAAA"
    assert not (place.release / file).is_symlink()


def test_maintenance_is_not_carried_into_a_folder_behind_one(place: Place) -> None:
    (Path(place.site.root) / "old/storage/framework/down").write_text("{}")
    (place.release / "storage/framework").rmdir()
    place.plant(place.release / "storage/framework", place.ours)
    with pytest.raises(CommandFailed, match="framework is a symlink of another user"):
        place.carry()
    assert place.untouched()


def test_what_is_thrown_away_is_not_followed(place: Place) -> None:
    old = Path(place.site.own) / "trash" / ID / "storage"
    old.mkdir(parents=True)
    place.plant(old / "uploads", place.ours)
    place.shell.ask(tidy.EMPTY, place.site.root, "", "")
    assert list(old.parent.parent.iterdir()) == []
    assert place.untouched()


# A process of the web server's user that turns a folder into a link and back as fast as it can.
FLIP = f"""
import os, sys
folder, name, target = sys.argv[1:]
os.chdir(folder)
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
print("ready", flush=True)
for count in range(sys.maxsize):
    old = f"{{name}}.{{count}}"
    for change in (lambda: os.rename(name, old), lambda: os.symlink(target, name) if count % 2 else os.mkdir(name, 0o777)):
        try:
            change()
        except OSError:
            pass
"""


def link_anew(place: Place) -> None:
    """As for a fresh release: one that is linked already has nothing to copy."""
    folder = place.release / SHARED
    if folder.is_symlink():
        folder.unlink()
    bring(place, "media/authorized_keys")
    place.link()


RACES: dict[str, tuple[str, Callable[[Place], None]]] = {
    "link": (f"shared/{SHARED}/media", link_anew),
    "group": (f"shared/{SHARED}/media", lambda place: place.group(f"{SHARED}/media")),
    "carry": (f"releases/{ID}/storage/framework", Place.carry),
}


@pytest.mark.parametrize("step", RACES)
def test_nor_is_one_that_comes_at_the_worst_moment(step: str, place: Place) -> None:
    name, run = RACES[step]
    at, refused = Path(place.site.root) / name, 0
    (Path(place.site.root) / "old/storage/framework/down").write_text("{}")
    command = [sys.executable, "-c", FLIP, at.parent, at.name, place.ours]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as flipping:
        assert flipping.stdout is not None
        assert flipping.stdout.readline() == b"ready\n"
        for count in range(2000):  # on a busy machine the other process may get no turn for a while
            try:
                run(place)
            except CommandFailed:
                refused += 1
            if refused and count >= 40:
                break
        flipping.kill()
    assert refused
    assert place.untouched()
