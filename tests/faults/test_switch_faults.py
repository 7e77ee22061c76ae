"""Faults around the switch: what stands at ``current``, what cannot be written, hooks that do the worst, a rollback that fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fabfile.engine.ladder import with_rename
from tests.support.deployment import World
from tests.support.fab import Result
from tests.support.site import leftovers, lock_is_free, log_blocks, records, tree

from .test_health_faults import serving

pytestmark = pytest.mark.system
FIRST, SECOND = "20260101000000", "20260102000000"
ADOPT = f"cp -a releases/41 releases/{FIRST}; ln -s releases/{FIRST} current.new; mv -T current.new current"  # docs/servers.md


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], sample: Path) -> World:
    world = sample_worlds()
    (world.folder / "sample.tar.gz").symlink_to(sample)
    assert deploy(world).code == 0
    return world


def deploy(world: World, *settings: str) -> Result:
    return world.deploy("--artifact", str(world.folder / "sample.tar.gz"), *(f"--set={text}" for text in settings))


def hook(point: str, *commands: str) -> str:
    """A setting: these commands and no others of the team's."""
    return f"hooks.{point}={json.dumps(commands)}"


def well(world: World) -> None:
    """The site serves what ``current`` says, nobody holds the lock, and nothing of a run is left."""
    assert json.loads(world.get("/?json").body)["release"] == world.current()
    assert (leftovers(world.site), lock_is_free(world.site)) == ([], True)


@pytest.mark.parametrize("kind", ["a folder", "a link to elsewhere"])
def test_what_is_not_ours_at_current_is_left_alone(kind: str, world: World, tmp_path: Path) -> None:
    link, kept = world.site / "current", world.site / "kept"
    link.rename(kept)
    if kind == "a folder":
        (link / "public").mkdir(parents=True)
    else:
        link.symlink_to(tmp_path)
    before, ids = tree(link) | tree(tmp_path), [id for id, record in records(world.site).items() if record["switched"]]
    refused = [deploy(world), world.rollback()]
    assert [result.code for result in refused] == [4, 4]
    assert ("not a symlink" if kind == "a folder" else "not one of our links") in refused[0].err
    assert tree(link) | tree(tmp_path) == before
    assert [id for id, record in records(world.site).items() if record["switched"]] == ids
    shutil.rmtree(link) if kind == "a folder" else link.unlink()
    kept.rename(link)
    well(world)


def another_tools_site(world: World) -> Path:
    """As Deployer leaves one: numbered releases, a relative link, settings and uploads in shared."""
    assert deploy(world).code == 0
    site = world.site
    (site / "releases" / str(world.current())).rename(old := site / "releases/41")
    (site / "current").unlink()
    (site / "current").symlink_to("releases/41")
    shutil.rmtree(site / ".deploy")
    (old / "bootstrap/cache/config.php").unlink(missing_ok=True)
    return old


def test_a_site_of_another_tool_is_refused_at_once_and_can_be_adopted(sample_worlds: Callable[..., World], sample: Path) -> None:
    world = sample_worlds(folder="another")
    (world.folder / "sample.tar.gz").symlink_to(sample)
    old = another_tools_site(world)
    before = tree(old)
    assert world.get("/up").status == 200
    assert re.search("^current +releases/41: not one of our links$", world.fab("status", "--host=prod").out, re.MULTILINE)
    result = deploy(world)
    assert result.code == 4, result.text
    assert f"server.check [3.2-connect]: prod: {world.site}/current leads to releases/41: not one of our links" in result.err
    assert "deploy failed; what is there was not touched" in result.err
    assert "nothing is live" not in result.text
    assert "docs/servers.md" in result.err
    assert tree(old) == before
    assert not (world.site / ".deploy").exists()
    subprocess.run(["sh", "-euc", ADOPT], cwd=world.site, check=True)
    assert world.get("/up").status == 200
    failed = deploy(world, hook("post_release", "exit 3"))
    assert (failed.code, world.current(), f"rolled back: {FIRST} serves again" in failed.err) == (5, FIRST, True), failed.text
    well(world)
    assert deploy(world).code == 0
    well(world)
    assert (world.site / "releases" / FIRST).is_dir(), "what is not ours is never removed"
    assert tree(old) == before


def test_a_link_to_a_release_that_is_gone_is_replaced(world: World) -> None:
    lost = world.site / "releases" / str(world.current())
    lost.rename(world.folder / "lost")
    assert "MISSING on the server" in world.fab("status", "--host=prod").out
    assert deploy(world).code == 0
    well(world)


def test_a_site_folder_that_cannot_be_written_keeps_its_link() -> None:
    with tempfile.TemporaryDirectory() as folder:  # a test's own folder is closed to other users
        Path(folder).chmod(0o755)
        root = Path(folder) / "site"
        for id in (FIRST, SECOND):
            (root / "releases" / id).mkdir(parents=True)
        (root / ".deploy").mkdir()
        (root / ".deploy").chmod(0o777)
        (root / "current").symlink_to(f"releases/{FIRST}")
        root.chmod(0o555)
        command = ["/bin/sh", "-c", f"set -eu\n{with_rename('engine/switch.sh')}", "sh", str(root), SECOND, "php"]
        nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run(command, check=False, text=True, capture_output=True, **nobody)  # type: ignore[call-overload]
        root.chmod(0o755)
        assert done.returncode != 0
        assert "Permission denied" in done.stdout + done.stderr
        assert str((root / "current").readlink()) == f"releases/{FIRST}"


def test_a_way_back_that_fails_says_what_to_type(world: World) -> None:
    before = world.current()
    spoil = f"cd {world.site} && mv current was && mkdir current && exit 1"
    result = deploy(world, hook("post_release", spoil))
    assert result.code == 6, result.text
    assert "THE ROLLBACK FAILED" in result.err
    assert "or by hand: ln -s releases/ID new && mv -T new current" in result.err
    assert log_blocks(world.site)[-1]["Status"] == "ROLLBACK FAILED"
    (world.site / "current").rmdir()
    (world.site / "was").rename(world.site / "current")
    resolved = deploy(world)
    assert resolved.code in (0, 3), resolved.text
    assert world.current() not in (before, None)
    well(world)


def test_a_pool_that_cannot_be_reached_stops_before_the_switch(world: World) -> None:
    before = world.current()
    result = deploy(world, "hosts.prod.fpm_socket=/nowhere/php.sock")
    assert result.code == 4, result.text
    assert "/nowhere/php.sock" in result.err
    assert world.current() == before
    well(world)


def test_a_hook_that_kills_its_shell_moves_away_or_leaves_debris_is_its_own_affair(world: World) -> None:
    before = world.current()
    result = deploy(world, hook("mid_release", "kill -KILL $PPID; kill -KILL $$"))
    assert (result.code, world.current()) == (4, before), result.text
    result = deploy(world, hook("mid_release", "cd /; exec 1>&- 2>&-; set +e; alias cd=false; PATH=/nowhere; export PATH; true"))
    assert result.code == 0, result.text
    well(world)


def test_what_is_only_told_changes_no_result(world: World) -> None:
    """A log that cannot be written is a warning; who does not listen, answers with an error, or never, is not even that."""
    log = world.site / "deployment.log"
    log.rename(world.folder / "log")
    log.mkdir()
    with serving(500) as failing, serving("hangs") as hanging, serving("nonsense") as talking:
        receivers = [f"http://127.0.0.1:{site.server_port}/" for site in (failing, hanging, talking)]
        warned = deploy(world, f"notify.webhook={receivers[0]}", f"notify.slack={receivers[1]}", "notify.timeout=1")
        failed = deploy(world, f"notify.webhook={receivers[2]}", hook("mid_release", "exit 1"))
        asked = [site.asked for site in (failing, hanging, talking)]
    log.rmdir()
    (world.folder / "log").rename(log)
    assert warned.code == 3, warned.text
    assert "webhook could not be told" in warned.out
    assert "Slack could not be told" in warned.out
    assert failed.code == 4, failed.text
    assert "webhook could not be told" in failed.out
    assert asked == [1, 1, 1]
    well(world)


def test_a_folder_that_holds_an_application_already_is_not_taken_over(world: World, tmp_path: Path) -> None:
    (tmp_path / "artisan").touch()
    before = tree(tmp_path)
    result = deploy(world, f"hosts.prod.path={tmp_path}")
    assert result.code == 4, result.text
    assert "already holds an application (artisan)" in result.err
    assert tree(tmp_path) == before
