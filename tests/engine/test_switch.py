"""current is changed by one rename, whatever mv there is; and never to something that is not a release."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest

from fabfile.engine import ladder, records
from fabfile.engine.errors import Failure
from fabfile.engine.hosts import Host
from fabfile.engine.layout import Site
from fabfile.engine.pipes import ProcessPipe
from fabfile.engine.records import Record
from fabfile.engine.shell import Shell
from tests.conftest import need
from tests.engine import places
from tests.support.process import program
from tests.support.sshd import Sshd

FIRST, SECOND = "20260101000000", "20260102000000"
Machine = Callable[[str], str]

# uutils' mv refuses to rename a link over a link to a folder; macOS' knows no -T at all.
REFUSES = f"""#!/bin/sh
for last; do :; done
case $1 in *T*) [ ! -d "$last" ] || {{ echo "mv: cannot overwrite directory '$last' with non-directory" >&2; exit 1; }} ;; esac
exec {program("mv")} "$@"
"""
NO_T = f'#!/bin/sh\ncase $1 in *T*) echo "mv: illegal option -- T" >&2; exit 64 ;; esac\nexec {program("mv")} "$@"\n'


@pytest.fixture
def path_of(tmp_path: Path) -> Machine:
    """A function: the PATH of a machine of this kind."""

    def make(kind: str) -> str:
        if kind == "gnu":
            return os.environ["PATH"]
        if kind in ("busybox", "uutils"):
            need(*places.NEEDS[kind])
            return places.userland(kind, tmp_path / kind)[1]
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/mv").write_text({"refuses": REFUSES, "knows no -T": NO_T}[kind])
        (tmp_path / "bin/mv").chmod(0o755)
        return f"{tmp_path}/bin:{os.environ['PATH']}"

    return make


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Two releases, and our folder."""
    root = tmp_path / "it's a site"
    for id in (FIRST, SECOND):
        (root / "releases" / id).mkdir(parents=True)
        (root / "releases" / id / "id").write_text(id)
    (root / ".deploy").mkdir()
    return root


def switch(site: Path, id: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", "-c", f"set -eu\n{ladder.with_rename('engine/switch.sh')}", "sh", str(site), id, "php"]
    return subprocess.run(command, env={**os.environ, "PATH": path}, check=False, text=True, stderr=subprocess.PIPE)


KINDS = ["gnu", "busybox", "uutils", "refuses", "knows no -T"]


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back_and_again(kind: str, site: Path, path_of: Machine) -> None:
    path = path_of(kind)
    for id in (FIRST, SECOND, FIRST, FIRST, SECOND):
        done = switch(site, id, path)
        assert done.returncode == 0, done.stderr
        assert str((site / "current").readlink()) == f"releases/{id}"
        assert (site / "current/id").read_text() == id
    assert places.names(site) == [".deploy", "current", "releases"]
    for id in (FIRST, SECOND):
        assert places.names(site / "releases" / id) == ["id"], "nothing was moved into a release"


# Says what it is asked for and what is served at that moment. Before coreutils 8.24 and on macOS it takes no names.
SYNC = """#!/bin/sh
echo "$(readlink current) $*" >>"$SYNCED"
[ -z "$OLD" ] || [ $# = 0 ]
"""


def run_noting_syncs(script: str, site: Path, old: str, *values: str) -> list[str]:
    folder = site.parent / "sync"
    folder.mkdir(exist_ok=True)
    (folder / "sync").write_text(SYNC)
    (folder / "sync").chmod(0o755)
    (folder / "synced").unlink(missing_ok=True)
    env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SYNCED": str(folder / "synced"), "OLD": old}
    command = ["/bin/sh", "-c", f"set -eu\n{ladder.with_rename(script)}", "sh", str(site), *values]
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    return (folder / "synced").read_text().splitlines()


@pytest.mark.parametrize("old", ["", "takes no names"])
def test_a_release_is_on_the_disk_before_it_serves_and_that_it_serves_before_anybody_hears_of_it(old: str, site: Path) -> None:
    switch(site, FIRST)
    asked = run_noting_syncs("engine/switch.sh", site, old, SECOND, "php")
    assert f"releases/{FIRST} -f releases/{SECOND}" in asked
    assert asked[-1] == (f"releases/{SECOND} " if old else f"releases/{SECOND} -f current")
    assert not old or asked[1] == f"releases/{FIRST} ", "whatever sync is there, the release is on the disk first"


@pytest.mark.parametrize("old", ["", "takes no names"])
def test_the_way_back_is_on_the_disk_too(old: str, site: Path) -> None:
    switch(site, FIRST)
    switch(site, SECOND)
    (site / ".deploy/pending").write_text(f"{FIRST} {SECOND} run\n\n")
    asked = run_noting_syncs("engine/back.sh", site, old, "php", "a test")
    assert asked[-1] == (f"releases/{FIRST} " if old else f"releases/{FIRST} -f current")


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_finds_a_release_at_every_moment(kind: str, site: Path, path_of: Machine) -> None:
    path, done = path_of(kind), Event()
    switch(site, FIRST, path)
    seen: dict[str, int] = {}

    def read() -> None:
        while not done.is_set():
            try:
                found = (site / "current/id").read_text()
            except OSError as error:
                found = type(error).__name__
            seen[found] = seen.get(found, 0) + 1

    reader = Thread(target=read)
    reader.start()
    try:
        for turn in range(200 if kind == "gnu" else 40):
            assert switch(site, SECOND if turn % 2 == 0 else FIRST, path).returncode == 0
    finally:
        done.set()
        reader.join()
    assert seen.keys() == {FIRST, SECOND}, seen


@pytest.mark.parametrize("kind", KINDS)
def test_a_real_folder_at_current_is_left_alone(kind: str, site: Path, path_of: Machine) -> None:
    (site / "current").mkdir()
    (site / "current/precious").touch()
    done = switch(site, FIRST, path_of(kind))
    assert done.returncode != 0
    assert "not a symlink" in done.stderr
    assert places.names(site / "current") == ["precious"]


@pytest.mark.parametrize("at_current", ["file", "nothing", "foreign link", "dangling link"])
def test_what_else_may_stand_at_current(at_current: str, site: Path) -> None:
    if at_current == "file":
        (site / "current").touch()
    if at_current.endswith("link"):
        (site / "elsewhere").mkdir()
        (site / "current").symlink_to({"foreign link": "elsewhere", "dangling link": "releases/20250101000000"}[at_current])
    before = (site / "current").readlink() if at_current.endswith("link") else None
    refused = at_current in ("file", "foreign link")
    assert (switch(site, FIRST).returncode != 0) == refused
    assert (site / "current").is_symlink() == (at_current != "file")
    if at_current == "foreign link":
        assert (site / "current").readlink() == before


@pytest.mark.parametrize("id", ["20990101000000", "", "../elsewhere"])
@pytest.mark.parametrize("before", [None, FIRST])
def test_what_is_not_there_is_not_switched_to(before: str | None, id: str, site: Path) -> None:
    if before:
        switch(site, before)
    done = switch(site, id)
    if id == "":  # releases/ itself is no release; layout.checked refuses the id long before
        return
    assert done.returncode != 0
    assert "is not there" in done.stderr
    assert (str((site / "current").readlink()) == f"releases/{before}") if before else not (site / "current").is_symlink()


def test_what_an_earlier_switch_left_behind_is_no_obstacle(site: Path) -> None:
    for name in ("next", "previous", "previous.new"):
        (site / ".deploy" / name).symlink_to("releases/gone")
    for id in (FIRST, SECOND, FIRST):
        assert switch(site, id).returncode == 0
        assert (site / "current/id").read_text() == id


@pytest.fixture
def poor(site: Path, tmp_path: Path, make_local: Callable[..., Shell]) -> Callable[[Sshd], Host]:
    """A function that makes a server whose mv refuses and that has no PHP."""
    path = places.path_without(tmp_path / "poor", "php", "mv")
    (tmp_path / "poor/mv").write_text(REFUSES)
    (tmp_path / "poor/mv").chmod(0o755)

    def make(sshd: Sshd) -> Host:
        c = places.host(sshd, site)
        c._set(shell=make_local(path=path))
        return c

    return make


def climb(c: Host, id: str) -> str:
    return ladder.climb(c, "engine/switch.sh", c.site.root, id, "php", what="switch")


def test_without_mv_and_php_sftp_renames(poor: Callable[[Sshd], Host], site: Path, sshd: Sshd) -> None:
    c = poor(sshd)
    for id in (FIRST, SECOND, FIRST, SECOND, SECOND):
        climb(c, id)
        assert (site / "current/id").read_text() == id
    c.close()
    assert places.names(site) == [".deploy", "current", "releases"]
    assert [places.names(site / "releases" / id) for id in (FIRST, SECOND)] == [["id"], ["id"]]


def test_without_any_way_nothing_changes(poor: Callable[[Sshd], Host], site: Path, make_sshd: Callable[..., Sshd]) -> None:
    switch(site, FIRST)
    c = poor(make_sshd(sftp="/bin/false"))
    with pytest.raises(Failure) as raised:
        climb(c, SECOND)
    c.close()
    assert "SFTP cannot rename" in raised.value.text
    assert (site / "current/id").read_text() == FIRST


@pytest.mark.parametrize(
    ("serves", "waits", "undecided", "written"),
    [
        (SECOND, "", False, True),
        (SECOND, "pending", True, True),
        (SECOND, "pending", False, False),
        (SECOND, "reverting", False, False),
        (FIRST, "", True, False),
        ("", "", True, False),
    ],
)
def test_a_record_that_travels_ahead_is_written_only_if_the_switch_holds(
    serves: str, waits: str, undecided: bool, written: bool, site: Path
) -> None:
    """It is sent before anybody knows how the rename, or the confirmation, went."""
    if serves:
        (site / "current").symlink_to(f"releases/{serves}")
    if waits:
        (site / ".deploy" / waits).write_text(f"{FIRST} {SECOND} run\n")
    new, old = Record(SECOND, "live"), Record(FIRST, "retired")
    question = records.noted(Site(str(site)), SECOND, undecided, new, old)
    shell = Shell("here", ProcessPipe)
    assert (shell.ask(*question, check=False).code == 0) is written
    shell.close()
    found = {path.stem: records.parse(path.read_text()) for path in site.glob(".deploy/releases/*")}
    assert found == ({SECOND: new, FIRST: old} if written else {})
