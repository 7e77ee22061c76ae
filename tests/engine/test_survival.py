"""Clients die or fall silent in the middle: what the server runs ends properly, and the lock is free when it should be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from fabfile.engine import lock, pipes
from fabfile.engine.errors import Unreachable
from fabfile.engine.hosts import Host
from tests.conftest import need
from tests.engine import places
from tests.engine.conftest import MakeShell
from tests.engine.places import eventually
from tests.support import process
from tests.support.fab import PROJECT
from tests.support.sshd import Sshd

SILENCE = 1
StartClient = Callable[..., "Client"]


class Client:
    """The other program: ``agent`` is the process that serves it, ``run`` its run."""

    def __init__(self, site: Path, server: Sshd, silence: int) -> None:
        words = (str(site), str(silence), str(server.port), server.user, str(server.key), str(server.known_hosts))
        command = [sys.executable, "-m", "tests.engine.client", *words]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=PROJECT, text=True, stdin=pipe, stdout=pipe, stderr=pipe)
        said, agent, self.run = self.line().split()
        assert said == "held"
        self.agent = int(agent)

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline() or self.process.communicate()[1]

    def work(self, script: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{script}\n")
        self.process.stdin.flush()

    def signal(self, how: int) -> None:
        self.process.send_signal(how)

    def agent_lives(self) -> bool:
        return Path(f"/proc/{self.agent}").exists()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start_client(sshd: Sshd, tmp_path: Path) -> Iterator[StartClient]:
    clients: list[Client] = []

    def start(silence: int = 60) -> Client:
        clients.append(Client(tmp_path, sshd, silence))
        return clients[-1]

    yield start
    for client in clients:
        client.end()


@pytest.fixture
def other(sshd: Sshd, tmp_path: Path) -> Iterator[Host]:
    """The next one who deploys."""
    c = places.host(sshd, tmp_path)
    yield c
    c.shell.close()
    c.close()


def free(c: Host) -> bool:
    return lock.take(c.shell, c.site.own, "other", "test") == lock.HELD


def slow(folder: Path, lines: int = 4) -> str:
    """Work that says a line a second, once it may, and leaves a file when it is through."""
    numbers = " ".join(map(str, range(lines)))
    return f"touch '{folder}/began'; for n in {numbers}; do sleep 1; echo line $n; done; touch '{folder}/ended'"


def log_of(folder: Path, client: Client) -> list[str]:
    return (folder / f".deploy/run/{client.run}/log").read_text().splitlines()


def test_work_outlives_a_killed_client_and_holds_the_lock_to_its_end(start_client: StartClient, other: Host, tmp_path: Path) -> None:
    client = start_client()
    client.work(slow(tmp_path))
    assert eventually((tmp_path / "began").exists)
    client.signal(signal.SIGKILL)
    while not free(other):
        ended = (tmp_path / "ended").exists()
        time.sleep(0.05)
    assert (tmp_path / "ended").exists(), "the lock was free while the work ran"
    assert not ended or free_soon_after(tmp_path / "ended")
    assert [line for line in log_of(tmp_path, client) if line.startswith("line")] == [f"line {n}" for n in range(4)]
    assert log_of(tmp_path, client)[-1].endswith(" 0"), "the log says how it ended"
    assert eventually(lambda: not client.agent_lives())


def free_soon_after(file: Path) -> bool:
    """A promise of the design: within a second, and the machine may be busy."""
    return time.time() - file.stat().st_mtime < 3


def test_a_log_is_private(start_client: StartClient, tmp_path: Path) -> None:
    client = start_client()
    folder = tmp_path / f".deploy/run/{client.run}"
    assert [oct(path.stat().st_mode & 0o777) for path in (folder, folder / "log")] == ["0o700", "0o600"]


def test_a_silent_client_loses_the_lock(start_client: StartClient, other: Host, tmp_path: Path) -> None:
    client = start_client(SILENCE)
    client.signal(signal.SIGSTOP)
    assert eventually(lambda: free(other)), "the lock is still held"
    assert not client.agent_lives()
    client.work("touch should-not-run")
    client.signal(signal.SIGCONT)
    assert "the connection is gone" in client.process.communicate()[1]
    assert json.loads((tmp_path / ".deploy/lock.json").read_text())["run"] == "other"


def test_a_client_that_beats_keeps_the_lock(start_client: StartClient, other: Host) -> None:
    client = start_client(SILENCE)
    time.sleep(5 * SILENCE)
    assert not free(other)
    client.work("echo still mine")
    assert client.line() == "said 'still mine\\n'\n"


def test_a_silent_client_does_not_end_the_work_it_waits_for(start_client: StartClient, other: Host, tmp_path: Path) -> None:
    client = start_client(SILENCE)
    client.work(slow(tmp_path))
    assert eventually((tmp_path / "began").exists)
    client.signal(signal.SIGSTOP)
    assert eventually(lambda: free(other) or (tmp_path / "ended").exists())
    assert (tmp_path / "ended").exists()
    assert eventually(lambda: free(other)), "the lock is still held"


LOUD = "head -c {size} /dev/zero | tr '\\0' x | fold -w 1000; touch '{folder}/ended'"


def test_work_that_says_more_than_a_silent_client_takes_ends_and_the_lock_is_free(
    start_client: StartClient, other: Host, tmp_path: Path
) -> None:
    client = start_client(SILENCE)
    client.work(
        f"touch '{tmp_path}/began'; while [ ! -e '{tmp_path}/go' ]; do sleep 0.1; done; {LOUD.format(size=5 << 20, folder=tmp_path)}"
    )
    assert eventually((tmp_path / "began").exists)
    client.signal(signal.SIGSTOP)
    (tmp_path / "go").touch()
    assert eventually((tmp_path / "ended").exists, 120), "the work waits for somebody to read"
    assert eventually(lambda: free(other), 60), "the lock is still held"
    assert not client.agent_lives()
    assert log_of(tmp_path, client)[-1].endswith(" 0"), "the log has it to the end"


class Ears:
    """How a client on this machine reads: slowly, or not at all."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open, self.pause, read = Event(), 0.0, pipes._read
        self.open.set()
        monkeypatch.setattr(pipes, "_read", lambda source: self.hear() and read(source))

    def hear(self) -> bool:
        time.sleep(self.pause)
        return self.open.wait()


@pytest.fixture(params=["dash", "bash", "busybox"])
def make_loud(request: pytest.FixtureRequest, tmp_path: Path, make_local: MakeShell) -> MakeShell:
    need(request.param)
    return partial(make_local, *places.userland(request.param, tmp_path / "userland"))


def test_work_waits_for_no_reader_in_any_userland(
    make_loud: MakeShell, make_local: MakeShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ears, first, other = Ears(monkeypatch), make_loud(silence=SILENCE), make_local()
    assert lock.take(first, str(tmp_path), "first", "test") == lock.HELD
    with ThreadPoolExecutor(1) as pool:
        ears.open.clear()
        works = pool.submit(first.work, LOUD.format(size=1 << 20, folder=tmp_path))
        ended = eventually((tmp_path / "ended").exists, 120)
        ears.open.set()
        assert ended, "the work waits for somebody to read"
        with suppress(Unreachable):
            works.result()
    first.close()
    assert eventually(lambda: lock.take(other, str(tmp_path), "other", "test") == lock.HELD)


def test_who_reads_slowly_keeps_the_lock_and_misses_nothing(make_loud: MakeShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ears, shell = Ears(monkeypatch), make_loud(silence=2 * SILENCE)
    assert lock.take(shell, str(tmp_path), "first", "test") == lock.HELD
    agent = shell.ask("echo $PPID").out
    ears.pause = 0.4
    assert shell.work(LOUD.format(size=1 << 20, folder=tmp_path)).out.replace("\n", "") == "x" * (1 << 20)
    assert shell.ask("echo $PPID").out == agent


def test_who_was_silent_while_its_work_ran_gets_the_answer(start_client: StartClient, tmp_path: Path) -> None:
    client = start_client(SILENCE)
    client.work(slow(tmp_path, 5))
    assert eventually((tmp_path / "began").exists)
    client.signal(signal.SIGSTOP)
    assert eventually((tmp_path / "ended").exists)
    client.signal(signal.SIGCONT)
    assert client.line().startswith("said 'line 0\\n")


def test_nothing_watches_any_more_once_the_lock_is_given_back(start_client: StartClient, tmp_path: Path) -> None:
    client = start_client()
    group = children(client.agent)
    assert [name for _, name in group if name == "sleep"]
    out, err = client.process.communicate("")
    assert out.startswith("released"), err
    assert eventually(lambda: not [pid for pid, _ in group if Path(f"/proc/{pid}").exists()])
    assert not list((tmp_path / ".deploy/run").iterdir())


def children(pid: int) -> list[tuple[int, str]]:
    assert eventually(lambda: "sleep" in [name(each) for each in process.children(pid)])
    return [(each, name(each)) for each in process.children(pid)]


def name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def test_an_interrupted_client_stops_what_it_runs_and_frees_the_lock(start_client: StartClient, other: Host, tmp_path: Path) -> None:
    client = start_client()
    client.work(slow(tmp_path, 60))
    assert eventually((tmp_path / "began").exists)
    os.kill(client.process.pid, signal.SIGINT)
    client.process.communicate()
    assert eventually(lambda: free(other))
    assert not (tmp_path / "ended").exists()
    assert log_of(tmp_path, client)[-1].endswith(" 143")
