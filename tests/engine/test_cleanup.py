"""What goes is ours, old, and in nobody's way; everything else stays as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fabfile.engine import lock, records, redact, state
from fabfile.engine.errors import SettingsError
from fabfile.engine.hosts import Host
from fabfile.engine.records import Record
from fabfile.server import tidy
from tests.conftest import lacking
from tests.engine import places
from tests.support import disk
from tests.support.site import leftovers, tree
from tests.support.sshd import Sshd

IDS = [f"2026010{day}000000" for day in range(1, 8)]
LOAD = "import ctypes, sys, time; ctypes.CDLL(sys.argv[1]); print(flush=True); time.sleep(60)"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Seven releases, the last one serves; all were live and confirmed."""
    root = tmp_path / "it's a site"
    (root / ".deploy/releases").mkdir(parents=True)
    for order, id in enumerate(IDS, 1):
        release(root, Record(id, "retired", order=order, confirmed=True, previous=IDS[max(order - 2, 0)]))
    (root / "current").symlink_to(f"releases/{IDS[-1]}")
    return root


def release(root: Path, record: Record) -> None:
    folder = root / "releases" / record.id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "file").write_text("content")
    (root / f".deploy/releases/{record.id}.json").write_text(records.dump(record))


@pytest.fixture
def c(sshd: Sshd, site: Path) -> Iterator[Host]:
    host = places.host(sshd, site)
    lock.hold(host, "test")
    yield host
    lock.release(host)
    host.close()


def left(site: Path) -> list[str]:
    return [path.name for path in sorted((site / "releases").iterdir())]


@pytest.mark.parametrize("keep", ["-1", "0", "many", "1.5", -1, 0])
def test_fewer_than_one_is_refused_and_removes_nothing(keep: object, c: Host, site: Path) -> None:
    with pytest.raises(SettingsError, match="--keep must be 1 or more") as caught:
        tidy.cleanup(c, keep=keep)
    assert caught.value.code == 2
    assert left(site) == IDS


@pytest.mark.parametrize(("keep", "stay"), [("", IDS[2:]), ("2", IDS[5:]), (3, IDS[4:])])
def test_how_many_stay(keep: object, stay: list[str], c: Host, site: Path) -> None:
    tidy.cleanup(c, keep=keep)
    assert left(site) == stay


def test_the_newest_stay(c: Host, site: Path) -> None:
    assert tidy._remove(c, 3) == (4, 0)
    assert left(site) == IDS[4:]
    assert sorted(path.stem for path in (site / ".deploy/releases").iterdir()) == IDS[4:]
    c.shell.ask(":")
    assert [path for path in leftovers(site) if "/run/" not in path and "lock.json" not in path] == []


def test_the_newest_are_those_that_served_last_whatever_their_ids_say(c: Host, site: Path) -> None:
    release(site, Record(IDS[0], "retired", order=8, confirmed=True, previous=IDS[-1]))
    release(site, Record(IDS[-1], "live", order=9, confirmed=True, previous=IDS[0]))
    state.forget(c)
    found = state.look(c)
    assert [target.id for target in records.targets(found.records, found.current)] == [IDS[0], *reversed(IDS[1:-1])]
    tidy._remove(c, 3)
    assert left(site) == [IDS[0], *IDS[5:]]


def test_one_to_go_back_to_stays_also_after_a_rollback(c: Host, site: Path) -> None:
    """The last one was left for an older one: it is what came before, and bad."""
    release(site, Record(IDS[-1], "bad", order=7, confirmed=True))
    release(site, Record(IDS[5], "live", order=8, confirmed=True, previous=IDS[-1]))
    (site / "current").unlink()
    (site / "current").symlink_to(f"releases/{IDS[5]}")
    state.forget(c)
    tidy._remove(c, 1)
    assert left(site) == IDS[4:]


def test_what_is_being_prepared_stays(c: Host, site: Path) -> None:
    for id in ("20270101000000", "20270102000000"):
        release(site, Record(id, "prepared"))
        (site / f"releases/.{id}.partial").mkdir()
    state.forget(c)
    tidy._remove(c, 1)
    assert left(site) == [".20270102000000.partial", *IDS[5:], "20270102000000"]


def process(way: str, folder: Path) -> subprocess.Popen[bytes]:
    if way == "works in it":
        return subprocess.Popen(["sleep", "60"], cwd=folder)
    if way == "runs from it":
        program = folder / "sleep"
        shutil.copy(shutil.which("sleep") or "", program)
        return subprocess.Popen([program, "60"])
    if way == "has a file open":
        with (folder / "file").open() as file:
            return subprocess.Popen(["sleep", "60"], stdin=file)
    shutil.copy(library(), folder / "library.so")
    return subprocess.Popen([sys.executable, "-c", LOAD, folder / "library.so"], stdout=subprocess.PIPE)


def library() -> str:
    """Any library that this process has loaded."""
    maps = Path("/proc/self/maps").read_text().splitlines()
    return next(path for line in maps if "/libm" in (path := line.split(maxsplit=5)[-1]) and ".so" in path)


@pytest.mark.parametrize("way", ["works in it", "runs from it", "has a file open", "has loaded a library from it"])
def test_a_release_in_which_a_process_lives_stays(way: str, c: Host, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alive = process(way, site / "releases" / IDS[0])
    try:
        if alive.stdout:
            alive.stdout.readline()
        tidy._remove(c, 2)
        assert left(site) == [IDS[0], *IDS[5:]]
        assert f"{IDS[0]} stays: it is still in use" in capsys.readouterr().out
    finally:
        alive.kill()
        alive.communicate()
    tidy._remove(c, 2)
    assert left(site) == IDS[5:]


@pytest.mark.root
def test_what_is_mounted_in_a_release_is_never_emptied(c: Host, site: Path) -> None:
    if os.geteuid() != 0:
        lacking("only root can mount a disk")
    inside = site / "releases" / IDS[0] / "uploads"
    with disk.mounted(inside, "tmpfs") as possible:
        if not possible:
            lacking("nothing can be mounted here")
        (inside / "picture").write_text("somebody's")
        tidy._remove(c, 2)
        assert (inside / "picture").read_text() == "somebody's"


FOREIGN: dict[str, Callable[[Path], object]] = {
    "backup": Path.mkdir,
    "20261122.bak": Path.mkdir,
    "20200101000000": Path.mkdir,
    "20200102000000": lambda path: path.symlink_to("/etc"),
    "20200103000000": Path.touch,
    "new\nline": Path.mkdir,
    "-rf": Path.mkdir,
    ".mine.partial": Path.mkdir,
    ".20261122.partial": Path.mkdir,
    ".20200104000000.partial": lambda path: path.symlink_to("/etc"),
}


def test_what_is_not_ours_is_reported_and_left_alone(c: Host, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, make in FOREIGN.items():
        make(site / "releases" / name)
    (site / "releases/backup/file").write_text("somebody's")
    before = {path: entry for path, entry in tree(site / "releases").items() if path.split("/")[0] in FOREIGN}
    tidy._remove(c, 2)
    after = tree(site / "releases")
    assert {path: after[path] for path in before} == before
    assert len(before) == len(FOREIGN) + 1
    said = next(line for line in capsys.readouterr().out.splitlines() if "not ours" in line)
    assert [name for name in FOREIGN if redact.harmless(name.replace("\n", "?")) not in said] == []
    assert [id for id in IDS if id in said] == []


def test_a_full_disk_can_be_cleaned(c: Host, site: Path) -> None:
    """The trash is there from the last time: nothing has to be made before something can go."""
    tidy._remove(c, 6)
    c.shell.flush()
    assert (site / ".deploy/trash").is_dir()
    assert list((site / ".deploy/trash").iterdir()) == []
