"""Two ways to reach an agent: a channel of an SSH connection, or a process on this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Queue
from threading import Thread
from typing import IO, Protocol

import paramiko

# Reads so many lines, the agent, and runs them. The login shell may be anything (fish, csh): no backslash, no "!", no newline.
# The shell's own read takes not one byte too many of what follows, as dd and head do where they are written in Rust.
BOOT = (
    "exec /bin/sh -c 'read -r n && nl=$(echo; echo .) && nl=${nl%.} a= && "
    'while [ "$n" -gt 0 ] && IFS= read -r l; do a=$a$l$nl n=$((n - 1)); done; [ "$n" = 0 ] && eval "$a"\''
)
# What says which repository is meant, as git tells its hooks (git rev-parse --local-env-vars); what is configured that way stays.
GIT_OWN = (
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_DIR", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE"),
    *("GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_NO_REPLACE_OBJECTS", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"),
    *("GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE"),
)
OUT, ERR = 1, 2
GONE = (EOFError, OSError, paramiko.SSHException)  # Paramiko's words for a connection that just went away
Chunk = tuple[int, bytes]


class Pipe(Protocol):
    """Bytes to and from an agent."""

    def send(self, data: bytes) -> None:
        """Write all of ``data``; raises OSError when the other end is gone."""

    def receive(self, timeout: float | None) -> Chunk:
        """The next bytes and the stream they came on; empty bytes: that stream ended.

        Raises TimeoutError after ``timeout`` seconds of silence.
        """

    def alive(self, patience: float) -> bool:
        """Whether the other end still answers, within ``patience`` seconds; if not, the pipe is given up."""

    def finish(self) -> int:
        """End its standard input, wait for it, and return its exit status."""

    def close(self) -> None:
        """Let go of the agent; what it runs goes on."""


class Reader:
    """Reads several blocking sources at once into one queue."""

    def __init__(self, sources: dict[int, Callable[[], bytes]]) -> None:
        self.queue: Queue[Chunk] = Queue()
        for stream, read in sources.items():
            Thread(target=self._pump, args=(stream, read), daemon=True).start()

    def _pump(self, stream: int, read: Callable[[], bytes]) -> None:
        data = b"-"
        while data:
            try:
                data = read()
            except OSError:
                data = b""
            self.queue.put((stream, data))

    def receive(self, timeout: float | None) -> Chunk:
        try:
            return self.queue.get(timeout=timeout)
        except Empty:
            raise TimeoutError from None


class ChannelPipe:
    """An exec channel of an open SSH connection."""

    def __init__(self, transport: paramiko.Transport, command: str = BOOT) -> None:
        self.channel = transport.open_session()
        self.channel.exec_command(command)
        size = 1 << 16
        reader = Reader({OUT: lambda: self.channel.recv(size), ERR: lambda: self.channel.recv_stderr(size)})
        self.receive = reader.receive

    def send(self, data: bytes) -> None:
        try:
            self.channel.sendall(data)
        except GONE as error:
            raise ConnectionResetError(str(error) or "while something was sent") from error

    def alive(self, patience: float) -> bool:
        """OpenSSH answers any global request (RFC 4254, 4); a TCP connection alone may be silent for an hour."""
        transport = self.channel.get_transport()
        asked = Thread(target=_knock, args=(transport,), daemon=True)
        asked.start()
        asked.join(patience)
        if asked.is_alive():
            transport.close()
        return not asked.is_alive()

    def finish(self) -> int:
        self.channel.shutdown_write()
        return self.channel.recv_exit_status()

    def close(self) -> None:
        with suppress(*GONE):
            self.channel.close()


class ProcessPipe:
    """A shell on this machine, in a session of its own so that Ctrl-C reaches only us. Its git means the repository it is told of, also
    where fab runs in a hook of another one."""

    def __init__(self, command: str = BOOT) -> None:
        self.process = subprocess.Popen(
            command,
            shell=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if name not in GIT_OWN},
        )
        out, err = self.process.stdout, self.process.stderr
        assert out is not None
        assert err is not None
        self.receive = Reader({OUT: lambda: _read(out), ERR: lambda: _read(err)}).receive
        Thread(target=self.process.wait, daemon=True).start()  # leaves no zombie, whenever it ends

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        view = memoryview(data)
        while view:
            view = view[self.process.stdin.write(view) :]

    def alive(self, patience: float) -> bool:
        return True

    def finish(self) -> int:
        self.close()
        return self.process.wait()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()


def _knock(transport: paramiko.Transport) -> None:
    with suppress(*GONE):
        transport.global_request("keepalive@openssh.com")


def _read(source: IO[bytes]) -> bytes:
    data = source.read(1 << 16)
    if not data:
        source.close()
    return data
