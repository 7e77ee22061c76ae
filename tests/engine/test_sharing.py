"""Questions that travel together share a frame: one after the other, or side by side. Each keeps its own streams, code and fate."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.engine.errors import CommandFailed
from fabfile.engine.shell import Shell
from tests.engine.conftest import MakeShell
from tests.engine.test_conversation import OUTPUTS, TEXTS, encoded

ENDED = "kill -TERM 0; sleep 5"  # the whole group, as its time limit does


def test_quick_questions_that_travel_together_share_a_shell(shell: Shell) -> None:
    for name in ("one", "two"):
        shell.foresee('echo "$1 $$"', name)
    shell.foresee("echo slow $$", timeout=5)
    asked = shell.ask("echo $$").out
    assert shell.ask('echo "$1 $$"', "one").out == f"one {asked}"
    assert shell.ask('echo "$1 $$"', "two").out == f"two {asked}"
    assert shell.ask("echo slow $$", timeout=5).out != f"slow {asked}", "its time is its own"


def test_none_of_them_is_touched_by_what_becomes_of_another(shell: Shell) -> None:
    scripts = ("cd /; exit 3", "set -- a b; x=1; set +e; missing_command", 'echo "${x-unset} $#"')
    for script in scripts:
        shell.foresee(script)
    with pytest.raises(CommandFailed):
        shell.ask("exit 9")
    assert [shell.ask(script, check=False).code for script in scripts[:2]] == [3, 127]
    assert shell.ask(scripts[2]).out == "unset 0\n"
    assert shell.ask("echo on").out == "on\n"


def test_what_did_not_run_because_of_what_was_ended_before_it_is_asked_anew(shell: Shell, tmp_path: Path) -> None:
    shell.foresee("echo before")
    shell.foresee(f"echo so far; echo why >&2; {ENDED}")
    shell.foresee('echo once >>"$1"; echo after', tmp_path / "runs")
    assert shell.ask("echo asked").out == "asked\n"
    assert shell.ask("echo before").out == "before\n"
    ended = shell.ask(f"echo so far; echo why >&2; {ENDED}", check=False)
    assert (ended.code, ended.out) == (143, "so far\n")
    assert ended.err.startswith("why\n")
    trips = shell.trips
    assert shell.ask('echo once >>"$1"; echo after', tmp_path / "runs").out == "after\n"
    assert (shell.trips, (tmp_path / "runs").read_text()) == (trips + 1, "once\n")


def test_where_what_was_asked_is_ended_itself_nothing_behind_it_is_taken_for_an_answer(shell: Shell) -> None:
    shell.foresee("echo behind")
    with pytest.raises(CommandFailed, match=r"(?s)exit code 143.*so far"):
        shell.ask(f"echo so far; {ENDED}")
    assert shell.ask("echo behind").out == "behind\n"
    assert shell.ask("echo on").out == "on\n"


def test_the_time_that_they_share_ends_the_one_that_takes_it(make_shell: MakeShell) -> None:
    shell = make_shell(timeout=2)
    shell.foresee("sleep 600")
    shell.foresee("echo behind")
    assert shell.ask("echo asked").out == "asked\n"
    with pytest.raises(CommandFailed, match="after its 2 seconds"):
        shell.ask("sleep 600")
    assert shell.ask("echo behind").out == "behind\n"


@pytest.mark.parametrize("name", TEXTS)
def test_what_ran_beside_another_says_exactly_what_it_said(name: str, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(OUTPUTS[name])
    (tmp_path / "err").write_bytes(errors := OUTPUTS[name][::-1])
    question = ('cat "$1"; cat "$2" >&2; exit "$3"', tmp_path / "out", tmp_path / "err")
    for code in (4, 5):
        shell.foresee(*question, code, timeout=60, beside=True)
    for code in (3, 4, 5):
        answer = shell.ask(*question, code, check=False, timeout=60)
        assert (answer.code, encoded(answer.out)) == (code, OUTPUTS[name])
        assert encoded(answer.err) == errors
    assert shell.ask("echo next").out == "next\n"


def test_they_run_at_the_same_time(shell: Shell, tmp_path: Path) -> None:
    """Each waits until all three have begun."""
    here = 'cd "$1"; : >"$2"; for n in 1 2 3 4 5 6 7 8 9; do [ -e a ] && [ -e b ] && [ -e c ] && break; sleep 1; done; ls'
    (together := tmp_path / "together").mkdir()
    for name in ("b", "c"):
        shell.foresee(here, together, name, beside=True)
    for name in ("a", "b", "c"):
        assert shell.ask(here, together, name).out == "a\nb\nc\n"


def test_nothing_runs_beside_what_was_collected_for_the_question(shell: Shell, tmp_path: Path) -> None:
    """Such as the links without which a release that is visited would be another one."""
    (here := tmp_path / "here").mkdir()
    looks = 'ls "$1"; until [ -e "$1/asked" ]; do sleep 1; done; echo why >&2'
    for name in ("first", "second"):
        shell.do('sleep 0.5; echo of the act; : >"$1"', here / name)
    shell.foresee(looks, here, timeout=60, beside=True)
    shell.foresee('ls "$1" | head -n 2', here, timeout=60, beside=True)
    assert shell.ask('sleep 0.5; : >"$1/asked"; ls "$1"', here, timeout=60).out == "asked\nfirst\nsecond\n"
    answer = shell.ask(looks, here)
    assert (answer.out, answer.err) == ("first\nsecond\n", "why\n")
    assert shell.ask('ls "$1" | head -n 2', here).out == "first\nsecond\n"


def test_where_what_was_collected_fails_the_question_is_not_asked(shell: Shell, tmp_path: Path) -> None:
    shell.do("echo no; echo room >&2; exit 5", what="make room")
    shell.do(': >"$1"', tmp_path / "second")
    shell.foresee("echo beside; echo by the side >&2", timeout=60, beside=True)
    with pytest.raises(CommandFailed, match=r"make room failed \(exit code 5\)\n  \| no\n  \| room$"):
        shell.ask(': >"$1"; echo asked', tmp_path / "asked", timeout=60)
    assert list(tmp_path.glob("*ed*")) == []
    assert shell.ask("echo beside; echo by the side >&2").out == "beside\n"
    assert shell.ask("echo on").out == "on\n"


def test_one_runs_beside_all_that_is_quick(shell: Shell, tmp_path: Path) -> None:
    """It waits for what the second of them does, and they keep their order."""
    shell.foresee(': >"$1"; echo quick', tmp_path / "there")
    shell.foresee('until [ -e "$1" ]; do sleep 1; done; echo beside', tmp_path / "there", timeout=60, beside=True)
    shell.foresee("echo after", timeout=60, beside=True)
    shell.foresee("echo last")
    assert shell.ask("echo asked").out == "asked\n"
    assert shell.ask(': >"$1"; echo quick', tmp_path / "there").out == "quick\n"
    assert shell.ask('until [ -e "$1" ]; do sleep 1; done; echo beside', tmp_path / "there", timeout=60).out == "beside\n"
    assert shell.ask("echo after", timeout=60).out == "after\n"
    trips = shell.trips
    assert (shell.ask("echo last").out, shell.trips) == ("last\n", trips)


def test_what_one_of_them_leaves_running_holds_up_nobody(shell: Shell, tmp_path: Path) -> None:
    """Else they would be ended together, and asked anew."""
    daemon = 'sleep 600 >/dev/null 2>&1 & echo $! >"$1"; echo left'
    shell.foresee(daemon, tmp_path / "second", timeout=20, beside=True)
    shell.foresee("echo third", timeout=20, beside=True)
    assert shell.ask(daemon, tmp_path / "first", timeout=20).out == "left\n"
    trips = shell.trips
    assert shell.ask(daemon, tmp_path / "second", timeout=20).out == "left\n"
    assert (shell.ask("echo third", timeout=20).out, shell.trips) == ("third\n", trips)
    for name in ("first", "second"):
        shell.ask('kill "$(cat "$1")"', tmp_path / name)


def test_one_that_takes_too_long_keeps_none_before_it_from_being_heard(shell: Shell) -> None:
    shell.foresee("sleep 600", timeout=2, beside=True)
    shell.foresee("echo third", timeout=2, beside=True)
    assert shell.ask("echo first", timeout=2).out == "first\n"
    late = shell.ask("sleep 600", timeout=2, check=False)
    assert (late.late(2), late.out) == (True, "")
    assert shell.ask("echo third", timeout=2).out == "third\n"


def test_nothing_runs_beside_long_work_or_before_it_has_ended(shell: Shell, tmp_path: Path) -> None:
    shell.foresee('cat "$1"', tmp_path / "file", beside=True)
    shell.work('sleep 0.3; echo late >"$1"', tmp_path / "file")
    assert shell.ask('cat "$1"', tmp_path / "file").out == "late\n"
