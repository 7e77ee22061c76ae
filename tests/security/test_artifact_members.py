"""An artifact is a stranger until every member of it has been looked at: nothing is sent before that."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabfile.engine import manifest
from tests.support.deployment import World
from tests.support.site import records, tree

from .conftest import SAMPLE, pack

FILE, LINK, HARD, FOLDER = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


class Member(NamedTuple):
    """One entry of an archive."""

    name: str
    kind: bytes = FILE
    target: str = ""
    mode: int = 0o644


def archive(path: Path, *members: Member) -> Path:
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.type, info.linkname, info.mode = member.kind, member.target, member.mode
            info.size = 4 if member.kind == FILE else 0
            tar.addfile(info, io.BytesIO(b"text") if member.kind == FILE else None)
    return path


HOSTILE = {
    "above": ([Member("../x")], "'../x'"),
    "above, in the middle": ([Member("app/../../x")], "'app/../../x'"),
    "absolute": ([Member("/etc/cron.d/x")], "'/etc/cron.d/x'"),
    "absolute symlink": ([Member("public/x", LINK, "/etc")], "leads out of it: '/etc'"),
    "symlink above": ([Member("public/x", LINK, "../../../shared")], "leads out of it: '../../../shared'"),
    "symlink above through another": ([Member("a/b", LINK, ".."), Member("x", LINK, "a/b/../../y")], "leads out of it: 'a/b/../../y'"),
    "through a symlink": ([Member("a", LINK, "public"), Member("a/x")], "'a/x' would be written through a symlink"),
    "a symlink over a folder": ([Member("a/x"), Member("a", LINK, "public")], "'a' would be written through a symlink or over"),
    "below a file": ([Member("a"), Member("a/x")], "'a/x' would be written"),
    "the folder itself a symlink": ([Member(".", LINK, "public")], "'.'"),
    "hard link out": ([Member("x", HARD, "/etc/passwd")], "'x', which is neither"),
    "hard link inside": ([Member("y"), Member("x", HARD, "y")], "'x', which is neither"),
    "character device": ([Member("x", tarfile.CHRTYPE)], "'x', which is neither"),
    "block device": ([Member("x", tarfile.BLKTYPE)], "'x', which is neither"),
    "fifo": ([Member("x", tarfile.FIFOTYPE)], "'x', which is neither"),
    "setuid": ([Member("x", mode=0o4755)], "'x' is setuid"),
    "setgid": ([Member("x", mode=0o2755)], "'x' is setuid, setgid"),
    "newline": ([Member("x\ny")], r"'x\ny'"),
    "escape sequence": ([Member("x\x1b[2J")], r"'x\x1b[2J'"),
    "twice": ([Member("x"), Member("x")], "'x' twice"),
    "twice, written differently": ([Member("a/x"), Member("a/./x")], "'a/x' twice"),
    "file, then symlink of that name": ([Member("x"), Member("x", LINK, "y")], "'x' twice"),
}


@pytest.mark.parametrize(("members", "says"), HOSTILE.values(), ids=HOSTILE)
def test_is_refused(members: list[Member], says: str, tmp_path: Path) -> None:
    with pytest.raises(manifest.BadArtifact) as refused:
        manifest.read(archive(tmp_path / "x.tar.gz", *members))
    assert says in refused.value.text


FINE = {
    "symlink beside": Member("a/x", LINK, "y"),
    "symlink up and down": Member("vendor/bin/x", LINK, "../package/bin/x"),
    "symlink to the top": Member("public/storage", LINK, "../storage/app/public"),
    "dot folder": Member(".", FOLDER),
    "program": Member("artisan", mode=0o755),
    "spaces, quotes and a dash": Member("-rf 'a' \"b\" $(c).php"),
    "dots in a name": Member("a..b/..c"),
    "not ASCII": Member("ü/日本.txt"),
}


@pytest.mark.parametrize("member", FINE.values(), ids=FINE)
def test_is_fine(member: Member, tmp_path: Path) -> None:
    assert manifest.read(archive(tmp_path / "x.tar.gz", member)).entries == len(PurePosixPath(member.name).parts)  # with its folders


names = st.lists(st.sampled_from(["a", "b", "..", ".", ""]), min_size=1, max_size=5).map("/".join)
members = st.lists(st.builds(Member, names, st.sampled_from([FILE, LINK, FOLDER]), names), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(members)
def test_what_is_not_refused_stays_where_it_is_unpacked(tmp_path_factory: pytest.TempPathFactory, members: list[Member]) -> None:
    """The judge is the tar of this machine: whatever passes is unpacked, and nothing may point or appear outside."""
    base = tmp_path_factory.mktemp("tar")
    file, folder = archive(base / "x.tar.gz", *members), base / "around" / "release"
    try:
        manifest.read(file)
    except manifest.BadArtifact:
        return
    folder.mkdir(parents=True)
    subprocess.run(["tar", "-xof", file, "-C", folder], check=False, capture_output=True)
    assert [path.name for path in folder.parent.iterdir()] == ["release"]
    links = [path for path in folder.rglob("*") if path.is_symlink()]
    assert [path for path in links if not goes_in_circles(path) and not Path(os.path.realpath(path)).is_relative_to(folder)] == []


def goes_in_circles(path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], sample: Path) -> World:
    world = sample_worlds()
    assert world.deploy("--artifact", str(sample)).code == 0
    return world


@pytest.mark.parametrize("case", ["above", "symlink above", "setuid", "twice"])
def test_nothing_of_it_reaches_the_server(case: str, world: World, tmp_path: Path) -> None:
    members, says = HOSTILE[case]
    before = (world.current(), world.releases(), tree(world.site / "shared"))
    result = world.deploy("--artifact", str(archive(tmp_path / "hostile.tar.gz", *members)))
    assert result.code == 4
    assert says in result.err
    assert f"{world.current()} still serves" in result.err
    assert "Traceback" not in result.text
    assert (world.current(), world.releases(), tree(world.site / "shared")) == before
    assert max(records(world.site).items())[1]["state"] == "failed"
    assert not list(world.site.rglob("*.tar.gz"))
    assert not list(world.site.glob("releases/.*/*"))


def test_an_archive_that_lets_anybody_write_does_not_make_such_files(world: World, tmp_path: Path) -> None:
    loose = tmp_path / "loose.tar.gz"
    with tarfile.open(pack(tmp_path / "tight.tar.gz")) as old, tarfile.open(loose, "w:gz") as new:
        for member in old:
            member.mode = 0o777 if member.isdir() or member.mode & 0o100 else 0o666
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    assert world.deploy("--artifact", str(loose)).code == 0
    release = world.site / "current"
    assert [path for path in release.resolve().rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o022] == []
    assert (release / "artisan").stat().st_mode & 0o777 == (SAMPLE / "artisan").stat().st_mode & 0o777
