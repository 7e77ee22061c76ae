"""Deployments that go wrong while visitors look on, and what has to be true afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple, Protocol

from .deployment import UNHURRIED, World
from .fab import Result
from .load import Load
from .site import leftovers, lock_is_free, serving


class Versions(Protocol):
    """Artifacts of an application whose ``/release`` shows their version."""

    def version(self, number: str) -> Path:
        """Return the artifact of this version."""


class Attempt(NamedTuple):
    """A deployment under load."""

    result: Result
    load: Load
    before: str
    told: str


def attempt(world: World, *args: str) -> Attempt:
    told, before = world.server.home / "told", serving(world.site)
    told.unlink(missing_ok=True)
    with world.load(pause=UNHURRIED) as load:
        result = world.deploy(*args)
        load.wait(5)
    return Attempt(result, load, before, told.read_text() if told.exists() else "")


def settled(world: World, made: Attempt) -> None:
    """The old release serves, nobody noticed, and nothing is left in the way."""
    assert serving(world.site) == made.before
    assert json.loads(world.get("/release").body)["release"] == made.before
    assert (made.load.failed, made.load.mixed) == ([], [])
    assert lock_is_free(world.site)
    assert "Traceback" not in made.result.text


def next_one_succeeds(world: World, artifacts: Versions, number: str = "2") -> None:
    result = world.deploy("--artifact", str(artifacts.version(number)))
    assert result.code == 0, result.text
    assert json.loads(world.get("/release").body)["version"] == number
    assert leftovers(world.site) == []
