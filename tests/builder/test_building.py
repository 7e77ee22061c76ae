"""What ships is what a build of that commit alone would have made, whatever was built before it, wherever."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable

import pytest

from tests.conftest import need
from tests.support.deployment import World


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
