"""Hosts whose document root is fixed, and sites that are closed during a deployment."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.artifact import Artifacts
from tests.support.deployment import UNHURRIED, World
from tests.support.site import serving

pytestmark = pytest.mark.system


@pytest.fixture
def hosted(open_worlds: Callable[..., World]) -> Callable[[str], World]:
    """A function that makes a World whose web server looks into public_html."""

    def make(mode: str) -> World:
        world = open_worlds(public="../public_html")
        world.configure({"hosts": {"prod": {"public_html": {"mode": mode, "path": str(public_html(world))}}}})
        return world

    return make


def public_html(world: World) -> Path:
    return world.folder / "public_html"


def deploy(world: World, artifacts: Artifacts, number: str, *args: str) -> int:
    return world.deploy("--artifact", str(artifacts.version(number)), *args).code


def version(world: World) -> str:
    return str(json.loads(world.get("/release").body)["version"])


@pytest.mark.parametrize("mode", ["symlink", "bridge"])
def test_it_serves_what_is_current(mode: str, hosted: Callable[[str], World], artifacts: Artifacts) -> None:
    world = hosted(mode)
    public_html(world).mkdir()
    if mode == "bridge":
        (public_html(world) / "own.txt").write_text("somebody's")
    assert deploy(world, artifacts, "1") == 0
    assert public_html(world).is_symlink() == (mode == "symlink")
    with world.load(pause=UNHURRIED) as load:
        assert deploy(world, artifacts, "2") == 0
        load.wait(5)
    assert (load.failed, load.mixed, load.versions) == ([], [], ["1", "2"])
    asset = re.search(r'"[^"]*?(/build/[^"]+\.js)"', world.get("/").body)
    assert asset
    assert world.get(asset[1]).status == 200
    assert world.rollback().code == 0
    assert version(world) == "1"
    if mode == "bridge":
        assert world.get("/own.txt").body == "somebody's"


def test_a_folder_with_files_is_not_replaced_by_a_link(hosted: Callable[[str], World], artifacts: Artifacts) -> None:
    world = hosted("symlink")
    public_html(world).mkdir()
    (public_html(world) / "index.html").write_text("somebody's")
    result = world.deploy("--artifact", str(artifacts.version("1")))
    assert result.code == 4, result.text
    assert "is a folder with files in it" in result.err
    assert (public_html(world) / "index.html").read_text() == "somebody's"
    assert serving(world.site) == ""


def test_a_foreign_index_is_not_replaced_by_the_bridge(hosted: Callable[[str], World], artifacts: Artifacts) -> None:
    world = hosted("bridge")
    public_html(world).mkdir()
    (public_html(world) / "index.php").write_text("<?php echo 'somebody\\'s';")
    result = world.deploy("--artifact", str(artifacts.version("1")))
    assert result.code == 4, result.text
    assert "is not ours: move it away first" in result.err
    assert world.get("/").body == "somebody's"


def test_what_the_bridge_cannot_link_is_told_and_linked_by_the_next_switch(sample_worlds: Callable[..., World], sample: Path) -> None:
    world = sample_worlds(public="../public_html")
    world.configure({"hosts": {"prod": {"public_html": {"mode": "bridge", "path": str(public_html(world))}}}})
    old = public_html(world) / "build"
    old.mkdir(parents=True)
    (public_html(world) / "robots.txt").write_text("somebody's")
    result = world.deploy("--artifact", str(sample))
    assert result.code == 3, result.text
    assert f"not linked: build: what {public_html(world)} has of that name hides the application's" in result.out
    assert "not linked: robots.txt" in result.out
    assert "live, with 1 warning" in result.err
    old.rmdir()
    again = world.fab("server.switch", "--host=prod")
    assert (again.code, "serves already" in again.out) == (0, True), again.text
    assert old.resolve() == (world.site / "current/public/build").resolve()
    assert (public_html(world) / "robots.txt").read_text() == "somebody's"


def test_a_document_root_that_is_taken_is_refused_before_the_build(sample_worlds: Callable[..., World]) -> None:
    world = sample_worlds(folder="taken", public="../public_html")
    world.configure({"hosts": {"prod": {"public_html": {"mode": "symlink", "path": str(public_html(world))}}}})
    public_html(world).mkdir()
    (public_html(world) / "index.html").write_text("somebody's")
    result = world.deploy()
    assert result.code == 4, result.text
    assert "server.check [3.2-connect]: prod: the document root cannot be used" in result.err
    assert "[1.3-clone]" not in result.out


def test_a_link_to_another_site_is_not_replaced(hosted: Callable[[str], World], artifacts: Artifacts, tmp_path: Path) -> None:
    world = hosted("symlink")
    public_html(world).symlink_to(tmp_path)
    result = world.deploy("--artifact", str(artifacts.version("1")))
    assert result.code == 4, result.text
    assert public_html(world).resolve() == tmp_path


def test_a_closed_site_says_503_and_opens_again(open_worlds: Callable[..., World], artifacts: Artifacts) -> None:
    world = open_worlds(settings={"hosts": {"prod": {"maintenance": True}}})
    assert deploy(world, artifacts, "1") == 0
    with world.load(pause=UNHURRIED) as load:
        assert deploy(world, artifacts, "2") == 0
        load.wait(5)
    assert {answer.status for answer in load.answers} == {200, 503}
    assert load.histories == [["1", "2"]] * 2
    with world.load(pause=UNHURRIED) as load:
        assert world.rollback().code == 0
        load.wait(5)
    assert (load.failed, load.versions) == ([], ["2", "1"])
