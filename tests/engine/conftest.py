"""Conversations with every kind of place, and what is left of them when they have ended."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from fabfile.engine import console, options
from fabfile.engine.pipes import BOOT, Pipe, ProcessPipe
from fabfile.engine.shell import Shell
from tests.conftest import lacking, need
from tests.engine import places
from tests.support.sshd import Sshd

MakeShell = Callable[..., Shell]

hypothesis.settings.register_profile("busy machine", deadline=None)
hypothesis.settings.load_profile("busy machine")


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No options, warnings or open steps of another test."""
    monkeypatch.setattr(options, "current", options.Options())
    monkeypatch.setattr(console, "warnings", [])
    monkeypatch.setattr(console, "steps", [])


@pytest.fixture
def mark() -> str:
    """What the processes of this test have in their environment."""
    return secrets.token_hex(8)


@pytest.fixture
def make_local(tmp_path: Path, mark: str) -> Iterator[MakeShell]:
    """A function (sh, path, …) that makes a conversation with this machine."""
    made: list[Shell] = []

    def make(sh: str = places.SH, path: str = "/usr/local/bin:/usr/bin:/bin", **options: Any) -> Shell:
        options = {"silence": 0, **options}
        made.append(Shell("here", lambda command=BOOT: places.Userland(command, sh, path, mark), **options))
        return made[-1]

    yield make
    for shell in made:
        shell.close()


@pytest.fixture(params=["dash", "bash", "busybox", "uutils", "ssh"])
def make_shell(request: pytest.FixtureRequest, tmp_path: Path, mark: str, make_local: MakeShell) -> Iterator[MakeShell]:
    """A function that makes conversations with one kind of place after the other."""
    if request.param != "ssh":
        need(*places.NEEDS[request.param])
        sh, path = places.userland(request.param, tmp_path / "userland")
        yield lambda **options: make_local(sh, path, **options)
        return
    server: Sshd = request.getfixturevalue("sshd")
    c = places.host(server, tmp_path)
    made: list[Shell] = []

    def connect(command: str = BOOT) -> Pipe:
        return c._pipe(f"{places.MARK}={mark}; export {places.MARK}; {command}")

    def make(**options: Any) -> Shell:
        made.append(Shell("prod", connect, **{"silence": 0, **options}))
        return made[-1]

    yield make
    for shell in made:
        shell.close()
    c.close()


@pytest.fixture
def shell(make_shell: MakeShell) -> Shell:
    return make_shell()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user may enter; pytest's own are private."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def nobody(open_folder: Path) -> Iterator[Shell]:
    """A conversation as a user who owns nothing."""
    if os.geteuid() != 0:
        lacking("only root can become somebody else")
    need("setpriv")
    become = "setpriv --reuid=65534 --regid=65534 --clear-groups"
    shell = Shell("here", lambda command: ProcessPipe(command.replace("exec ", f"exec {become} ", 1)), silence=0)
    shell.connect = lambda: ProcessPipe(f"exec {become} " + places.BOOT.removeprefix("exec "))
    yield shell
    shell.close()
