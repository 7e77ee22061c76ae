"""What the command line is taken for: Fabric's own flags, values that are missing or empty, words that are no task."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.fab import PROJECT, Result, environment, fab_command, run_fab

SETTINGS = """
default_host = "prod"
modules = ["ours.py"]
[hosts.prod]
address = "nobody@127.0.0.1:1"
path = "/srv/prod"
[hosts.other]
path = "/srv/other"
"""
OURS = """
from fabric import task
from fabfile.engine import console, options, project
from fabfile.engine.tasks import here

@here(quiet=True)
def told(c, tag="none"):
    console.result(f"dry {options.current.dry_run}, host {project.host_name(c)}, tag {tag!r}")

@here(quiet=True)
def shelled(c):
    c.run("touch ran; false")
    console.result("on it goes")

@task
def foreign(c):
    pass
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "deploy.toml").write_text(SETTINGS)
    (tmp_path / "ours.py").write_text(OURS)
    return tmp_path


def refused(args: list[str], project: Path) -> tuple[str, str]:
    """The two lines in which it is refused before anything was done: what is wrong, and what to type."""
    done = run_fab(args, project)
    assert (done.code, done.out) == (2, ""), done.text
    wrong, what = done.err.splitlines()
    assert what.startswith("  → ")
    return wrong, what


@pytest.mark.parametrize("args", [["--dry", "ours.told"], ["-R", "ours.told"], ["ours.told", "--dry"], ["ours.told", "-R"]], ids=" ".join)
def test_fabrics_own_dry_run_is_a_dry_run_wherever_it_stands(args: list[str], project: Path) -> None:
    assert run_fab(args, project).out == "dry True, host prod, tag 'none'\n"


def test_in_fabrics_dry_run_not_even_a_plain_command_runs(project: Path) -> None:
    assert "on it goes" in run_fab(["--dry", "ours.shelled"], project).out
    assert not (project / "ran").exists()


@pytest.mark.parametrize(("args", "says", "instead"), [
    (["-w", "deploy"], "--warn-only", "on_error"),
    (["deploy", "--pty"], "--pty", "ssh -t"),
    (["-e", "status"], "--echo", "--dry-run --verbose"),
    (["--hide=both", "status"], "--hide", "--quiet"),
    (["-T", "5", "ours.told", "status"], "--command-timeout", "--set command_timeout=5"),
    (["status", "-t", "3"], "--connect-timeout", "--set connect_timeout=3"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
def test_what_no_step_would_heed_is_refused(args: list[str], says: str, instead: str, project: Path) -> None:
    wrong, what = refused(args, project)
    assert says in wrong
    assert instead in what


def test_a_task_of_the_teams_own_may_be_given_what_plain_commands_heed(project: Path) -> None:
    assert run_fab(["ours.shelled"], project).code == 4
    assert "on it goes" in run_fab(["-w", "ours.shelled"], project).out


@pytest.mark.parametrize(("args", "says"), [
    (["-H", "", "status"], "-H names no host"),
    (["-H", "prod,", "status"], "-H names no host in 'prod,'"),
    (["-H", "other", "status", "--host=prod"], "-H other and --host=prod are two answers to one question"),
    (["status", "--", "uname"], "nothing runs what is behind --: uname"),
    (["-H", "prod", "status", "--", "uname"], "nothing runs what is behind --: uname"),
    (["status", "--set", "--host=other"], "--set needs a value, and --host=other is the next flag"),
    (["config", "--set", "keep_releases=3", "--set"], "--set needs a value"),
    (["config", "--set"], "--set needs a value"),
    (["deploy", "--set", "--quiet"], "--set needs a value"),
    (["deploy", "--artifact", "--host=other"], "--artifact needs a value, and --host=other is the next flag"),
    (["deploy", "--branch", "-R"], "--branch needs a value, and -R is the next flag"),
    (["ours.told", "--tag", "--host=other"], "--tag needs a value, and --host=other is the next flag"),
    (["status", "--lock-wait", "--dry-run"], "status: --lock-wait needs a value"),
    (["deploy", "--artifact="], "--artifact is empty"),
    (["deploy", "--artifact", ""], "--artifact is empty"),
    (["deploy", "--commit="], "--commit is empty"),
    (["builder.build", "--branch="], "--branch is empty"),
    (["rollback", "--to="], "--to is empty"),
    (["status", "--host="], "--host is empty"),
    (["verify", "--release="], "--release is empty"),
    (["status", "--set="], "--set is empty"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
def test_no_default_stands_in_for_what_was_left_out_by_mistake(args: list[str], says: str, project: Path) -> None:
    assert refused(args, project)[0] == says


def test_a_plain_task_of_fabrics_is_said_to_be_one(project: Path) -> None:
    assert refused(["ours.foreign", "--dry-run"], project) == (
        "ours.foreign is a plain task of Fabric's, which takes no --dry-run",
        "  → declared with here, on_host or on_builder of fabfile.engine.tasks it would",
    )


@pytest.mark.parametrize(("args", "says"), [
    (["-H", "other", "ours.told"], "dry False, host other, tag 'none'"),
    (["-H", "other", "ours.told", "--host=other"], "dry False, host other, tag 'none'"),
    (["ours.told", "-H", "other"], "dry False, host other, tag 'none'"),
    (["ours.told", "--tag="], "dry False, host prod, tag ''"),
    (["ours.told", "--tag=--host=other"], "dry False, host prod, tag '--host=other'"),
    (["ours.told", "--tag", "-5"], "dry False, host prod, tag '-5'"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
def test_what_is_meant_is_taken(args: list[str], says: str, project: Path) -> None:
    assert run_fab(args, project) == Result(0, f"{says}\n", "")


@pytest.mark.parametrize(("word", "meant"), [
    ("build", "; did you mean builder.build?"),
    ("check", "; did you mean local.check or server.check?"),
    ("logs", "; did you mean server.log?"),
    ("up", "; did you mean server.up?"),
    ("restore_cache", "; did you mean builder.restore-cache?"),
    ("Deploy", "; did you mean deploy?"),
    ("servr.migrate", "; did you mean server.migrate?"),
    *((word, "") for word in ("undo", "run", "doctor", "plan", "extra")),
])  # fmt: skip
def test_a_task_is_named_that_could_have_been_meant_or_none(word: str, meant: str, project: Path) -> None:
    assert refused([word], project) == (
        f"there is no task {word!r}{meant}",
        "  → fab --list shows the tasks, fab --help TASK the flags of one",
    )


@pytest.mark.parametrize("args", [["--list"], ["--help", "deploy"]], ids=" ".join)
def test_a_reader_that_has_seen_enough_of_a_list_is_no_mistake(args: list[str], project: Path) -> None:
    command = [*fab_command(), "-r", str(PROJECT), *args]
    fab = subprocess.Popen(command, cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert fab.stdout
    fab.stdout.close()
    assert (fab.communicate()[1], fab.returncode) == (b"", 0)


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_ctrl_c_while_it_starts_is_told_and_no_mistake(number: str, project: Path) -> None:
    (project / "ours.py").write_text(f"import os, signal\nos.kill(os.getpid(), signal.{number})\n")
    assert run_fab(["status"], project) == Result(130, "", "interrupted\n")
