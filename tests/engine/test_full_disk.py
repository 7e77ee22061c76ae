"""Whoever goes back on a full disk finds room for nothing: the lock works, what cannot be noted is not, and nothing is mixed up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fabfile.engine import journal, lock
from fabfile.engine.hosts import Host
from fabfile.engine.scripts import source
from fabfile.engine.shell import Shell
from tests.conftest import lacking, need
from tests.engine import places
from tests.engine.conftest import MakeShell
from tests.engine.test_survival import Client
from tests.support import disk
from tests.support.sshd import Sshd

pytestmark = pytest.mark.root
ELSE = 75


@pytest.fixture(params=disk.KINDS)
def small(request: pytest.FixtureRequest, open_folder: Path) -> Iterator[Path]:
    """A site's folder on a small disk."""
    if os.geteuid() != 0:
        lacking("only root can mount a disk")
    need("mkfs.ext4", "mount")
    with disk.mounted(open_folder / "disk", request.param) as possible:
        if not possible:
            lacking(f"no {request.param} can be mounted here")
        yield open_folder / "disk"


def used(shell: Shell, site: Path) -> str:
    """A site that was deployed to once: there is .deploy with a lock, a journal and a place for runs."""
    own = f"{site}/.deploy"
    shell.ask('mkdir -p "$1/run"; : >"$1/lock"; printf "%s\\n" "{\\"seq\\":1}" >"$1/journal.jsonl"', own)
    return own


@pytest.mark.parametrize("way", disk.WAYS)
@pytest.mark.parametrize("who", ["root", "somebody else"])
def test_one_holder_at_a_time(who: str, way: str, small: Path, make_local: MakeShell, nobody: Shell) -> None:
    winner, loser = (nobody, make_local()) if who == "somebody else" else (make_local(), make_local(sh="/bin/sh"))
    own = used(winner, small)
    disk.fill(small, way)
    assert lock.take(winner, own, "winner", "test") == lock.HELD
    assert lock.take(loser, own, "loser", "test") == ELSE
    assert winner.ask("echo works").out == "works\n"
    assert winner.work("echo works").out.strip() == "works"
    assert lock.take(loser, own, "loser", "test") == ELSE
    winner.close()
    assert places.eventually(lambda: lock.take(loser, own, "loser", "test") == lock.HELD)


@pytest.mark.parametrize("userland", ["dash", "bash", "busybox"])
def test_every_userland_locks_a_full_disk(userland: str, small: Path, make_local: MakeShell, tmp_path: Path) -> None:
    need(userland)
    sh, path = places.userland(userland, tmp_path / "userland")
    winner, loser = make_local(sh, path), make_local(sh, path)
    own = used(winner, small)
    disk.fill(small, "blocks")
    assert lock.take(winner, own, "winner", "test") == lock.HELD
    assert lock.take(loser, own, "loser", "test") == ELSE
    assert winner.ask("echo works").out == "works\n"


@pytest.mark.parametrize("userland", ["dash", "bash", "busybox"])
def test_work_that_fills_the_disk_with_its_log_is_heard_to_its_end(
    userland: str, small: Path, make_local: MakeShell, tmp_path: Path
) -> None:
    need(userland)
    shell = make_local(*places.userland(userland, tmp_path / "userland"))
    own = used(shell, small)
    assert lock.take(shell, own, "run", "test") == lock.HELD
    disk.fill(small, "blocks")
    filler = small / "filler/file"
    os.truncate(filler, filler.stat().st_size - (50 << 10))
    rows = "".join(f"{number} {'row ' * (number % 17)}\n" for number in range(4000))
    (tmp_path / "rows").write_text(rows)
    assert shell.work('cat "$1"', tmp_path / "rows").out == rows
    assert shell.work("echo next").out == "next\n"
    assert 0 < Path(own, "run/run/log").stat().st_size < len(rows)


def test_the_record_of_a_dead_run_is_not_taken_for_ours(small: Path, make_local: MakeShell) -> None:
    shell = make_local()
    own = used(shell, small)
    Path(own, "lock.json").write_text('{"run":"dead"}')
    disk.fill(small, "inodes")
    assert lock.take(shell, own, "alive", "test") == lock.HELD
    assert not Path(own, "lock.json").exists()


@pytest.mark.parametrize("way", disk.WAYS)
def test_a_silent_client_loses_the_lock_there_too(way: str, small: Path, sshd: Sshd) -> None:
    first = places.host(sshd, small)
    lock.hold(first, "test")
    lock.release(first)
    first.close()
    disk.fill(small, way)
    client, other = Client(small, sshd, 1), places.host(sshd, small)
    try:
        client.signal(signal.SIGSTOP)
        assert places.eventually(lambda: lock.take(other.shell, other.site.own, "other", "test") == lock.HELD)
        assert not client.agent_lives()
    finally:
        client.end()
        other.shell.close()
        other.close()


def test_a_beat_that_cannot_be_written_is_no_silence(sshd: Sshd, open_folder: Path, nobody: Shell) -> None:
    """Where even writing over what is there needs room (btrfs), nobody is taken for silent: here, nobody may write any more."""
    nobody.silence = 1
    own = used(nobody, open_folder)
    assert lock.take(nobody, own, "run", "test") == lock.HELD
    Path(own, "lock").chmod(0o400)
    agent = nobody.ask("echo $PPID").out
    subprocess.run(["sleep", "3"], check=True)
    assert nobody.ask("echo $PPID").out == agent


def lines(own: str) -> list[dict[str, object]]:
    """The lines of the journal that can be read."""
    text = Path(own, "journal.jsonl").read_text(errors="replace")
    return [journal._line(line) for line in text.split("\n") if journal._line(line)]


@pytest.mark.parametrize("userland", ["dash", "bash", "busybox"])
def test_numbers_stay_unique_and_rise_whatever_a_full_disk_cuts(
    userland: str, small: Path, make_local: MakeShell, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    need(userland)
    shell = make_local(*places.userland(userland, tmp_path / "userland"))
    own = used(shell, small)
    note = source("engine/journal.sh")
    for _ in range(3):
        shell.do(note, own, f'"event":"room","text":"{"x" * 500}"}}', "sync")
        shell.flush()
        disk.fill(small, "blocks")
        for _ in range(12):
            shell.do(note, own, f'"event":"full","text":"{"x" * 900}"}}', "")
        assert shell.ask("echo and the run goes on").out == "and the run goes on\n"
        for file in (small / "filler").iterdir():
            file.unlink()
        (small / "filler").rmdir()
    shell.do(note, own, '"event":"last"}', "")
    shell.flush()
    found = lines(own)
    numbers = [int(str(line["seq"])) for line in found]
    assert numbers == sorted(set(numbers))
    assert [line["event"] for line in found if line.get("event") in ("room", "last")] == ["room"] * 3 + ["last"]
    if "tmpfs" in request.node.name:  # ext4 writes all of so short a text or nothing
        assert len(Path(own, "journal.jsonl").read_text().split("\n")) > len(found) + 1, "nothing was cut short: this tested nothing"


ODD: dict[str, Callable[[Path], object]] = {
    "a line without its end": lambda file: file.write_text('{"seq":1}\n{"seq":2,"ev'),
    "a line without its end, but with its number": lambda file: file.write_text('{"seq":1}\n{"seq":2,"at":"2026'),
    "a number that nobody counts to": lambda file: file.write_text('{"seq":1}\n{"seq":99999999999999999999,"event":"odd"}\n'),
    "a line of somebody else's": lambda file: file.write_text('{"seq":1}\nhello\n'),
    "zeros after a power cut": lambda file: file.write_bytes(b'{"seq":1}\n' + bytes(100)),
    "empty": lambda file: file.write_bytes(b""),
    "not there": lambda file: file.unlink(),
}


@pytest.mark.parametrize("name", ODD)
def test_a_line_begins_on_a_line_of_its_own(name: str, make_shell: MakeShell, tmp_path: Path) -> None:
    shell = make_shell()
    own = used(shell, tmp_path)
    ODD[name](Path(own, "journal.jsonl"))
    for _ in range(2):
        shell.do(source("engine/journal.sh"), own, '"event":"next"}', "sync")
    shell.flush()
    found = [line for line in lines(own) if line.get("event") == "next"]
    count = Path(own, "journal.jsonl").read_bytes().count(b"\n")
    assert [line["seq"] for line in found] == [count - 1, count]


@pytest.mark.parametrize("way", ["a folder in its place", "nobody may write it"])
def test_a_journal_that_cannot_be_written_stops_nobody(way: str, nobody: Shell, open_folder: Path) -> None:
    own = used(nobody, open_folder)
    file = Path(own, "journal.jsonl")
    if way == "nobody may write it":
        file.chmod(0o400)
    else:
        file.unlink()
        file.mkdir()
    nobody.do(source("engine/journal.sh"), own, '"event":"start"}', "sync")
    answer = nobody.ask("echo next")
    assert (answer.out, answer.err) == ("next\n", "")


def test_a_start_is_on_the_disk_before_the_step_begins(sshd: Sshd, tmp_path: Path) -> None:
    """A start is synced, with what came before it; an end goes with the next start."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sync").write_text(f'#!/bin/sh\necho "$@" >>"{tmp_path}/synced"; tail -n 1 "$1" >>"{tmp_path}/synced"\n')
    (tmp_path / "bin/sync").chmod(0o755)
    (tmp_path / "site").mkdir()
    c: Host = places.host(sshd, tmp_path / "site")
    lock.hold(c, "test")
    path = f'PATH="{tmp_path}/bin:$PATH"; export PATH\n'
    for event, how in (("end", ""), ("start", "sync")):
        c.shell.do(path + source("engine/journal.sh"), c.site.own, f'"event":"{event}"}}', how)
    c.shell.flush()
    lock.release(c)
    c.close()
    name, line = (tmp_path / "synced").read_text().splitlines()
    assert name == "journal.jsonl"
    assert json.loads(line)["event"] == "start"
