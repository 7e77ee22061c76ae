"""patchwork's helpers and ours: idempotent, quoted, and a link is replaced in one rename."""

from __future__ import annotations

import subprocess
from pathlib import Path
from threading import Event, Thread

import pytest

from fabfile.engine import files
from fabfile.engine.errors import CommandFailed
from fabfile.engine.shell import Shell
from tests.engine import places
from tests.engine.conftest import MakeShell
from tests.support.fab import PROJECT, environment, fab_command

NAMES = ["plain", "with space", "it's", "$HOME", "-p", "a;b", "é"]


@pytest.fixture
def shell(make_local: MakeShell) -> Shell:
    return make_local()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", [None, "0700", "1777"])
def test_a_folder_is_there_afterwards_however_often_one_asks(name: str, mode: str | None, shell: Shell, tmp_path: Path) -> None:
    """Called as docs/extending.md promises it to modules of a team."""
    folder = tmp_path / "deep" / name
    for _ in range(2):
        files.directory(shell, str(folder), mode)
        shell.flush()
        assert folder.is_dir()
        assert mode is None or folder.stat().st_mode & 0o7777 == int(mode, 8)
        folder.chmod(0o711)
    assert places.names(tmp_path / "deep") == [name]


@pytest.mark.parametrize("name", NAMES)
def test_exists(name: str, shell: Shell, tmp_path: Path) -> None:
    assert not files.exists(shell, str(tmp_path / name))
    (tmp_path / name).touch()
    assert files.exists(shell, str(tmp_path / name))


def test_helpers_that_act_travel_together(shell: Shell, tmp_path: Path) -> None:
    shell.ask(":")
    before = shell.trips
    for name in NAMES:
        files.directory(shell, str(tmp_path / name), "0700")
        files.symlink(shell, name, str(tmp_path / f"link to {name}"))
    shell.flush()
    assert shell.trips == before + 1


REPLACED = {
    "nothing": lambda path: None,
    "a file": lambda path: path.write_text("x"),
    "a link": lambda path: path.symlink_to("elsewhere"),
    "a link to a folder": lambda path: path.symlink_to("folder"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "an empty folder": lambda path: path.mkdir(),
    "the same link": lambda path: path.symlink_to("target's"),
}


@pytest.mark.parametrize("mv", ["mv -T", "no mv -T"])
@pytest.mark.parametrize("before", REPLACED)
def test_a_link_replaces(before: str, mv: str, make_local: MakeShell, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    shell = make_local() if mv == "mv -T" else make_local(path=without_t(tmp_path))
    link = tmp_path / "it's a link"
    REPLACED[before](link)
    for _ in range(2):
        files.symlink(shell, "target's", str(link))
        shell.flush()
        assert str(link.readlink()) == "target's"
    assert [name for name in places.names(tmp_path) if "link" in name] == [link.name]
    assert places.names(tmp_path / "folder") == []


def without_t(tmp_path: Path) -> str:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/mv").write_text('#!/bin/sh\nfor word; do case $word in --) break ;; -*T*) exit 64 ;; esac; done\nexec /bin/mv "$@"\n')
    (tmp_path / "bin/mv").chmod(0o755)
    return f"{tmp_path}/bin:/usr/bin:/bin"


@pytest.mark.parametrize("mv", ["mv -T", "no mv -T"])
def test_a_full_folder_is_never_replaced(mv: str, make_local: MakeShell, tmp_path: Path) -> None:
    shell = make_local() if mv == "mv -T" else make_local(path=without_t(tmp_path))
    (tmp_path / "full").mkdir()
    (tmp_path / "full/precious").touch()
    files.symlink(shell, "target", str(tmp_path / "full"))
    with pytest.raises(CommandFailed, match="not empty"):
        shell.flush()
    assert places.names(tmp_path / "full") == ["precious"]
    assert not [name for name in places.names(tmp_path) if name.endswith(".new")]


def test_there_is_no_moment_without_the_link(shell: Shell, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to("a")
    done, missed, seen = Event(), 0, 0

    def look() -> None:
        nonlocal missed, seen
        while not done.is_set():
            seen += 1
            missed += not (tmp_path / "link").is_dir()

    looker = Thread(target=look)
    looker.start()
    for turn in range(100):
        files.symlink(shell, "ab"[turn % 2], str(tmp_path / "link"))
        shell.flush()
    done.set()
    looker.join()
    assert seen > 100
    assert missed == 0


def test_without_patchwork_it_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "patchwork").mkdir()
    (tmp_path / "patchwork/__init__.py").write_text("raise ImportError('not installed')\n")
    command = [*fab_command(), "-r", str(PROJECT), "--list"]
    env = environment({"PYTHONPATH": str(tmp_path)})
    done = subprocess.run(command, cwd=tmp_path, env=env, check=False, text=True, capture_output=True)
    assert (done.returncode, "pip install --no-deps patchwork==1.0.1" in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr + done.stdout
