"""Programs started by tests: on a free port, in a process group of their own, ended by exactly their id."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def find(*names: str) -> str | None:
    """Return the first of these programs that is installed, also where only root's PATH looks."""
    path = os.environ.get("PATH", "") + ":" + SBIN
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def program(*names: str) -> str:
    """Return the first of these programs; raise FileNotFoundError when none is installed."""
    found = find(*names)
    if found is None:
        raise FileNotFoundError(f"not installed: {' or '.join(names)}")
    return found


def free_port() -> int:
    """Return a port nobody listens on now; somebody may be faster, so starting a server has to be tried again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int) -> bool:
    """Return whether something accepts connections on this port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def opened(pid: int) -> list[str]:
    """Return what the process has open at the moment; it may close or open more meanwhile."""
    found = []
    for file in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(OSError):
            found.append(str(file.readlink()))
    return found


def spawn(command: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a program in its own process group, with its output in ``log``."""
    environment = {**os.environ, **(env or {})}
    with log.open("ab") as out:
        return subprocess.Popen([*command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, start_new_session=True)


def ready(process: subprocess.Popen[bytes], is_up: Callable[[], bool], log: Path, patience: float = 15) -> bool:
    """Return True once it is up, False if it ended by itself; raise TimeoutError with the log when it does neither."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if process.poll() is not None:
            return False
        if is_up():
            return True
        time.sleep(0.02)
    end(process)
    raise TimeoutError(f"{process.args!r} did not get ready:\n{log.read_text(errors='replace')[-2000:]}")


def on_free_port(start: Callable[[int], subprocess.Popen[bytes]], log: Path) -> tuple[int, subprocess.Popen[bytes]]:
    """Start a server on a free port, again on another one if that was taken meanwhile; raise RuntimeError with its log."""
    for _ in range(5):
        port = free_port()
        process = start(port)
        if ready(process, partial(listening, port), log):
            return port, process
    raise RuntimeError(f"{process.args!r} does not start:\n{log.read_text(errors='replace')[-2000:]}")


def end(process: subprocess.Popen[bytes] | None, how: int = signal.SIGTERM) -> None:
    """End a program and its process group; harmless when it has ended already."""
    if process is None:
        return
    for number in (how, signal.SIGKILL):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(5)
    process.wait()


def children(pid: int) -> list[int]:
    """Return the ids of all descendants of a process, nearest first."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):  # not "[0-9]*/stat", which fails where one of them ends meanwhile
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue  # it ended while we looked
        parents.setdefault(parent, []).append(int(entry.name))
    found = list(parents.get(pid, []))
    for child in found:
        found.extend(parents.get(child, []))
    return found


def signal_all(pids: Sequence[int], how: int) -> None:
    """Send a signal to each of these processes, whether or not they are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, how)


def command_lines() -> list[tuple[int, str]]:
    """Return every process there is, as pid and command line; those that have ended but were not waited for are left out."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            text = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            if text:
                found.append((int(entry.name), text))
    return found
