"""The connection that nothing is held back on."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from fabfile.engine.squeeze import Prompt
from tests.conftest import need
from tests.engine.places import host
from tests.support.sshd import Sshd


def test_a_connection_goes_on_as_a_prompt_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname(), timeout=7) as plain:
        other, _ = listening.accept()
        with other, Prompt.of(plain) as prompt:
            assert plain.fileno() == -1, "nobody else closes it"
            assert (prompt.gettimeout(), prompt.getpeername()) == (7, listening.getsockname())
            assert prompt.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            other.sendall(b"hello")
            assert prompt.recv(5) == b"hello"
            prompt.sendall(b"you")
            assert other.recv(3) == b"you"


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="Linux has it")
def test_a_log_in_is_on_one_from_its_first_packet(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("sshd")
    asked = []
    monkeypatch.setattr(Prompt, "setsockopt", lambda self, *what: asked.append(what))
    c = host(sshd, tmp_path)
    with c:
        c.open()
        assert isinstance(c.transport.sock, Prompt)
        assert c.shell.ask("echo hello").out == "hello\n"
    quick = (socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    assert asked[:2] == [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), quick]
    assert asked.count(quick) > 10
