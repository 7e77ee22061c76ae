"""Builds that hang, are killed, or find their registries gone: the server hears nothing of them."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fabfile.laravel.contenthash import content_hash
from tests.conftest import need
from tests.engine.places import eventually
from tests.faults.faulty import deploys, unharmed
from tests.support import process
from tests.support.deployment import World
from tests.support.site import serving, tree

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World]) -> World:
    world = sample_worlds(folder="built")
    deploys(world)
    return world


@pytest.fixture
def silent() -> Iterator[str]:
    """A registry that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(20)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def composer(world: World, registry: str) -> dict[str, Any]:
    """A lock file with one package of this registry; committed, with the settings that use it."""
    url = f"{registry}/thing.zip"
    needs = {"name": "acme/thing", "version": "1.0.0", "dist": {"type": "zip", "url": url, "reference": ""}, "type": "library"}
    config = {"secure-http": False}
    json_text = json.dumps({"require": {"acme/thing": "1.0.0"}, "repositories": [{"packagist.org": False}], "config": config})
    lock = {"content-hash": content_hash(json_text), "packages": [needs], "packages-dev": [], "aliases": [], "platform-dev": {}}
    lock |= {"minimum-stability": "stable", "stability-flags": {}, "prefer-stable": False, "prefer-lowest": False, "platform": {}}
    return {"composer.json": json_text, "composer.lock": json.dumps(lock)}


def npm(world: World, registry: str) -> dict[str, Any]:
    thing = {"version": "1.0.0", "resolved": f"{registry}/thing.tgz", "integrity": "sha512-" + "A" * 86 + "=="}
    lock = {"name": "x", "version": "1.0.0", "lockfileVersion": 3, "requires": True}
    lock["packages"] = {"": {"name": "x", "version": "1.0.0", "dependencies": {"thing": "1.0.0"}}, "node_modules/thing": thing}
    package = {"name": "x", "version": "1.0.0", "dependencies": {"thing": "1.0.0"}, "scripts": {"build": "true"}}
    return {"package.json": json.dumps(package), "package-lock.json": json.dumps(lock), ".npmrc": "fetch-retries=0\n"}


TOOLS = {
    "composer": (composer, {"composer": "composer"}, "composer install"),
    "npm": (npm, {"package_manager": "npm"}, "npm ci --include=dev"),
}
GONE = "http://127.0.0.1:9"


@pytest.mark.parametrize(("files", "build", "what"), TOOLS.values(), ids=TOOLS)
def test_a_registry_that_is_silent_or_gone(files: Any, build: dict[str, str], what: str, world: World, silent: str) -> None:
    need(next(iter(build.values())))
    settings = [f"--set=build.{name}={value}" for name, value in build.items()]
    before, site = serving(world.site), tree(world.site / "releases")
    changes = files(world, silent)
    kept = {name: (world.clone / name).read_text() if (world.clone / name).exists() else None for name in changes}
    try:
        world.commit(changes)
        hanging = world.deploy(*settings, "--set=build.timeout=6")
        unharmed(world, hanging, before, f"{what} failed (stopped after its 6 seconds)")
        base = str(world.folder / "build")
        assert eventually(lambda: not [text for _, text in process.command_lines() if base in text or silent in text])
        world.commit(files(world, GONE))
        gone = world.deploy(*settings)
        unharmed(world, gone, before, f"{what} failed (exit code")
        assert "127.0.0.1" in gone.text
    finally:
        world.commit(kept)
    assert tree(world.site / "releases") == site, "nothing was sent"


def test_a_build_tool_that_is_killed(world: World, tmp_path: Path) -> None:
    """As by a kernel that has no memory left."""
    tool = tmp_path / "composer"
    tool.write_text('#!/bin/sh\n[ "$1" != install ] || kill -KILL $$\nexec composer "$@"\n')
    tool.chmod(0o755)
    before = serving(world.site)
    unharmed(world, world.deploy(f"--set=build.composer={tool}"), before, "composer install failed (exit code 137)")


def test_a_lock_file_that_is_older_than_composer_json(world: World) -> None:
    before, good = serving(world.site), (world.clone / "composer.json").read_text()
    changed = json.loads(good)
    changed["require"] = {**changed.get("require", {}), "acme/new": "^1.0"}
    world.commit({"composer.json": json.dumps(changed)})
    result = world.deploy()
    world.commit({"composer.json": good})
    unharmed(world, result, before, "composer.lock is not up to date with composer.json")
    assert "1.1-prebuild" not in result.text
    deploys(world)  # after all of these
