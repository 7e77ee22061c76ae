"""Every value is data: through the real shells and a real OpenSSH server it arrives as it is, and nothing in it runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings

from fabfile.engine import journal, records, state, transfer
from fabfile.engine.hosts import Host
from fabfile.engine.pipes import ProcessPipe
from fabfile.engine.quoting import words
from fabfile.engine.records import Record
from fabfile.engine.shell import Shell
from tests.conftest import need
from tests.engine import places
from tests.support.sshd import Sshd

from .hostile import EVERYTHING, anything, file_name, one_line

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SHOW = 'for value; do printf "<%s>" "$value"; done'


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file that is only there when something ran that should not have."""
    path = tmp_path_factory.mktemp("canary") / "sang"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANARY", str(path))
        yield path
    assert not path.exists()


@pytest.fixture(scope="module")
def server(canary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A connection to a server whose sessions know $CANARY, in a run that holds no lock but has an id."""
    folder = tmp_path_factory.mktemp("hostile")
    sshd = Sshd(folder / "sshd", env={"CANARY": str(canary)}).start()
    c = places.host(sshd, folder)
    yield c
    c.shell.close()
    c.close()
    sshd.stop()


@pytest.fixture(scope="module")
def here(canary: Path) -> Iterator[Shell]:
    shell = Shell("local", ProcessPipe, silence=0)
    yield shell
    shell.close()


@pytest.fixture(params=["server", "here"])
def shell(request: pytest.FixtureRequest) -> Shell:
    place = request.getfixturevalue(request.param)
    return place.shell if isinstance(place, Host) else place


def test_the_canary_sings(shell: Shell, canary: Path) -> None:
    """The bait works: run as a command, the fragments leave the file."""
    shell.ask('eval ": $1"', "$(touch $CANARY)")
    assert canary.exists()
    canary.unlink()


@few
@given(anything)
@example(EVERYTHING)
@example("")
def test_values_of_questions_deeds_and_work(shell: Shell, canary: Path, tmp_path: Path, text: str) -> None:
    out = tmp_path / "deed"
    shell.do('printf %s "$1" >"$2"', text, out)
    assert shell.ask(SHOW, text, "and", text).out == f"<{text}><and><{text}>"
    assert out.read_bytes().decode() == text
    assert shell.work(SHOW, text).out == f"<{text}>"
    assert not canary.exists()


@few
@given(anything)
@example(EVERYTHING)
def test_names_of_what_ran_are_only_shown(shell: Shell, canary: Path, text: str) -> None:
    assert shell.ask("exit 3", text, check=False, what=text).code == 3
    assert not canary.exists()


@pytest.mark.parametrize("program", ["dash", "bash", "busybox"])
def test_quoting_is_every_shells(program: str, canary: Path, tmp_path: Path) -> None:
    need(program)
    shell = [program, "sh"] if program == "busybox" else [program]

    @few
    @given(anything, anything)
    @example(EVERYTHING, "")
    def arrives(one: str, two: str) -> None:
        done = subprocess.run([*shell, "-c", f"printf '<%s>' {words(one, two)}"], cwd=tmp_path, stdout=subprocess.PIPE, check=True)
        assert done.stdout.decode() == f"<{one}><{two}>"
        assert not canary.exists()

    arrives()


@few
@given(file_name)
@example(EVERYTHING.replace("/", "")[:120])
def test_paths_of_transfers(server: Host, canary: Path, tmp_path: Path, name: str) -> None:
    path, back = tmp_path / "there" / name, tmp_path / "back"
    path.parent.mkdir(exist_ok=True)
    transfer.send_text(server.shell, name, str(path))
    assert path.read_text() == name
    assert path.stat().st_mode & 0o777 == 0o600
    transfer.fetch(server.shell, str(path), back)
    assert back.read_text() == name
    path.unlink()
    assert list(path.parent.iterdir()) == []
    assert not canary.exists()


@few
@given(anything, anything)
@example(EVERYTHING, EVERYTHING)
def test_records(server: Host, canary: Path, one: str, two: str) -> None:
    wanted = Record("20260101000000", "prepared", commit=one, branch=two, who=one, reason=two, migrations=(one, two), backup=one)
    records.write(server.shell, server.site, wanted)
    assert state.look(server).records == {wanted.id: wanted}
    assert not canary.exists()


@few
@given(anything)
@example(EVERYTHING)
def test_the_journal(server: Host, canary: Path, text: str) -> None:
    server.shell.run = "20260101000000-00000000"
    try:
        journal.note(server, text, error=text)
        server.shell.flush()
    finally:
        server.shell.run = ""
    last = json.loads((Path(server.site.own) / "journal.jsonl").read_text().split("\n")[-2])
    assert (last["event"], last["error"]) == (text, text)
    assert not canary.exists()


@few
@given(one_line)
@example(EVERYTHING)
def test_a_lock_by_hand(server: Host, canary: Path, text: str) -> None:
    path = Path(server.site.own) / "manual.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"who": text, "message": text}))
    assert state.look(server).manual == {"who": text, "message": text}
    assert not canary.exists()


def test_a_path_with_a_line_break_is_refused(server: Host) -> None:
    with pytest.raises(ValueError, match="newline"):
        transfer.send_text(server.shell, "", f"{server.site.root}/a\nb")


def test_a_nul_byte_is_refused(shell: Shell) -> None:
    with pytest.raises(ValueError, match="NUL"):
        shell.ask("true", "a\0b")
