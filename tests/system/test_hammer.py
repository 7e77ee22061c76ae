"""A short turn of ``make hammer``: visitors notice nothing of deployments and rollbacks."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import need, need_web
from tests.hammer import versions, warmth
from tests.hammer.cells import CELLS, Cell, Hammer
from tests.hammer.run import world as open_world
from tests.hammer.run import wrong
from tests.support.artifact import Artifacts

pytestmark = pytest.mark.system


@pytest.mark.parametrize("cell", CELLS[::4], ids=lambda cell: cell.name)
def test_visitors_notice_nothing(cell: Cell, tmp_path: Path, laravel_source: Path, artifacts: Artifacts) -> None:
    need("sshd", "ssh-keygen")
    need_web("nginx")
    with ExitStack() as stack:
        world = open_world(stack, tmp_path / "world", laravel_source, cell)
        outcome = Hammer(world, cell, versions.artifacts(artifacts, ("one", "two"))).play(3, 2)
    assert (outcome.moves, outcome.good) == (5, True), "\n".join(wrong(outcome))
    assert outcome.requests > 60


def test_how_long_the_first_visitor_waits_is_measured(tmp_path: Path, laravel_source: Path, artifacts: Artifacts) -> None:
    """A short turn of bench/warm; how long it is depends on the machine."""
    need("sshd", "ssh-keygen")
    need_web("nginx")
    with ExitStack() as stack:
        world = open_world(stack, tmp_path / "world", laravel_source, CELLS[0])
        head, row = warmth.table(world, [artifacts.version("1")], ["/release"], rounds=1)
    measured = r"\d+\.\d ms \| \d+\.\d ms \| \d+\.\d"
    assert re.fullmatch(rf"\| `/release` \| {measured} \| {measured} \|", row)
    assert head.splitlines()[0].count("|") == row.count("|")
