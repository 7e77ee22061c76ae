"""Whole deployments, forwards and back, where the server's programs are not GNU's and the login shell is not sh."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import need
from tests.engine import places
from tests.faults.stage import PAGE, Stage
from tests.support.load import get
from tests.support.process import program
from tests.support.site import leftovers, lock_is_free, states

pytestmark = [pytest.mark.slow, pytest.mark.system]
OpenStage = Callable[..., Stage]


@pytest.fixture
def open_stage(tmp_path: Path) -> Iterator[OpenStage]:
    """A function that makes a stage with two deployed versions on a server of some kind."""
    need("sshd", "ssh-keygen", "php", "flock")
    with ExitStack() as stack:

        def make(**server: Any) -> Stage:
            (tmp_path / "stage").mkdir()
            stage = Stage(tmp_path / "stage", **server)
            stack.callback(stage.close)
            return stage

        yield make


def kind_of(kind: str, folder: Path) -> dict[str, Any]:
    """The server's settings for a kind of userland, or for a login shell: sshd gives it the command after -c."""
    if kind in ("busybox", "uutils"):
        need(*places.NEEDS[kind])
        return {"env": {"PATH": places.userland(kind, folder)[1]}}
    need(kind)
    return {"extra": f'ForceCommand exec {program(kind)} -c "$SSH_ORIGINAL_COMMAND"'}


@pytest.mark.parametrize("kind", ["busybox", "uutils", "fish", "tcsh"])
def test_there_and_back(kind: str, open_stage: OpenStage, tmp_path: Path) -> None:
    stage = open_stage(**kind_of(kind, tmp_path / "userland"))
    assert '"version":2' in get(stage.web.url + PAGE).body.replace(" ", "")
    done = stage.fab("rollback")
    assert done.code == 0, done.text
    assert '"version":1' in get(stage.web.url + PAGE).body.replace(" ", "")
    assert states(stage.site) == ["live", "bad"]
    assert (leftovers(stage.site), lock_is_free(stage.site)) == ([], True)
