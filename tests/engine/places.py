"""Where a conversation can take place: this machine with one userland or another, and OpenSSH."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from fabric import Config

from fabfile.engine import schema
from fabfile.engine.hosts import Host
from fabfile.engine.pipes import BOOT, ProcessPipe
from fabfile.engine.quoting import quote
from tests.support.process import program
from tests.support.sshd import Sshd

MARK = "FAB_TEST_MARK"
SH = "/bin/sh"
UUTILS = "/usr/lib/cargo/bin/coreutils"  # where Debian keeps coreutils in Rust
NEEDS = {"dash": ("dash",), "bash": ("bash",), "busybox": ("busybox",), "uutils": (f"{UUTILS}/mv",)}


class Userland(ProcessPipe):
    """A pipe to a machine whose /bin/sh is ``sh`` and whose PATH is ``path``; ``mark`` finds its processes again."""

    def __init__(self, command: str, sh: str, path: str, mark: str) -> None:
        self.sh, self.agent = sh, command == BOOT
        super().__init__(f"PATH={quote(path)} {MARK}={mark}; export PATH {MARK}; {command.replace(SH, sh)}")

    def send(self, data: bytes) -> None:
        if self.agent:  # the first words of a conversation: how many lines the agent has, and those
            count, *lines = data.split(b"\n")
            agent, rest = b"\n".join(lines[: int(count)]).replace(SH.encode(), self.sh.encode()), lines[int(count) :]
            data, self.agent = b"\n".join([count, agent, *rest]), False
        super().send(data)


def userland(kind: str, folder: Path) -> tuple[str, str]:
    """The shell and the PATH of a machine that has only this ``kind`` of programs."""
    folder.mkdir(exist_ok=True)
    if kind == "busybox":
        return str(folder / "sh"), str(busybox(folder))
    if kind in ("dash", "bash"):
        (folder / "sh").symlink_to(program(kind))
        return str(folder / "sh"), os.environ["PATH"]
    if kind == "uutils":
        return SH, f"{UUTILS}:{os.environ['PATH']}"
    raise ValueError(kind)


def busybox(folder: Path) -> Path:
    """Every applet of busybox and nothing else; PHP, which a server has in any case."""
    folder.mkdir(exist_ok=True)
    binary = program("busybox")
    for applet in subprocess.run([binary, "--list"], check=True, text=True, stdout=subprocess.PIPE).stdout.split():
        (folder / applet).symlink_to(binary)
    (folder / "php").symlink_to(program("php"))
    return folder


def path_without(folder: Path, *names: str) -> str:
    """A PATH like ours that lacks these programs."""
    folder.mkdir()
    for place in reversed(os.environ["PATH"].split(":")):
        for found in Path(place).iterdir() if Path(place).is_dir() else ():
            (folder / found.name).unlink(missing_ok=True)
            (folder / found.name).symlink_to(found)
    for name in names:
        (folder / name).unlink(missing_ok=True)
    return str(folder)


def host(server: Sshd, site: Path, **settings: object) -> Host:
    """A host of deploy.toml as the project makes it; not yet opened."""
    entry = schema.Host(
        address="127.0.0.1",
        user=server.user,
        port=server.port,
        path=str(site),
        key=str(server.key),
        known_hosts=str(server.known_hosts),
        **settings,  # type: ignore[arg-type]
    )
    return Host("prod", entry, Config(overrides={"load_ssh_configs": False}))


def processes(mark: str) -> list[str]:
    """The command lines of all processes that descend from a place with this mark."""
    return [found for entry in Path("/proc").glob("[0-9]*") if (found := _command(entry, f"{MARK}={mark}".encode()))]


def _command(entry: Path, mark: bytes) -> str:
    try:
        return (entry / "cmdline").read_text().replace("\0", " ") if mark in (entry / "environ").read_bytes().split(b"\0") else ""
    except OSError:  # it ended while we looked
        return ""


def eventually(condition: Callable[[], object], patience: float = 15) -> bool:
    """Whether it becomes true; how long that may take is no part of the test."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def names(folder: str | Path) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())
