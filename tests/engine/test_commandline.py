"""What the command line is taken for: Fabric's own flags, values that are missing or empty, words that are no task."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fab import run_fab

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


def test_a_plain_task_of_fabrics_is_said_to_be_one(project: Path) -> None:
    assert refused(["ours.foreign", "--dry-run"], project) == (
        "ours.foreign is a plain task of Fabric's, which takes no --dry-run",
        "  → declared with here, on_host or on_builder of fabfile.engine.tasks it would",
    )


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
