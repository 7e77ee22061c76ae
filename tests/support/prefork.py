"""Runs of ``fab`` from a process that has imported Fabric already, and all of our modules but the one that composes the namespace: most of
what a small one costs.

Each run is a fork of it, from there on like any other: its command line is read, its fabfile is found and composed, and it ends by itself.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
import types
from collections.abc import Mapping, Sequence
from pathlib import Path

PROJECT = Path(__file__).parents[2]
EARLY = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_")  # what counts when Python starts
REQUEST = 1 << 20  # bytes of a request, at most
SIZE = 4  # bytes of a number that is told
OURS = ("builder", "chains", "hooks", "info", "local", "overview", "report", "server", "team", "engine.commandline", "sandbox.tasks")


class Runner:
    """Keeps the process; ``env`` is what it starts with. It ends when nobody holds it any more."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        serve = "from tests.support import prefork; prefork.serve()"
        with theirs:
            self._process = subprocess.Popen([sys.executable, "-c", serve], cwd=PROJECT, env=env, stdin=theirs, stdout=subprocess.DEVNULL)
        atexit.register(self.close)

    def close(self) -> None:
        """Let it end."""
        self._socket.close()
        self._process.wait()

    def suits(self, env: Mapping[str, str]) -> bool:
        """Return whether a Python that starts with ``env`` would be the same."""
        return _early(env) == _early(self._env)

    def run(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float) -> tuple[int, str, str]:
        """Run a command line with nothing to read; return how it ended, as Popen does, and what it said on both streams.

        Raise TimeoutExpired, with nothing left running, when it does not end.
        """
        (out, ours), (err, its), (told, tells) = os.pipe(), os.pipe(), os.pipe()
        try:
            with Path(os.devnull).open(encoding="ascii") as nothing:
                request = json.dumps([[*argv], str(cwd), {**env}]).encode()
                socket.send_fds(self._socket, [request], [nothing.fileno(), ours, its, tells])
            for end in (ours, its, tells):
                os.close(end)
            pid = _number(os.read(told, SIZE))
            texts = _read({out: b"", err: b"", told: b""}, timeout)
            if not texts[told]:
                os.kill(pid, signal.SIGKILL)
                os.read(told, SIZE)
                raise subprocess.TimeoutExpired([*argv], timeout)
            return _number(texts[told]), texts[out].decode(), texts[err].decode()
        finally:
            for end in (out, err, told):
                os.close(end)


def _told(number: int) -> bytes:
    return number.to_bytes(SIZE, sys.byteorder, signed=True)


def _number(told: bytes) -> int:
    return int.from_bytes(told, sys.byteorder, signed=True)


def _early(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(EARLY)}


def _read(texts: dict[int, bytes], timeout: float) -> dict[int, bytes]:
    """Read all of these files to their end, or for so many seconds."""
    until = time.monotonic() + timeout
    with selectors.DefaultSelector() as waiting:
        for file in texts:
            waiting.register(file, selectors.EVENT_READ)
        while waiting.get_map() and (left := until - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                data = os.read(key.fd, 1 << 16)
                texts[key.fd] += data
                if not data:
                    waiting.unregister(key.fd)
    return texts


def serve() -> None:
    """Fork for each request that comes on standard input, until it is closed."""
    sys.path[0] = str(Path(sys.executable).parent)  # as for the program itself
    for name in ("fabric.main", "invoke", "paramiko"):
        importlib.import_module(name)
    _import_ours()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    requests = socket.socket(fileno=os.dup(0))
    while True:
        request, files, _, _ = socket.recv_fds(requests, REQUEST, 4)
        if not request:
            return
        if os.fork() == 0:
            requests.close()
            _play(json.loads(request), files)
            return
        for file in files:
            os.close(file)


def _import_ours() -> None:
    """Import what the fabfile imports, in a package of its name that is gone afterwards: Invoke finds and runs the real one."""
    package = types.ModuleType("fabfile")
    package.__path__ = [str(PROJECT / "fabfile")]
    sys.modules["fabfile"] = package
    for name in OURS:
        importlib.import_module(f"fabfile.{name}")
    del sys.modules["fabfile"]


def _play(request: tuple[list[str], str, dict[str, str]], files: list[int]) -> None:
    """Run it in a child, and say its pid, and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    argv, cwd, env = request
    *streams, tells = files
    pid = os.fork()
    if pid == 0:
        os.close(tells)
        for number, file in enumerate(streams):
            os.dup2(file, number)
            os.close(file)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        sys.argv = argv
        options = sys.modules["fabfile.engine.options"]
        options.current = options.from_command_line(argv[1:])  # as where it is imported
        sys.exit(importlib.import_module("fabric.main").program.run())
    for number in (*streams, 0):
        os.close(number)
    os.write(tells, _told(pid))
    os.write(tells, _told(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
    os._exit(0)
