"""Faults of going back and of tidying up: damaged targets, foreign folders, what cannot be deleted, half-deleted releases."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.deployment import World
from tests.support.fab import Result
from tests.support.site import leftovers, lock_is_free, records

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], sample: Path) -> World:
    """A site with two releases, of which one may be kept."""
    world = sample_worlds()
    world.configure({"hosts": {"prod": {"keep_releases": 1}}})
    (world.folder / "sample.tar.gz").symlink_to(sample)
    for _ in range(2):
        assert deploy(world).code == 0
    return world


def deploy(world: World, *args: str) -> Result:
    return world.deploy("--artifact", str(world.folder / "sample.tar.gz"), *args)


def test_only_what_is_ours_goes_and_the_rest_is_shown(world: World, tmp_path: Path) -> None:
    """Six releases later the first ones are gone, the live one and the one before it are there, and so is whatever else there was."""
    releases = world.site / "releases"
    first = world.releases()[0]
    names = ["backup", "20261122.bak", "a\nb", "20010101000000", " "]
    for name in names:
        (releases / name).mkdir()
        (releases / name / "kept").touch()
    (tmp_path / "kept").touch()
    (releases / "20010101000001").symlink_to(tmp_path)
    for _ in range(3):
        assert deploy(world, '--set=hooks.mid_release=["exit 1"]').code == 4
    assert deploy(world).code == 0
    assert deploy(world).code == 0
    assert (tmp_path / "kept").exists()
    assert all((releases / name / "kept").exists() for name in names)
    assert not (releases / first).exists()
    found, live = records(world.site), str(world.current())
    assert {live, found[live]["previous"]} <= set(world.releases())
    assert sum(record["state"] == "failed" for record in found.values()) == 2
    assert "unknown: not ours" in world.fab("releases", "--host=prod").out
    assert world.fab("server.cleanup", "--host=prod", "--set=keep_backups=0").code == 2
    for name in names:
        shutil.rmtree(releases / name)
    (releases / "20010101000001").unlink()


@contextmanager
def undeletable(world: World, file: Path) -> Iterator[None]:
    """Something that not even root can delete, as a file in use on NFS."""
    file.touch()
    if os.geteuid() != 0 or subprocess.run(["chattr", "+i", str(file)], check=False, capture_output=True).returncode:
        pytest.skip("no file can be made immutable here")
    try:
        yield
    finally:
        for found in world.site.rglob(file.name):  # the folder around it may have been renamed
            subprocess.run(["chattr", "-i", str(found)], check=True)


@pytest.mark.root
def test_what_cannot_be_deleted_is_a_warning_and_tried_again(world: World) -> None:
    oldest = records(world.site)[str(world.current())]["previous"]
    with undeletable(world, world.site / "releases" / oldest / ".nfs0001"):
        result = deploy(world)
        assert result.code == 3, result.text
        assert "cleanup did not finish, the next one goes on" in result.out
        assert not (world.site / "releases" / oldest).exists(), "half of a release looks like one"
        assert world.rollback("--to", oldest).code == 2
    assert deploy(world).code == 0
    assert (leftovers(world.site), lock_is_free(world.site)) == ([], True)


def test_a_half_deleted_release_is_no_release(world: World) -> None:
    """As a cleanup leaves it that was killed while it deleted."""
    assert deploy(world).code == 0
    lost = records(world.site)[str(world.current())]["previous"]
    trash = world.site / ".deploy/trash"
    trash.mkdir(exist_ok=True)
    (world.site / "releases" / lost).rename(trash / f"{lost}.1")
    shutil.rmtree(trash / f"{lost}.1" / "vendor")
    refused = world.rollback("--to", lost)
    assert refused.code == 2, refused.text
    assert lost not in (world.current(), *world.releases())
    assert deploy(world).code == 0
    assert leftovers(world.site) == []


def test_a_release_that_lost_files_is_not_gone_back_to(world: World) -> None:
    assert deploy(world, "--set=keep_releases=3").code == 0
    assert deploy(world, "--set=keep_releases=3").code == 0
    live = str(world.current())
    damaged = records(world.site)[live]["previous"]
    shutil.rmtree(world.site / "releases" / damaged / "vendor")
    refused = world.rollback("--to", damaged)
    assert refused.code == 4, refused.text
    assert f"{damaged} is not what was built: removed vendor" in refused.err
    assert (world.current(), lock_is_free(world.site)) == (live, True)
    assert world.get("/up").status == 200
    further = world.rollback()
    assert further.code == 3, further.text
    assert "passed over" in further.out
    assert world.current() not in (live, damaged)
    assert world.get("/up").status == 200
