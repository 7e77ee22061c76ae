"""Scripts go in, exact answers come out: over pipes and OpenSSH, under dash, bash and busybox."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from pathlib import Path
from threading import Timer

import paramiko
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabfile.engine import console, options
from fabfile.engine.errors import CommandFailed, Unreachable
from fabfile.engine.pipes import BOOT, Pipe, ProcessPipe
from fabfile.engine.shell import Shell
from tests.engine import places
from tests.engine.conftest import MakeShell
from tests.engine.places import eventually, path_without, processes
from tests.support.sshd import Sshd

OUTPUTS = {
    "empty": b"",
    "no newline at the end": b"x",
    "one line": b"x\n",
    "only newlines": b"\n\n\n",
    "spaces and backslashes": b"  \\n \\ \t\n  ",
    "not UTF-8": b"\xff\xfe caf\xe9 \x80\n",
    "looks like a frame": b"\n%s 1 0\n%s begins 7\nask 1 0\nbeat\n" % (b"0" * 32, b"0" * 32),
    "NUL": b"a\0b\n",
    "1 MB": b"0123456789abcde\n" * 65536,
}
TEXTS = [name for name in OUTPUTS if name != "NUL"]  # `read` cannot hold one


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("name", OUTPUTS)
def test_both_streams_are_kept_apart_byte_for_byte(name: str, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(OUTPUTS[name])
    (tmp_path / "err").write_bytes(OUTPUTS[name][::-1])
    shell.do("echo before; echo before >&2")
    answer = shell.ask('cat "$1"; cat "$2" >&2', tmp_path / "out", tmp_path / "err")
    assert encoded(answer.out) == OUTPUTS[name]
    assert encoded(answer.err) == OUTPUTS[name][::-1]
    assert shell.ask("echo next").out == "next\n"


@pytest.mark.parametrize("name", TEXTS)
def test_long_work_says_exactly_what_it_said(name: str, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(OUTPUTS[name])
    answer = shell.work('cat "$1" >&2', tmp_path / "out")
    assert encoded(answer.out) == OUTPUTS[name]
    assert shell.ask("echo next").out == "next\n"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])), min_size=1, max_size=3))
def test_every_value_arrives_as_it_is(shell: Shell, values: list[str]) -> None:
    assert shell.ask('for value; do printf "%s\\0" "$value"; done', *values).out == "".join(f"{value}\0" for value in values)


def test_a_long_script_arrives(shell: Shell) -> None:
    assert shell.ask('printf %s "$1" | wc -c', "é\n" * 50_000).out.strip() == "150000"


def test_what_acts_travels_with_the_next_question(shell: Shell) -> None:
    shell.ask(":")
    before = shell.trips
    for number in range(20):
        shell.do('echo "$1" >>"$2"', number, "/dev/null")
    assert shell.ask("echo answer").out == "answer\n"
    assert shell.trips == before + 1


def test_what_is_foreseen_costs_no_trip_and_is_answered_after_the_one_it_travels_with(shell: Shell, tmp_path: Path) -> None:
    question, other = 'cat "$1" 2>/dev/null || echo nothing', "echo other"
    shell.ask(":")
    before = shell.trips
    shell.foresee(other)
    shell.foresee(question, tmp_path / "file")
    shell.do('echo something >"$1"', tmp_path / "file")
    shell.flush()
    assert shell.ask(question, tmp_path / "file").out == "something\n"
    assert shell.trips == before + 1
    assert shell.ask(other).out == "other\n"  # in whichever order
    assert shell.trips == before + 1
    assert shell.ask(other).out == "other\n"  # but once
    assert shell.trips == before + 2


def test_a_steady_answer_that_is_here_does_not_make_what_was_collected_travel(shell: Shell, tmp_path: Path) -> None:
    shell.foresee("echo steady")
    shell.ask(":")
    before = shell.trips
    shell.do('echo done >"$1"', tmp_path / "file")
    assert shell.ask("echo steady", steady=True).out == "steady\n"
    assert (shell.trips, (tmp_path / "file").exists()) == (before, False)
    assert shell.ask("echo steady", steady=True).out == "steady\n"  # not here any more: it travels behind what was collected
    assert (shell.trips, (tmp_path / "file").exists()) == (before + 1, True)


def test_what_has_arrived_is_not_sent_once_more(shell: Shell, tmp_path: Path) -> None:
    count = 'echo once >>"$1"'
    shell.foresee(count, tmp_path / "file")
    shell.ask(":")
    shell.foresee(count, tmp_path / "file")  # by somebody who does not know of the other
    shell.ask(count, tmp_path / "file")
    shell.ask(":")
    shell.ask(":")
    assert (tmp_path / "file").read_text() == "once\n"


def test_what_is_hurried_is_answered_while_nobody_waits(shell: Shell, tmp_path: Path) -> None:
    shell.foresee('echo done >"$1"; echo said', tmp_path / "file")
    shell.hurry()
    until = time.monotonic() + 20
    while not (tmp_path / "file").exists() and time.monotonic() < until:
        time.sleep(0.01)
    before = shell.trips
    assert shell.ask('echo done >"$1"; echo said', tmp_path / "file").out == "said\n"
    assert shell.trips == before
    assert shell.ask("echo on").out == "on\n"


def test_what_is_hurried_and_never_asked_is_in_nobodys_way(shell: Shell) -> None:
    shell.foresee("echo never")
    shell.hurry()
    assert shell.ask("echo on").out == "on\n"
    assert shell.ask("echo never").out == "never\n"


def test_an_interrupt_stays_one_where_the_command_cannot_be_ended(shell: Shell, tmp_path: Path) -> None:
    shell.ask(":")
    connect, shell.child = shell.connect, str(tmp_path / "child")

    def gone(*command: str) -> Pipe:
        if command:
            raise OSError("Network is unreachable")
        return connect()

    shell.connect = gone
    timer = Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        shell.ask("sleep 2")
    shell.connect = connect
    assert shell.ask("echo on").out == "on\n"


def test_what_an_interrupt_kept_from_being_sent_is_not_waited_for(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.ask(":")
    shell.foresee("echo foreseen", timeout=1)
    with monkeypatch.context() as patch:
        patch.setattr(shell, "_send", lambda data: signal.default_int_handler(signal.SIGINT, None))
        with pytest.raises(KeyboardInterrupt):
            shell.ask("echo first", timeout=1)
    assert [shell.ask("echo second", timeout=1).out, shell.ask("echo foreseen", timeout=1).out] == ["second\n", "foreseen\n"]


def test_what_was_foreseen_and_took_too_long_says_so_although_nobody_waited_for_all_of_it(shell: Shell) -> None:
    shell.foresee("sleep 30", timeout=1)
    shell.ask(":")
    time.sleep(0.7)
    with pytest.raises(CommandFailed, match="stopped after its 1 seconds"):
        shell.ask("sleep 30", timeout=1)


def test_nor_does_it_matter_how_late_this_machine_noticed_that_it_had_begun(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.ask(":")
    pipe = shell._pipe
    assert pipe
    receive = pipe.receive

    def busy(timeout: float | None) -> object:
        monkeypatch.undo()
        found = receive(timeout)
        time.sleep(0.8)
        return found

    monkeypatch.setattr(pipe, "receive", busy)
    shell.foresee("sleep 30", timeout=1)
    shell.ask(":")
    with pytest.raises(CommandFailed, match="stopped after its 1 seconds"):
        shell.ask("sleep 30", timeout=1)


def test_what_is_gathered_travels_with_the_next_question(shell: Shell, tmp_path: Path) -> None:
    with shell.gathering():
        shell.do('echo one >"$1"', tmp_path / "file", what="the first step")
        shell.settle()
        assert not (tmp_path / "file").exists()
        shell.do("false", what="the second step")
        shell.settle()
    shell.do("true", note=True)
    shell.settle()  # nor is it afterwards, for nothing but a note
    assert not (tmp_path / "file").exists()
    shell.do('echo three >"$1"', tmp_path / "more", what="the third step")
    with pytest.raises(CommandFailed, match="the second step failed"):
        shell.settle()
    assert (tmp_path / "file").exists()
    assert not (tmp_path / "more").exists()


def test_fabrics_own_ways_find_done_what_was_collected(sshd: Sshd, tmp_path: Path) -> None:
    c = places.host(sshd, tmp_path)
    ways = {
        "run": lambda path: c.run(f"test -e {path}", hide=True, in_stream=False),
        "put": lambda path: c.put(__file__, f"{path}/sent"),
        "get": lambda path: c.get(f"{path}/file", str(tmp_path / "got")),
    }
    for name, way in ways.items():
        with c.shell.gathering():
            c.shell.do('mkdir "$1"; : >"$1/file"', tmp_path / name)
        way(tmp_path / name)
    assert (tmp_path / "put/sent").is_file()
    assert (tmp_path / "got").is_file()
    c.close()


def test_notes_right_behind_each_other_are_one(shell: Shell, tmp_path: Path) -> None:
    script, file = 'file=$1; shift; printf "%s\\n" "$#" "$@" >>"$file"', tmp_path / "notes"
    for place, text in ((file, "a"), (file, "it's b"), (tmp_path / "other", "c"), (file, "d")):
        shell.do(script, place, text, note=True)
    shell.do("true")
    shell.do(script, file, "e", note=True)
    shell.flush()
    assert file.read_text() == "2\na\nit's b\n1\nd\n1\ne\n"
    assert (tmp_path / "other").read_text() == "1\nc\n"


@pytest.mark.parametrize("meanwhile", ["done", "worked", "asked"])
def test_what_was_foreseen_is_asked_anew_once_something_else_was_sent(meanwhile: str, shell: Shell, tmp_path: Path) -> None:
    act, question = ('echo new >"$1"', tmp_path / "file"), ('cat "$1"', tmp_path / "file")
    (tmp_path / "file").write_text("old\n")
    shell.foresee(*question)
    shell.ask(":")
    {"done": shell.do, "worked": shell.work, "asked": shell.ask}[meanwhile](*act)
    assert shell.ask(*question).out == "new\n"


def test_what_could_not_be_sent_is_not_waited_for(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever kept it here, the conversation goes on."""
    shell.ask(":")
    with monkeypatch.context() as patched:
        patched.setattr(shell, "_framed", lambda *_: 1 / 0)
        shell.foresee("echo foreseen")
        with pytest.raises(ZeroDivisionError):
            shell.ask("echo asked")
    assert shell.ask("echo again").out == "again\n"
    assert shell.ask("echo foreseen").out == "foreseen\n"


def test_what_was_foreseen_and_fails_says_so_when_it_is_asked(shell: Shell) -> None:
    shell.foresee("echo no >&2; exit 3")
    shell.ask(":")
    with pytest.raises(CommandFailed, match="look") as caught:
        shell.ask("echo no >&2; exit 3", what="look")
    assert "no" in caught.value.text
    assert shell.ask("echo on").out == "on\n"


def test_what_was_foreseen_behind_something_long_is_answered_after_it(shell: Shell, tmp_path: Path) -> None:
    shell.foresee('cat "$1"', tmp_path / "file")
    shell.work('sleep 0.3; echo late >"$1"', tmp_path / "file")
    assert shell.ask('cat "$1"', tmp_path / "file").out == "late\n"


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_the_piece_that_failed_is_named_and_nothing_after_it_runs(broken: int, shell: Shell, tmp_path: Path) -> None:
    for number in range(3):
        script = 'echo "says $1" >&2; touch "$2/$1"; ' + ("false" if number == broken else "true")
        shell.do(script, number, tmp_path, what=f"piece {number}")
    with pytest.raises(CommandFailed, match=f"piece {broken} failed") as caught:
        shell.ask('touch "$1/question"', tmp_path, check=False)
    assert f"says {broken}" in str(caught.value)
    assert f"says {broken - 1}" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [str(n) for n in range(broken + 1)]


@pytest.mark.parametrize("code", [1, 2, 3, 126, 127, 128, 200, 255])
def test_exit_codes(code: int, shell: Shell) -> None:
    assert shell.ask(f"exit {code}", check=False).code == code
    assert shell.work(f"exit {code}", check=False).code == code
    with pytest.raises(CommandFailed) as caught:
        shell.ask(f"exit {code}")
    assert caught.value.status == code


def test_exit_ends_only_its_own_piece(shell: Shell) -> None:
    shell.do("exit 0; false")
    assert shell.ask("echo still here; exit 0; echo never").out == "still here\n"


@pytest.mark.parametrize("script", ["echo 'abc", "if true", "echo )", "( echo", "done", "}", "cat <<E"])
def test_a_syntax_error_is_an_error_and_no_more(script: str, shell: Shell) -> None:
    shell.do("true", what="sound")
    with pytest.raises(CommandFailed, match=r"sound \+ broken failed"):
        shell.ask(script, what="broken")
    assert shell.ask("echo next").out == "next\n"


def test_nothing_stands_on_standard_input(shell: Shell) -> None:
    assert shell.ask("cat; wc -c").out.strip() == "0"
    assert shell.work("cat; wc -c").out.strip() == "0"
    assert shell.ask("echo next").out == "next\n"


def test_a_pipeline_that_is_cut_short_ends(shell: Shell) -> None:
    answer = shell.ask("while :; do echo y || exit; done | head -n 1", timeout=20)
    assert (answer.out, answer.err) == ("y\n", "")


@pytest.mark.parametrize("keeps", ["", ">/dev/null 2>&1 "])
def test_a_daemon_does_not_hold_up_the_conversation(keeps: str, shell: Shell, tmp_path: Path) -> None:
    start = f'(exec 9>&-; sleep 300 {keeps}& echo $! >"$1")'
    shell.ask(start, tmp_path / "first")
    shell.work(start, tmp_path / "second")
    assert shell.ask("echo next").out == "next\n"
    for name in ("first", "second"):
        os.kill(int((tmp_path / name).read_text()), signal.SIGKILL)  # it is alive


def test_work_is_shown_as_it_comes(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "current", options.Options(verbose=True))
    seen: list[str] = []

    def look(place: str, line: str) -> None:
        seen.append(line)
        (tmp_path / "seen").touch()

    monkeypatch.setattr(console, "_live_line", look)
    script = 'printf "caf\\303"; printf "\\251\\n"; for try in 1 2 3 4 5 6 7 8 9; do [ ! -e "$1" ] || exit 0; sleep 1; done; exit 9'
    assert shell.work(script, tmp_path / "seen").out == "café\n"
    assert seen == ["café"]


def test_what_only_we_understand_is_not_shown(make_local: MakeShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "current", options.Options(verbose=True))
    seen: list[str] = []
    monkeypatch.setattr(console, "_live_line", lambda place, line: seen.append(line))
    shell, mark, theirs = make_local(), secrets.token_hex(16), "d41d8cd98f00b204e9800998ecf8427e"
    said = shell.work('printf "%s unseen\n%s  file\nseen\n" "$1" "$2"', mark, f"{theirs} ").out
    assert said == f"{mark} unseen\n{theirs}   file\nseen\n"
    assert seen == [f"{theirs}   file", "seen"]


TOO_LONG = {
    "alone": "sleep 300",
    "with children": "sleep 300 & sleep 300 & wait",
    "deaf": "trap '' TERM; sleep 300; sleep 300",
    "deaf descendants": "sh -c 'trap \"\" TERM; sleep 300; sleep 300' & sleep 300",
    "politely": "trap 'exit 3' TERM; sleep 300 & wait",
}


@pytest.mark.parametrize("way", ["ask", "work"])
@pytest.mark.parametrize("name", TOO_LONG)
def test_a_time_limit_ends_everything_it_started(name: str, way: str, shell: Shell, mark: str) -> None:
    with pytest.raises(CommandFailed, match="the long one failed" if name == "politely" else "stopped after its 1 seconds"):
        getattr(shell, way)(TOO_LONG[name], timeout=1, what="the long one")
    assert eventually(lambda: not [command for command in processes(mark) if command.startswith("sleep")], 2), processes(mark)
    assert shell.ask("echo next").out == "next\n"


def test_a_time_limit_without_setsid(make_local: MakeShell, tmp_path: Path, mark: str) -> None:
    shell = make_local(path=path_without(tmp_path / "bin", "setsid"))
    with pytest.raises(CommandFailed, match="stopped after its 1 seconds"):
        shell.ask("sleep 300 & sleep 300", timeout=1)
    assert eventually(lambda: not [command for command in processes(mark) if command.startswith("sleep")]), processes(mark)
    assert shell.ask("echo next").out == "next\n"


def test_without_any_way_to_make_a_group_the_wait_still_ends(make_local: MakeShell, tmp_path: Path) -> None:
    shell = make_local(path=path_without(tmp_path / "bin", "setsid", "perl"))
    with pytest.raises(CommandFailed, match="stopped after its 1 seconds"):
        shell.ask("sleep 10", timeout=1)
    assert shell.ask("echo next").out == "next\n"


def test_nothing_is_left_of_a_conversation(shell: Shell, mark: str) -> None:
    for _ in range(40):
        shell.ask("true", timeout=900)
    shell.work("true", timeout=900)
    assert eventually(lambda: not [command for command in processes(mark) if "sleep" in command], 2), processes(mark)
    shell.close()
    assert eventually(lambda: not processes(mark)), processes(mark)


def test_after_an_interrupted_wait_the_next_answer_is_the_right_one(shell: Shell, tmp_path: Path) -> None:
    shell.ask(":")
    Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        shell.work('sleep 2; echo interrupted; touch "$1"', tmp_path / "ran on")
    assert shell.ask("echo next").out == "next\n"
    assert (tmp_path / "ran on").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_what_is_interrupted_while_it_is_sent_is_sent_whole(
    how: signal.Signals, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may run already; and in half a script the conversation would end, and with it all that this run may still do."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    agent = shell.ask("echo $PPID").out
    pipe = shell._pipe
    assert pipe
    send = pipe.send

    def interrupted(data: bytes) -> None:
        monkeypatch.undo()
        send(data[:9])
        os.kill(os.getpid(), how)
        send(data[9:])

    monkeypatch.setattr(pipe, "send", interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            shell.work('echo here; touch "$1"', tmp_path / "ran")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert shell.ask("echo $PPID").out == agent
    assert (tmp_path / "ran").exists()


def test_what_a_failed_step_collected_does_not_run_later(shell: Shell) -> None:
    shell.do("exit 9")
    shell.forget()
    assert shell.ask("echo next").out == "next\n"


@pytest.mark.parametrize("way", ["ask", "work"])
def test_a_lost_conversation_says_so_and_a_new_one_can_begin(way: str, shell: Shell, mark: str) -> None:
    agent = int(shell.ask("echo $PPID").out)
    shell.run = "some run"
    with pytest.raises(Unreachable, match="the connection is gone"):
        getattr(shell, way)(f"kill -s KILL {agent}; sleep 1")
    assert shell.run == ""
    assert shell.ask("echo again").out == "again\n"


@pytest.mark.parametrize("error", [EOFError(), paramiko.SSHException("Key-exchange timed out"), OSError("Socket is closed")])
def test_a_connection_that_goes_while_something_is_sent_is_lost_and_no_more(
    error: Exception, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = places.host(sshd, tmp_path)
    c.shell.ask(":")

    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(c.transport.packetizer, "write_all", broken)
    with pytest.raises(Unreachable, match="prod: the connection is gone") as caught:
        c.shell.ask("echo never")
    assert "fab status --host=prod" in caught.value.hint
    c.close()


def test_a_shell_that_cannot_start_gives_its_last_words(make_local: MakeShell, tmp_path: Path) -> None:
    broken = tmp_path / "sh"
    broken.write_text("#!/bin/sh\necho no shell for you >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(Unreachable, match="no shell for you"):
        make_local(sh=str(broken)).ask("echo hello")


def test_a_dry_conversation_only_asks(make_local: MakeShell, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell = make_local(dry=True)
    shell.do('touch "$1/do"', tmp_path, what="touch do")
    shell.work('touch "$1/work"', tmp_path, what="touch work")
    assert shell.ask("echo asked").out == "asked\n"
    assert [path.name for path in tmp_path.iterdir()] == []
    said = capsys.readouterr().out
    assert [word for word in ("touch do", "touch work", "asked") if word in said] == ["touch do", "touch work"]


def test_no_limit_outlives_what_it_is_for(shell: Shell, mark: str) -> None:
    """Where the agent was killed nobody calls its limit off, and one day the number of the group is somebody else's."""
    with pytest.raises(Unreachable):
        shell.ask("kill -KILL $PPID")
    assert eventually(lambda: processes(mark) == [])


def test_git_means_the_repository_it_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where fab runs in a hook of another one, which git tells where it is. What git is configured with is not about that."""
    configured = {"GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS", "GIT_SSH_COMMAND"}
    told = set(subprocess.run(["git", "rev-parse", "--local-env-vars"], check=True, text=True, stdout=subprocess.PIPE).stdout.split())
    for name in told | configured:
        monkeypatch.setenv(name, "1")
    shell = Shell("here", lambda command=BOOT: ProcessPipe(command), silence=0)
    known = {line.partition("=")[0] for line in shell.ask("env").out.splitlines()}
    shell.close()
    assert known & (told | configured) == configured
