"""One holder at a time, whoever asks with whatever tool; and everybody else is told who it is."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event, Thread, Timer

import pytest

from fabfile import info
from fabfile.engine import lock, state
from fabfile.engine.errors import Failure, Locked
from fabfile.engine.hosts import Host
from fabfile.engine.shell import Shell
from fabfile.engine.wire import Answer
from fabfile.hooks import COMMAND
from tests.conftest import need
from tests.engine import places
from tests.engine.conftest import MakeShell
from tests.support.sshd import Sshd

CONTENDERS = 8
ROUNDS = int(os.environ.get("FAB_ROUNDS", "30"))  # 100 is the promise's measure, which .ci/run asks for; a part of it runs always
ELSE = 75


@pytest.fixture(scope="module")
def no_flock(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH without flock(1): PHP has to do it."""
    need("php", "flock")
    return places.path_without(tmp_path_factory.mktemp("no-flock") / "bin", "flock")


@pytest.fixture(scope="module")
def only_perl(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH like that of macOS: neither flock(1) nor PHP."""
    need("perl")
    return places.path_without(tmp_path_factory.mktemp("only-perl") / "bin", "flock", "php")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "site's/.deploy")


def record(folder: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(Path(folder, "lock.json").read_text())
    return found


def paths(tools: str, no_flock: str) -> list[str]:
    ours = os.environ["PATH"]
    return {"flock": [ours], "php": [no_flock], "both": [ours, no_flock]}[tools]


def contend(shells: list[Shell], folder: str, rounds: int) -> None:
    """All at once, again and again; the one that has it leaves before the next round."""
    start = Barrier(len(shells))

    def one(number: int, turn: int) -> int:
        start.wait(30)
        return lock.take(shells[number], folder, f"{turn}-{number}", "contend")

    with ThreadPoolExecutor(len(shells)) as pool:
        for turn in range(rounds):
            codes = list(pool.map(one, range(len(shells)), [turn] * len(shells)))
            assert sorted(codes) == [lock.HELD] + [ELSE] * (len(shells) - 1), f"round {turn}"
            winner = codes.index(lock.HELD)
            assert record(folder)["run"] == f"{turn}-{winner}"
            assert places.names(f"{folder}/run") == [f"{turn}-{winner}"], "losers leave nothing behind"
            leave(shells[winner], f"{folder}/run/{turn}-{winner}")


def leave(shell: Shell, run: str) -> None:
    """Go, and wait until it is gone: the next round is to be lost to a contender only."""
    agent = int(shell.ask('rm -r -- "$1"; echo $PPID', run).out)
    shell.close()
    assert places.eventually(lambda: not alive(agent))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("tools", ["flock", "php"])
def test_exactly_one_of_eight_wins(tools: str, folder: str, make_local: MakeShell, no_flock: str) -> None:
    choice = paths(tools, no_flock)
    contend([make_local(path=choice[n % len(choice)]) for n in range(CONTENDERS)], folder, 10)


@pytest.mark.slow
def test_exactly_one_of_eight_wins_every_time(folder: str, make_local: MakeShell, no_flock: str) -> None:
    choice = paths("both", no_flock)
    contend([make_local(path=choice[n % len(choice)]) for n in range(CONTENDERS)], folder, ROUNDS)


@pytest.mark.parametrize("first", ["flock", "php", "perl"])
@pytest.mark.parametrize("second", ["flock", "php", "perl"])
def test_each_tool_keeps_the_others_out(first: str, second: str, folder: str, make_local: MakeShell, no_flock: str, only_perl: str) -> None:
    path = {"flock": os.environ["PATH"], "php": no_flock, "perl": only_perl}
    winner, loser = (make_local(path=path[tool]) for tool in (first, second))
    assert lock.take(winner, folder, "winner", "test") == lock.HELD
    assert lock.take(loser, folder, "loser", "test") == ELSE
    loser.close()
    assert record(folder)["run"] == "winner"
    assert lock.take(make_local(), folder, "third", "test") == ELSE


@pytest.mark.parametrize("tool", ["flock", "php", "perl"])
def test_two_sites_do_not_build_in_one_folder_at_a_time(
    tool: str, tmp_path: Path, make_local: MakeShell, request: pytest.FixtureRequest
) -> None:
    """Each has a lock of its own, and takes that of the folder with it or not at all. What a hook leaves behind holds neither."""
    path = os.environ["PATH"] if tool == "flock" else request.getfixturevalue({"php": "no_flock", "perl": "only_perl"}[tool])
    sites, shop = [str(tmp_path / name / ".deploy") for name in ("prod", "staging")], str(tmp_path / "builds" / "it's")

    def attempt(shell: Shell, number: int) -> Answer:
        return lock.attempt(shell, sites[number], f"run-{number}", {"what": "test"}, "php", shop=shop)

    first, second = make_local(path=path), make_local(path=path)
    assert attempt(first, 0).code == lock.HELD
    refused = attempt(second, 1)
    assert (refused.code, json.loads(refused.out)["run"]) == (lock.BUILDING, "run-0")
    assert lock.take(make_local(), f"{shop}/.deploy", "builder", "test") == ELSE
    third = make_local()
    assert lock.take(third, sites[1], "third", "test") == lock.HELD
    third.close()
    first.work(f'{COMMAND}sleep 300 </dev/null >/dev/null 2>&1 &\necho $! >"$1/pid"', tmp_path, "", "", "", "", "")
    first.close()
    assert places.eventually(lambda: attempt(second, 1).code == lock.HELD)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_every_userland_can_lock(make_shell: MakeShell, folder: str) -> None:
    winner, loser = make_shell(), make_shell()
    assert lock.take(winner, folder, "winner", "test") == lock.HELD
    assert lock.take(loser, folder, "loser", "test") == ELSE
    winner.close()
    assert places.eventually(lambda: lock.take(loser, folder, "loser", "test") == lock.HELD)


def test_the_record_says_who_from_where_since_when_and_for_what(folder: str, make_local: MakeShell) -> None:
    lock.take(make_local(), folder, "20260101000000-aa", "server.migrate")
    found = record(folder)
    assert found == {"run": "20260101000000-aa", "what": "server.migrate", **lock.who(), "since": found["since"]}
    assert lock.describe(found) == f"who {lock.user()}, from {os.uname().nodename}, since {found['since']}, what server.migrate"


@pytest.mark.parametrize(("record", "line"), [
    ({}, "by an unknown run"),
    ({"who": "", "what": "deploy"}, "what deploy"),
    ({"message": "holidays", "who": "ann", "other": 1}, "who ann, message holidays"),
])  # fmt: skip
def test_describe(record: dict[str, object], line: str) -> None:
    assert lock.describe(record) == line


@pytest.mark.parametrize(("variable", "value"), [("GITHUB_ACTOR", "octocat"), ("GITLAB_USER_LOGIN", "tanuki")])
def test_ci_deploys_under_the_name_of_whoever_started_it(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    assert lock.user() == value


def test_what_a_new_site_lies_in_is_open_to_the_web_server_and_what_is_ours_is_not(make_local: MakeShell, tmp_path: Path) -> None:
    site = tmp_path / "a/b/c"
    purpose = {"what": "test"}
    assert lock.attempt(make_local(), f"{site}/.deploy", "20260101000000-aa", purpose, "php", site=str(site)).code == lock.HELD
    assert [path.stat().st_mode & 0o777 for path in (site, *site.parents[:2])] == [0o755] * 3
    assert (site / ".deploy").stat().st_mode & 0o777 == 0o700
    assert lock.take(make_local(), f"{tmp_path}/build/app/.deploy", "20260101000000-bb", "build") == lock.HELD
    assert (tmp_path / "build").stat().st_mode & 0o777 == 0o700, "a build is nobody else's"


def test_a_file_in_the_way_is_told(tmp_path: Path, make_local: MakeShell) -> None:
    (tmp_path / "site").write_text("")
    with pytest.raises(Failure, match=f"cannot lock {tmp_path}/site/.deploy: .*") as caught:
        lock.take(make_local(), f"{tmp_path}/site/.deploy", "run", "test")
    assert "give it to the user who deploys" in caught.value.hint


def test_a_folder_in_place_of_the_lock_is_told_and_the_conversation_goes_on(folder: str, make_local: MakeShell) -> None:
    Path(folder, "lock").mkdir(parents=True)
    shell = make_local()
    with pytest.raises(Failure, match="cannot lock"):
        lock.take(shell, folder, "run", "test")
    assert shell.ask("echo next").out == "next\n"


def test_without_flock_and_php_it_says_so(tmp_path: Path, folder: str, make_local: MakeShell) -> None:
    shell = make_local(path=places.path_without(tmp_path / "bin", "flock", "php", "perl"))
    with pytest.raises(Failure, match="no flock, PHP or Perl"):
        lock.take(shell, folder, "run", "test")
    assert not any(Path(folder, "run").iterdir())


def test_a_file_system_that_cannot_lock_is_not_taken_for_another_deployment(tmp_path: Path, folder: str, make_local: MakeShell) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/flock").write_text("#!/bin/sh\necho 'flock: 9: No locks available' >&2\nexit 71\n")
    (tmp_path / "bin/flock").chmod(0o755)
    with pytest.raises(Failure, match="No locks available"):
        lock.take(make_local(path=f"{tmp_path}/bin:{os.environ['PATH']}"), folder, "run", "test")


def test_who_waited_has_a_folder_although_the_one_before_cleaned_up(tmp_path: Path, folder: str, make_local: MakeShell) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/flock").write_text(f'#!/bin/sh\nrm -rf "{folder}"/run/*\nPATH=\'{os.environ["PATH"]}\' exec flock "$@"\n')
    (tmp_path / "bin/flock").chmod(0o755)
    shell = make_local(path=f"{tmp_path}/bin:{os.environ['PATH']}")
    assert lock.take(shell, folder, "20260101000000-aa", "test") == lock.HELD
    assert Path(folder, "run/20260101000000-aa/log").is_file()


@pytest.mark.root
def test_a_folder_that_cannot_be_written_is_told(nobody: Shell, open_folder: Path) -> None:
    (open_folder / "site").mkdir(mode=0o755)
    with pytest.raises(Failure, match=r"cannot lock .*/site/.deploy: .*Permission denied"):
        lock.take(nobody, f"{open_folder}/site/.deploy", "run", "test")


@pytest.mark.root
def test_a_lock_file_of_somebody_else_is_told(nobody: Shell, open_folder: Path) -> None:
    (open_folder / ".deploy").mkdir()
    (open_folder / ".deploy").chmod(0o777)
    (open_folder / ".deploy/lock").touch(mode=0o600)
    with pytest.raises(Failure, match=r"cannot lock .*/lock: Permission denied"):
        lock.take(nobody, f"{open_folder}/.deploy", "run", "test")
    assert nobody.ask("echo next").out == "next\n"


@pytest.fixture
def make_host(sshd: Sshd, tmp_path: Path) -> Iterator[Callable[..., Host]]:
    made: list[Host] = []

    def make(**settings: object) -> Host:
        made.append(places.host(sshd, tmp_path / "site", **settings))
        return made[-1]

    (tmp_path / "site").mkdir()
    yield make
    for c in made:
        c.shell.close()
        c.close()


def free(file: str) -> bool:
    with Path(file).open("a") as looked_at:
        try:
            fcntl.flock(looked_at, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_a_run_that_begins_to_build_takes_that_lock_too(make_host: Callable[..., Host], tmp_path: Path) -> None:
    """Until it is over, or has not got it: what is then still to be done needs none."""
    run, other, shop = make_host(), make_host(), str(tmp_path / "builds")
    assert lock.take(other.shell, f"{shop}/.deploy", "other", "test") == lock.HELD
    lock.hold(run, "server.check")
    run.shell.builds = shop
    with pytest.raises(Locked, match=f"another build is running in {shop}: who {lock.user()}, .*what test"):
        lock.hold(run, "build")
    other.shell.close()
    assert places.eventually(lambda: free(f"{shop}/.deploy/lock"))
    lock.hold(run, "build")
    assert lock.take(other.shell, f"{shop}/.deploy", "other", "test") == ELSE
    trips = run.shell.trips
    lock.hold(run, "build")
    assert run.shell.trips == trips
    run.shell.close()
    assert places.eventually(lambda: free(f"{shop}/.deploy/lock"))
    lock.hold(run, "switch")
    assert lock.take(other.shell, f"{shop}/.deploy", "other", "test") == lock.HELD


@pytest.mark.root
def test_a_site_of_another_user_says_who_deploys_there(sshd: Sshd, nobody: Shell, open_folder: Path) -> None:
    (open_folder / ".deploy").mkdir(mode=0o700)
    c = places.host(sshd, open_folder)
    c._set(shell=nobody)
    try:
        for take in (lambda: lock.hold(c, "server.switch"), lambda: lock.ahead(c, state.look(c))):
            with pytest.raises(Failure, match=rf"{open_folder}/\.deploy belongs to root, you are \w+") as caught:
                take()
            assert (caught.value.code, "everybody deploys as the same user" in caught.value.hint) == (4, True)
        assert "belongs to root" in info._lock(state.look(c)), "and fab status does not call it free"
    finally:
        c.close()


def test_hold_and_release(make_host: Callable[..., Host], tmp_path: Path) -> None:
    first, second = make_host(), make_host()
    lock.hold(first, "server.switch")
    run = first.run_id
    lock.hold(first, "server.check")
    assert first.run_id == run, "a run takes it once"
    with pytest.raises(Locked, match=f"who {lock.user()}, .* what server.switch") as caught:
        lock.hold(second, "server.check")
    assert caught.value.code == 7
    lock.release(second)
    assert state.look(second).held, "only its holder gives it back"
    lock.release(first)
    assert first.run_id == ""
    assert places.eventually(lambda: not state.look(second).held)
    assert places.names(tmp_path / "site/.deploy") == ["lock", "run"]
    lock.hold(second, "server.check")


def test_whoever_waits_gets_it_next(make_host: Callable[..., Host], capsys: pytest.CaptureFixture[str]) -> None:
    first, second = make_host(), make_host(lock_wait=30)
    lock.hold(first, "deploy")
    waits = Thread(target=lock.hold, args=(second, "deploy"))
    waits.start()
    assert places.eventually(lambda: "is locked, waiting" in capsys.readouterr().out)
    lock.release(first)
    waits.join()
    assert second.run_id


def test_a_lock_by_hand_stops_everybody(make_host: Callable[..., Host], tmp_path: Path) -> None:
    (tmp_path / "site/.deploy").mkdir()
    (tmp_path / "site/.deploy/manual.json").write_text('{\n  "who": "ann",\n  "message": "holidays"\n}\n')
    with pytest.raises(Locked, match="locked by hand: who ann, message holidays"):
        lock.hold(make_host(), "deploy")


def test_a_lock_by_hand_stops_who_waited_when_it_was_set(
    make_host: Callable[..., Host], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = make_host(), make_host(lock_wait=60)
    lock.hold(first, "deploy")
    (tmp_path / "site/.deploy/lock.json").write_text('{"run": "20260101000000-dead", "what": "deploy"}')
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(lock.hold, second, "deploy")
        assert places.eventually(lambda: "is locked, waiting" in capsys.readouterr().out)
        (tmp_path / "site/.deploy/manual.json").write_text('{"who": "ann", "message": "holidays"}')
        first.shell.close()
        with pytest.raises(Locked, match="locked by hand: who ann, message holidays") as caught:
            waits.result()
    assert (second.run_id, caught.value.hint) == ("", "fab unlock --host=prod")
    assert record(f"{tmp_path}/site/.deploy")["run"] == "20260101000000-dead", "whoever opens it writes down how that one ended"
    assert not state.look(second).held
    third = make_host()
    lock.hold(third, "unlock", by_hand=True)
    assert third.run_id


@pytest.fixture(params=["flock", "php", "perl"])
def tools(request: pytest.FixtureRequest) -> str:
    """A PATH where this is what locks and looks."""
    if request.param == "flock":
        return os.environ["PATH"]
    return str(request.getfixturevalue({"php": "no_flock", "perl": "only_perl"}[request.param]))


def test_looking_keeps_nobody_out(tools: str, folder: str, make_local: MakeShell) -> None:
    done = Event()
    path = tools
    looker = make_local(path=path)
    look = (state.source("engine/look.sh"), Path(folder).parent, "php")

    def keep_looking() -> None:
        while not done.is_set():
            looker.ask(*look)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(keep_looking)
        try:
            for turn in range(20):
                shell = make_local(path=path)
                assert lock.take(shell, folder, str(turn), "test") == lock.HELD
                assert "held yes" in make_local(path=path).ask(*look).out
                leave(shell, f"{folder}/run/{turn}")
        finally:
            done.set()
        watching.result()


def test_who_comes_while_somebody_looks_gets_it_a_moment_later(tools: str, folder: str, make_local: MakeShell) -> None:
    shell = make_local(path=tools)
    shell.ask('mkdir -p "$1"', folder)
    with Path(folder, "lock").open("a+") as looked_at:
        fcntl.flock(looked_at, fcntl.LOCK_SH)
        Timer(0.05, fcntl.flock, [looked_at, fcntl.LOCK_UN]).start()
        assert lock.take(shell, folder, "run", "test") == lock.HELD


def test_two_who_look_do_not_take_each_other_for_a_deployment(tools: str, folder: str, make_local: MakeShell) -> None:
    shell = make_local(path=tools)
    shell.ask('mkdir -p "$1"', folder)
    with Path(folder, "lock").open("a+") as looked_at:
        fcntl.flock(looked_at, fcntl.LOCK_SH)
        assert "held" not in shell.ask(state.source("engine/look.sh"), Path(folder).parent, "php").out


def test_what_an_agent_notes_is_no_noise_when_its_folder_is_gone(make_shell: MakeShell, folder: str) -> None:
    shell = make_shell()
    lock.take(shell, folder, "run", "test")
    assert shell.ask('rm -r -- "$1"', f"{folder}/run/run").err == ""
    assert shell.ask("echo next; echo $#").out == "next\n0\n"
    assert shell.ask(":").err == ""
    assert not Path(folder, "run/run").exists()


def test_a_lost_connection_has_lost_its_lock(make_host: Callable[..., Host]) -> None:
    c = make_host()
    lock.hold(c, "deploy")
    with pytest.raises(Failure, match="the connection is gone"):
        c.shell.ask("kill -s KILL $PPID; sleep 1")
    assert c.run_id == ""
    lock.hold(c, "deploy")
    assert c.run_id
