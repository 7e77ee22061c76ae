"""What ships is what a build of that commit alone would have made, whatever was built before it, wherever."""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from tests.conftest import lacking, need
from tests.support import disk
from tests.support.deployment import World
from tests.support.process import program
from tests.support.site import serving


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World]) -> World:
    need("npm")
    return sample_worlds()


def packed(world: World) -> set[str]:
    """The names in the newest artifact."""
    newest = max((world.folder / "build").rglob("*.tar.gz"), key=lambda path: path.stat().st_mtime_ns)
    with tarfile.open(newest) as tar:
        return set(tar.getnames())


def build(world: World, *args: str) -> str:
    result = world.fab("builder.build", "--host=prod", *args)
    assert result.code == 0, result.text
    return result.out


def front_end(**scripts: str) -> dict[str, str | bytes | None]:
    """With one package, which is in the repository."""
    package = json.dumps({"name": "dep", "version": "1.0.0"}).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo("package/package.json")
        info.size = len(package)
        tar.addfile(info, io.BytesIO(package))
    own = {"name": "app", "dependencies": {"dep": "1.0.0"}}
    locked = {"": own, "node_modules/dep": {"version": "1.0.0", "resolved": "file:dep.tgz"}}
    lock = {"name": "app", "lockfileVersion": 3, "packages": locked}
    return {"package.json": json.dumps({**own, "scripts": scripts}), "package-lock.json": json.dumps(lock), "dep.tgz": packed.getvalue()}


def test_what_an_installs_scripts_make_is_there_in_each_build(world: World) -> None:
    """And node_modules come from the cache only where there are none."""
    npm = "--set=build.package_manager=npm"
    copies = "mkdir -p public/vendor && echo copied >public/vendor/lib.js"
    for scripts, restored in (({"postinstall": copies}, False), ({"build": copies}, True)):
        world.commit(front_end(**scripts))
        for taken in (False, restored):
            assert ("Restored from cache: node_modules" in build(world, npm)) is taken
            assert "public/vendor/lib.js" in packed(world)


USES = "<?php namespace App; use X\\Tool; class Uses { public $tool = Tool::class; }"
WITH, WITHOUT = "Dependencies installed WITH development packages", "Dependencies installed (production only)"


@pytest.fixture(scope="module")
def composed(sample_worlds: Callable[..., World]) -> World:
    """One with a package in require-dev; the commit at the tip of branch ``uses`` needs it in production, that of ``main`` does not."""
    need("composer")
    world = sample_worlds("composed")
    packages = world.folder / "packages"
    packages.mkdir()
    with zipfile.ZipFile(packages / "dev.zip", "w") as archive:
        archive.writestr("composer.json", json.dumps({"name": "x/dev", "version": "1.0", "autoload": {"psr-4": {"X\\": "src/"}}}))
        archive.writestr("src/Tool.php", "<?php namespace X; class Tool {}")
    own = json.loads((world.clone / "composer.json").read_text())
    own |= {"require-dev": {"x/dev": "1.0"}, "repositories": [{"type": "artifact", "url": str(packages)}, {"packagist.org": False}]}
    (world.clone / "composer.json").write_text(json.dumps(own))
    env = {**os.environ, "COMPOSER_ALLOW_SUPERUSER": "1", "COMPOSER_HOME": str(packages)}
    subprocess.run(["composer", "update", "--no-install", "-q"], cwd=world.clone, env=env, check=True)
    world.configure({"build": {"composer": program("composer")}})
    world.commit({"vendor/autoload.php": None})
    world.origin.run("checkout", "-q", "-b", "uses")
    world.commit({"app/Uses.php": USES})
    world.origin.run("push", "-q", "origin", "uses")
    world.origin.run("checkout", "-q", "main")
    return world


def installed(world: World, *steps: str) -> list[str]:
    """What the installs of these steps said of development packages, and whether they were there in the end."""
    result = world.fab(*steps, "--host=prod")
    assert result.code in (0, 3), result.text
    there = next(world.folder.glob("*/notes/*/vendor/x/dev"), None)
    assert ("x/dev is in require-dev but app/Uses.php:1 uses it in production" in result.text) is (WITH in result.text)
    return [*(name for line in result.out.splitlines() for name in (WITH, WITHOUT) if name in line), "there" if there else "not there"]


CLONE = ("builder.prepare", "builder.clone")
INSTALL = ("builder.restore-cache", "builder.install")


@pytest.mark.parametrize("place", ["local", "server"])
def test_the_commit_that_is_built_says_whether_it_needs_development_packages(place: str, composed: World) -> None:
    """Not what is checked out here, nor what was built before, nor a file that is not committed."""
    where = (f"--set=build.place={place}", f"--set=build.path={composed.folder}/{place}")
    steps = [(*CLONE, f"--branch={branch}", *INSTALL) for branch in ("uses", "main", "uses")]  # the last from the cache
    assert installed(composed, *itertools.chain(*steps), *where) == [WITH, WITHOUT, WITH, "there"]
    (composed.clone / "app/Uses.php").write_text(USES)
    try:
        assert installed(composed, *CLONE, *INSTALL, *where) == [WITHOUT, "not there"]
    finally:
        (composed.clone / "app/Uses.php").unlink()
    shutil.rmtree(composed.folder / place)


OURS = """
import time
from pathlib import Path
from fabfile import builder
from fabfile.builder.workshop import workshop
from fabfile.engine.tasks import on_builder

usual = builder.optimize

@on_builder()
def optimize(c):
    \"\"\"The usual, and a file.\"\"\"
    usual(c)
    time.sleep(0.5)
    Path(workshop(c).work, "public/ours.txt").write_text("ours")

builder.optimize = optimize
"""


def test_what_a_task_of_the_teams_adds_ships(world: World) -> None:
    (world.clone / "ours.py").write_text(OURS)
    build(world, '--set=modules=["ours.py"]')
    (world.clone / "ours.py").unlink()
    assert "public/ours.txt" in packed(world)


def test_what_a_server_built_holds_nothing_of_gits_and_is_not_this_machines_to_remove(world: World) -> None:
    """Though they are one: the notes of more builds than are kept are forgotten, and the folders are left to the server."""
    credentials = "mkdir -p vendor/acme/src/.git && echo https://user:secret@example.org >vendor/acme/src/.git/config"
    hook = f'--set=hooks.after_build=["{credentials}; echo gitdir: x >vendor/acme/.git; touch vendor/acme/src/code"]'
    where = ("--set=build.place=server", f"--set=build.path={world.folder}/there", "--set=build.keep_artifacts=1")
    for number in range(2):
        world.commit({"public/robots.txt": str(number)})
        build(world, *where, hook)
    made = sorted((world.folder / "there/notes/artifacts").glob("*/"))
    assert len(made) == 2
    assert (made[-1] / "vendor/acme/src/code").is_file()
    assert list((world.folder / "there/notes/artifacts").rglob(".git")) == []


@pytest.mark.root
def test_what_a_server_built_on_another_disk_is_compared_there_and_needs_room(sample_worlds: Callable[..., World]) -> None:
    world = sample_worlds("two-disks")
    with disk.mounted(world.site / "releases", "tmpfs") as done:
        if not done:
            lacking("no disk can be mounted here")
        where = ("--set=build.place=server", f"--set=build.path={world.folder}/there")
        result = world.deploy(*where)
        assert result.code == 0, result.text
        before = serving(world.site)
        refused = world.deploy(*where, '--set=hooks.after_build=["head -c 9000000 /dev/zero >public/large"]')
        assert refused.code == 4, refused.text
        assert f"MiB are free on {world.site}/releases" in refused.err
        assert serving(world.site) == before
        assert list((world.site / "releases").glob("*/public/large")) == []
        result = world.deploy(*where)
        assert result.code == 0, result.text
