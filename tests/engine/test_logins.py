"""Whatever shell a user logs in with, and whatever it prints at log-in, an agent starts and files arrive whole."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fabfile.engine import transfer
from fabfile.engine.errors import Unreachable
from fabfile.engine.hosts import Host
from fabfile.engine.pipes import BOOT
from fabfile.engine.quoting import quote
from fabfile.engine.shell import Shell
from tests.conftest import need
from tests.engine import places
from tests.support.sshd import Sshd

NOISE = 'echo "Welcome! $(date)"; echo "disk is 90% full" >&2\n'


@pytest.fixture
def noisy(make_sshd: Callable[..., Sshd], tmp_path: Path) -> Iterator[Host]:
    """A server whose log-in files print something."""
    server = make_sshd()
    (server.home / ".bashrc").write_text(NOISE)
    c = places.host(server, tmp_path)
    yield c
    c.close()


@pytest.fixture(params=["fish", "tcsh", "dash", "bash"])
def foreign(request: pytest.FixtureRequest, sshd: Sshd, tmp_path: Path) -> Iterator[Shell]:
    """A conversation with a user of this log-in shell: sshd gives it the command after -c."""
    need(request.param)
    c = places.host(sshd, tmp_path)
    shell = Shell("prod", lambda command=BOOT: c._pipe(f"exec {request.param} -c {quote(command)}"), silence=0)
    yield shell
    shell.close()
    c.close()


def talk(shell: Shell, folder: Path) -> None:
    """All there is: a question, long work, a file there and back."""
    assert shell.ask('printf %s "$1"', "it's $HOME! \\n").out == "it's $HOME! \\n"
    assert shell.work("echo out; echo err >&2").out == "out\nerr\n"
    assert shell.ask("echo out; echo err >&2").err == "err\n"
    (folder / "file").write_bytes(bytes(range(256)) * 300)
    transfer.send(shell, folder / "file", f"{folder}/it's there")
    transfer.fetch(shell, f"{folder}/it's there", folder / "back")
    assert (folder / "back").read_bytes() == (folder / "file").read_bytes()


def test_any_login_shell_will_do(foreign: Shell, tmp_path: Path) -> None:
    talk(foreign, tmp_path)


def test_a_connection_that_goes_while_something_is_sent_is_told_as_that(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paramiko raises EOFError where the socket is gone before its own thread has noticed."""
    c = places.host(sshd, tmp_path)
    pipe = c._pipe()

    def gone(_: bytes) -> None:
        raise EOFError

    monkeypatch.setattr(c.transport.packetizer, "send_message", gone)
    with pytest.raises(OSError, match="while something was sent"):
        pipe.send(b"beat\n")
    c.close()


def test_what_a_login_prints_is_no_part_of_any_answer(noisy: Host, tmp_path: Path) -> None:
    talk(noisy.shell, tmp_path)


def test_the_first_words_of_long_work_are_its_own(noisy: Host) -> None:
    assert noisy.shell.work("echo out").out == "out\n"


def test_a_server_that_says_nothing_is_no_refusal(sshd: Sshd, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        c = places.host(sshd, tmp_path, connect_timeout=1)
        c.port = silent.getsockname()[1]
        with pytest.raises(Unreachable, match="cannot connect: timed out: the server does not answer") as caught:
            c.open()
    assert caught.value.hint == f"does ssh -i {c.settings.key} -p {c.port} {c.user}@127.0.0.1 work?"
