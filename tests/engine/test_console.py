"""What a person, a pipe and a program see: the same run, told in three ways."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from fabfile.engine import options, redact, registry
from fabfile.engine.errors import SettingsError
from tests.support.fab import PROJECT, run_fab

STORY = """
import sys
from fabfile.engine import bars, console, options, redact
options.current = options.from_command_line(sys.argv[1:])
redact.remember(["hunter22"])
step = console.begin("🔴", "7.1-symlink", "Switch", "prod:/srv")
show = console.live("prod", ("END",))
show(b"first li")
show(b"ne hunter22\\nsecond \\x1b[31mline \\xff\\n\\nhalf")
show(b"END 5 0\\nEND 5 0\\n")
console.warn("look at hunter22")
with bars.progress("upload", 1 << 20) as advance:
    advance(1 << 20)
console.done("Switched")
step.ended("expected")
console.result("é is live")
"""


def tell(*flags: str, env: dict[str, str] | None = None, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
    plain = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "COLUMNS")}
    environment = {**plain, "TERM": "xterm", "PYTHONUTF8": "1", "PYTHONPATH": str(PROJECT), **(env or {})}
    return subprocess.run([sys.executable, "-c", STORY, *flags], env=environment, check=True, stdout=stdout)


def on_terminal(*flags: str, env: dict[str, str] | None = None) -> str:
    """What appears on a terminal."""
    master, slave = pty.openpty()
    tell(*flags, env=env, stdout=slave)
    os.close(slave)
    seen = b""
    while True:
        try:
            data = os.read(master, 1 << 16)
        except OSError:  # Linux' way to say that nobody has the other end any more
            break
        seen += data
    os.close(master)
    return seen.decode()


def piped(*flags: str, env: dict[str, str] | None = None) -> list[str]:
    return tell(*flags, env=env).stdout.decode().splitlines()


def test_a_pipe_gets_plain_lines() -> None:
    lines = piped()
    assert lines[0] == "🔴 [7.1-symlink] Switch  prod:/srv"
    assert lines[1] == "   ⚠️  look at ********"
    assert lines[2].startswith("   ✅ Switched  ")
    assert lines[3:] == ["é is live"]


def test_quiet_says_warnings_and_the_result() -> None:
    assert piped("--quiet") == ["   ⚠️  look at ********", "é is live"]


def test_verbose_says_every_line_once_and_no_end_mark() -> None:
    said = [line for line in piped("--verbose") if "│" in line]
    assert said == ["   │ first line ********", "   │ second line \N{REPLACEMENT CHARACTER}", "   │ halfEND 5 0"]


COUNTED = """
from fabfile.engine import console
console.Chain.total = 2
for name in "abc":
    console.begin("🔴", "", name, "prod").ended("")
console.Chain.total = 9
console.Chain.left()
console.begin("🔴", "", "back", "prod").ended("")
"""


def test_only_planned_steps_bear_a_number() -> None:
    environment = {**os.environ, "PYTHONUTF8": "1", "PYTHONPATH": str(PROJECT)}
    lines = subprocess.run([sys.executable, "-c", COUNTED], env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert lines.splitlines() == ["🔴 a  prod  (1/2)", "🔴 b  prod  (2/2)", "🔴 c  prod", "🔴 back  prod"]


def test_json_is_one_event_a_line() -> None:
    events = [json.loads(line) for line in piped("--json")]
    assert [event["event"] for event in events] == ["step-start", "warning", "step-end", "result"]
    assert events[1]["text"] == "look at ********"
    assert events[2]["results"] == ["Switched"]
    assert all(event["at"].endswith("Z") for event in events)
    assert [event["event"] for event in map(json.loads, piped("--json", "--verbose"))].count("output") == 3


def test_a_terminal_shows_progress_and_colour_and_clears_it_again() -> None:
    seen = on_terminal()
    assert "\r\033[K" in seen
    assert "first line ********" in seen
    assert "upload" in seen
    assert "\033[32m" in seen
    assert "hunter22" not in seen
    assert "\033[31mline" not in seen, "a command's own colours do not reach the line that is overwritten"


@pytest.mark.parametrize("name", ["NO_COLOR", "CI"])
def test_no_colour_where_none_is_wanted(name: str) -> None:
    assert "\033[32m" not in on_terminal(env={name: "1"})


@pytest.mark.parametrize("flags", [["--quiet"], ["--json"]])
def test_no_progress_where_nobody_wants_it(flags: list[str]) -> None:
    seen = on_terminal(*flags)
    assert "first line" not in seen
    assert "upload" not in seen


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_of_another_age_gets_what_it_can_show(encoding: str) -> None:
    out = tell(env={"PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}).stdout.decode(encoding)
    assert "Switch  prod:/srv" in out
    assert "is live" in out


def test_a_reader_that_goes_away_does_not_end_the_run() -> None:
    script = STORY.replace("console.warn", "sys.stdin.readline(); console.warn") + "\nsys.stderr.write('through\\n')"
    process = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    assert process.stdin
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    process.stdin.close()
    assert process.stderr.read() == b"through\n"
    assert process.wait() == 0
    process.stderr.close()


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "_secrets", [])


MASK = redact.MASK


@pytest.mark.parametrize(("known", "text", "masked"), [
    (["secret"], "a secret b", f"a {MASK} b"),
    (["pass", "password1"], "password1 pass", f"{MASK} {MASK}"),
    (["abcdef", "defghi"], "xabcdefghiy", f"x{MASK}y"),
    (["aaaa"], "aaaaaa", MASK),
    (["abcd", "efgh"], "abcdefgh", MASK + MASK),
    (["abc", ""], "abc", "abc"),
    (["it's me"], """'it'"'"'s me'""", f"'{MASK}'"),
    (["say \"hi\""], json.dumps("say \"hi\""), f'"{MASK}"'),
    (["line one\nline two"], "x line two y", f"x {MASK} y"),
])  # fmt: skip
def test_secrets_are_masked(known: list[str], text: str, masked: str, secrets: None) -> None:
    redact.remember(known)
    assert redact.mask(text) == masked


@given(known=st.lists(st.text("abc", min_size=4, max_size=7), min_size=1, max_size=4), text=st.text("abcd", max_size=40))
def test_nothing_of_a_secret_is_left_however_they_overlap(known: list[str], text: str) -> None:
    redact._secrets[:] = []
    redact.remember(known)
    left = redact.mask(text).replace(MASK, "")
    redact._secrets[:] = []
    hidden = {n for secret in known for at in range(len(text)) if text.startswith(secret, at) for n in range(at, at + len(secret))}
    assert left == "".join(char for n, char in enumerate(text) if n not in hidden)


@pytest.mark.parametrize(("words", "expected"), [
    ([], {}),
    (["deploy", "--host=prod"], {"host": "prod"}),
    (["--host", "prod", "deploy"], {"host": "prod"}),
    (["server.check", "--branch=x", "--host=prod", "server.switch", "--quiet"], {"host": "prod", "quiet": True}),
    (["deploy", "--set", "build.place=server", "--set=a=b=c"], {"set": ("build.place=server", "a=b=c")}),
    (["deploy", "--dry-run", "--json", "--verbose"], {"dry_run": True, "json": True, "verbose": True}),
    (["deploy", "--", "--quiet"], {}),
    (["deploy", "--hos=prod", "--ver"], {}),
    (["deploy", "--host"], {}),
    (["deploy", "--quiet=no"], {}),
])  # fmt: skip
def test_common_options_count_wherever_they_stand(words: list[str], expected: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert options.from_command_line(words) == options.Options(**expected)
    assert capsys.readouterr().err == "", "Invoke says what is wrong, once"


def test_what_a_task_is_given_counts_from_then_on() -> None:
    given = {"host": "prod", "set": ["a=1"], "quiet": True, "json": False, "dry_run": False, "verbose": False, "release": "x"}
    options.take(given)
    assert given == {"release": "x"}
    assert options.current == options.Options(host="prod", set=("a=1",), quiet=True)
    options.take({"host": "", "set": [], "quiet": False})
    assert options.current == options.Options(host="prod", set=("a=1",), quiet=True)


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    @task
    def switch(c: object, release: str = "") -> str:
        return release

    space, inner = Collection(), Collection("server")
    inner.add_task(switch)
    space.add_collection(inner)
    monkeypatch.setattr(registry, "tasks", {})
    registry.remember(space)


NEAR = "; did you mean server.switch?"


@pytest.mark.parametrize(("name", "near"), [("server.swich", NEAR), ("Server.switch", NEAR), ("zzz", "")])
def test_an_unknown_task_is_told_with_the_nearest_name(name: str, near: str, tasks: None) -> None:
    with pytest.raises(SettingsError) as caught:
        registry.find(name)
    assert caught.value.text == f"there is no task {name!r}{near}"
    assert caught.value.code == 2


def test_a_task_is_called_with_what_it_takes(tasks: None) -> None:
    assert registry.call("server.switch", Context(), release="r", other="x") == "r"


def test_a_flag_without_its_value_is_told_once(tmp_path: Path) -> None:
    done = run_fab(["deploy", "--host"], tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0] == "deploy: --host needs a value"
    assert done.text.lower().count("usage:") == 0


@pytest.mark.parametrize(("args", "says"), [
    (["deplooy"], "there is no task 'deplooy'; did you mean deploy?"),
    (["server.swich", "--host=prod"], "there is no task 'server.swich'; did you mean server.switch?"),
    (["--help", "deplooy"], "there is no task 'deplooy'; did you mean deploy?"),
    (["deploy", "--hots=prod"], "deploy: there is no flag --hots; did you mean --host?"),
    (["deploy", "--artefact", "x"], "deploy: there is no flag --artefact; did you mean --artifact?"),
    (["--host=prod", "deploy"], "--host belongs behind a task"),
    (["deploy", "sandbox"], "sandbox is a host, not a task"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
def test_a_typing_error_names_what_was_meant(args: list[str], says: str, tmp_path: Path) -> None:
    done = run_fab(args, tmp_path)
    assert (done.code, done.err.splitlines()[0]) == (2, says)
    assert "fab " in done.err.splitlines()[1]
    assert "Traceback" not in done.text


@pytest.mark.parametrize(("args", "says"), [
    (["deploy", "--host=nope"], "there is no host 'nope'"),
    (["deploy", "--hots=nope"], "there is no flag --hots"),
], ids=" ".join)  # fmt: skip
def test_programs_are_told_how_it_ended_too(args: list[str], says: str, tmp_path: Path) -> None:
    done = run_fab([*args, "--json"], tmp_path)
    event = json.loads(done.out.splitlines()[-1])
    assert (event["event"], event["code"], done.code) == ("error", 2, 2)
    assert event["text"].split("\n")[0] in done.err
    assert says in event["text"]


def test_programs_are_told_of_a_module_that_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "deploy.toml").write_text('modules = ["tasks_of_ours.py"]\n')
    event = json.loads(run_fab(["steps", "--json"], tmp_path).out)
    assert (event["event"], event["code"]) == ("error", 2)
    assert event["text"] == f"deploy.toml:1: modules: there is no file {tmp_path}/tasks_of_ours.py"


def test_programs_are_told_of_a_mistake_in_a_task(tmp_path: Path) -> None:
    (tmp_path / "deploy.toml").write_text('modules = ["ours.py"]\n')
    (tmp_path / "ours.py").write_text("from fabfile.engine.tasks import here\n@here()\ndef wrong(c):\n    1 / 0\n")
    done = run_fab(["ours.wrong", "--json"], tmp_path)
    event = json.loads(done.out.splitlines()[-1])
    assert (event["event"], event["code"], done.code) == ("error", 1, 1)
    assert event["text"] == f"ours.wrong: ZeroDivisionError: division by zero ({tmp_path}/ours.py:4)"
