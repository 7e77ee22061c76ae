"""Where the build runs: here, on a builder over SSH, on the server itself, or earlier; and what it keeps for the next one."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.deployment import World
from tests.support.site import leftovers, records, serving

from .conftest import NO_FRONTEND

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def world(open_worlds: Callable[..., World]) -> World:
    """``autoloader-suffix`` is what older Composers make up anew for each vendor/."""
    world = open_worlds(builder=True, settings=NO_FRONTEND)
    composer = json.loads((world.clone / "composer.json").read_text())
    composer["config"]["autoloader-suffix"] = "Notes"
    world.commit({"composer.json": json.dumps(composer)})
    return world


def kept(world: World) -> list[Path]:
    """Return the artifacts on the deploying machine, oldest first."""
    return sorted((world.home / ".cache/laravel-fab/notes/artifacts").glob("*.tar.gz"), key=lambda path: path.stat().st_mtime_ns)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def version(world: World) -> str:
    return str(json.loads(world.get("/release").body)["version"])


def test_a_builder_makes_what_this_machine_would(world: World) -> None:
    assert world.builder
    result = world.deploy()
    assert result.code == 0, result.text
    assert "Build on builder" in result.out
    assert (world.builder.connections(), world.server.connections()) == (1, 1)
    built = digest(kept(world)[-1])
    assert records(world.site)[serving(world.site)]["artifact"] == built
    here = world.fab("builder.build", "--set", "build.place=local", "--set", f"build.path={world.folder}/here")
    assert here.code == 0, here.text
    (local,) = (world.folder / "here/notes/artifacts").glob("*.tar.gz")
    assert digest(local) == built


def test_the_artifact_is_a_file_to_deploy_later(world: World) -> None:
    commit = world.commit_version("2")
    assert world.fab("builder.build").code == 0
    file = kept(world)[-1]
    world.commit_version("3")
    result = world.deploy("--artifact", str(file))
    assert result.code == 0, result.text
    assert "🟡" not in result.out
    assert (version(world), records(world.site)[serving(world.site)]["commit"]) == ("2", commit)


def test_vendor_comes_from_the_cache_unless_that_is_damaged(world: World) -> None:
    assert "Restored from cache: vendor" in world.fab("builder.build").out
    (archive,) = (world.folder / "build/notes/cache").glob("vendor-*.tar")
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    built = world.fab("builder.build")
    assert "the cached vendor was damaged" in built.out
    assert "Nothing cached" in built.out
    assert "Restored from cache: vendor" in world.fab("builder.build").out


def spare(world: World, build: str = "build") -> Path:
    """The unpacked vendor that a deployment leaves for the next one, when that is ready."""
    cache, until = world.folder / build / "notes/cache", time.monotonic() + 60
    while not (ready := list(cache.glob("vendor-*.spare/digest"))) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(cache.glob(".spare.*")) == []
    return ready[0].parent / "vendor"


def test_a_deployment_leaves_vendor_ready_for_the_next(world: World) -> None:
    """It is taken by a rename, and only as it was left."""
    world.commit_version("7")
    assert world.deploy().code == 0
    folder = spare(world)
    name = next(path for path in sorted(folder.glob("*/*/**/*.php"))).relative_to(folder)
    inode, taken = (folder / name).stat().st_ino, folder.parents[2] / "work" / "vendor" / name
    assert "Restored from cache: vendor" in world.fab("builder.build").out
    assert taken.stat().st_ino == inode
    assert not folder.parent.exists()

    world.commit_version("8")
    assert world.deploy().code == 0
    (spare(world) / name).write_text("<?php // edited")
    built = world.fab("builder.build")
    assert "the cached vendor was damaged" in built.out
    assert "Restored from cache: vendor" in built.out
    assert taken.read_text() != "<?php // edited"
    assert not folder.parent.exists()


def test_another_lock_file_is_another_cache(world: World) -> None:
    lock = (world.clone / "composer.lock").read_text()
    world.commit({"composer.lock": lock + "\n"})
    assert "Nothing cached" in world.fab("builder.build").out
    world.commit({"composer.lock": lock})


def test_the_server_can_build_for_itself(world: World) -> None:
    world.commit_version("4")
    result = world.deploy("--set", "build.place=server", "--set", f"build.path={world.folder}/on-server")
    assert result.code == 0, result.text
    assert (version(world), list((world.folder / "on-server/notes").iterdir()) != []) == ("4", True)
    assert "Build on prod" in result.out
    assert "Built here" in result.out
    manifest = (world.site / f".deploy/releases/{serving(world.site)}.manifest").read_text()
    assert [line.split()[-1] for line in manifest.splitlines() if "bootstrap/cache/" in line] == ["bootstrap/cache/.gitignore"]
    assert leftovers(world.site) == []
    assert world.fab("verify", "--host=prod").code == 0
    assert list((world.folder / "on-server/notes/artifacts").iterdir()) == []
    again = world.fab("server.upload", "--host=prod", "--set", "build.place=server", "--set", f"build.path={world.folder}/on-server")
    assert again.code == 4, again.text
    assert "fab builder.build makes it again" in again.text


def test_what_lies_ready_is_looked_through_once(world: World) -> None:
    """While the build is fetched; what takes it then believes that."""
    php, log = world.folder / "looks", world.folder / "looks.log"
    php.write_text(f'#!/bin/sh\necho "$*" >>{log}\nexec php "$@"\n')
    php.chmod(0o755)
    there = ("--set", "build.place=server", "--set", f"build.path={world.folder}/looked", "--set", f"hosts.prod.php={php}")
    assert world.deploy(*there).code == 0
    spare(world, "looked")
    log.unlink()
    result = world.deploy(*there)
    assert (result.code, "Restored from cache: vendor" in result.out) == (0, True), result.text
    looks = [line for line in log.read_text().splitlines() if " write " in line and "/vendor " in line and "vendor.seen" in line]
    assert len(looks) == 1


def test_a_build_is_booted_once_also_the_first(world: World) -> None:
    """With the same lock file, and with a new one, whose vendor is kept after it was installed."""
    php, log = world.folder / "php", world.folder / "php.log"
    php.write_text(f'#!/bin/sh\necho "$*" >>{log}\nexec php "$@"\n')
    php.chmod(0o755)
    here = ("--set", "build.place=local", "--set", f"build.path={world.folder}/booted", "--set", f"build.php={php}")
    for cached in ("Nothing cached", "Restored from cache: vendor"):
        log.unlink(missing_ok=True)
        built = world.fab("builder.build", *here)
        assert (built.code, cached in built.out) == (0, True), built.text
        assert log.read_text().splitlines().count("artisan --version --no-ansi") == 1


def test_the_other_side_is_asked_once_and_what_it_says_is_built(world: World) -> None:
    """To ask a repository elsewhere for its branches takes a second or two."""
    commit, trace = world.commit_version("4"), world.folder / "trace"
    result = world.fab("deploy", "--host=prod", GIT_TRACE=str(trace))
    assert result.code == 0, result.text
    assert trace.read_text().count("built-in: git ls-remote") == 1
    assert (version(world), records(world.site)[serving(world.site)]["commit"]) == ("4", commit)


def test_a_builder_that_is_gone(world: World) -> None:
    assert world.builder
    world.builder.stop()
    releases = world.releases()
    world.commit_version("5")
    refused = world.deploy()
    assert refused.code == 4, refused.text
    assert "build.fallback = true" in refused.err
    assert (world.releases(), version(world)) == (releases, "4")
    fallen_back = world.deploy("--set", "build.fallback=true")
    world.builder.start()
    assert fallen_back.code == 3, fallen_back.text
    assert "the builder cannot be used, building on this machine" in fallen_back.out
    assert version(world) == "5"


def test_one_commit_of_another_branch(world: World) -> None:
    old = world.commit_version("5b")
    world.commit_version("6")
    assert world.deploy("--commit", old).code == 0
    assert (version(world), records(world.site)[serving(world.site)]["commit"]) == ("5b", old)
    world.origin.run("push", "-q", "origin", "HEAD:refs/heads/feature")
    result = world.deploy("--branch", "feature")
    assert result.code == 0, result.text
    record = records(world.site)[serving(world.site)]
    assert (version(world), record["branch"]) == ("6", "feature")


def test_a_tag_names_a_commit(world: World) -> None:
    commit = world.commit_version("7")
    world.origin.run("-c", "user.name=t", "-c", "user.email=t@example.org", "tag", "-a", "-m", "seven", "v7")
    world.origin.run("push", "-q", "origin", "v7")
    world.commit_version("8")
    cloned = world.fab("builder.prepare", "builder.clone", "--commit=v7")
    assert f"Repository cloned at commit: {commit[:12]}" in cloned.out, cloned.text


def test_a_clone_can_be_made_again_and_without_one_nothing_is_installed(world: World) -> None:
    for _ in range(2):
        cloned = world.fab("builder.clone")
        assert cloned.code == 0, cloned.text
    world.fab("builder.prepare")
    for task in ("builder.install", "builder.validate", "builder.package"):
        refused = world.fab(task)
        assert (refused.code, "fab builder.build does all of it in order" in refused.err) == (4, True), refused.text


def test_an_artifact_of_another_repository_is_not_taken_for_ours(world: World) -> None:
    """Although that project has the same name, and so the same folder for its artifacts."""
    other = world.folder / "other.git"
    world.origin.run("clone", "-q", "--bare", ".", str(other))
    refused = world.fab("server.upload", "--host=prod", "--set", f"project.repository={other}")
    assert refused.code == 4, refused.text
    assert "nothing is built yet" in refused.err


@pytest.mark.parametrize(("args", "code"), [
    (["--branch=nowhere"], 4), (["--commit=0123456789012345678901234567890123456789"], 2),
    (["--branch=--upload-pack=touch pwned"], 2), (["--commit=x; touch pwned"], 2),
])  # fmt: skip
def test_what_is_not_there_or_no_name_is_refused(args: list[str], code: int, world: World) -> None:
    before = serving(world.site)
    result = world.deploy(*args)
    assert result.code == code, result.text
    assert serving(world.site) == before
    assert list(world.folder.rglob("pwned")) == []
