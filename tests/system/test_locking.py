"""Two people at once: the lock that a deployment holds, and the one that is set by hand."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.security.conftest import Packs
from tests.support.deployment import World, host
from tests.support.site import leftovers, lock_is_free, serving

pytestmark = pytest.mark.system

HOLD = "while [ -e hold ]; do sleep 0.05; done"


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], packs: Packs) -> World:
    world = sample_worlds(settings={"hooks": {"mid_release": [f'cd "{{}}"; {HOLD}']}})
    world.configure({"hooks": {"mid_release": [f"cd '{world.site}'; {HOLD}"]}})
    assert world.deploy("--artifact", str(packs.version("1"))).code == 0
    return world


def eventually(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 150
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    return true()


@contextmanager
def running(world: World, packs: Packs, number: str) -> Iterator[subprocess.Popen[str]]:
    """A deployment that waits inside its hook until the block ends."""
    hold = world.site / "hold"
    hold.touch()
    process = world.start_fab("deploy", "--host=prod", "--artifact", str(packs.version(number)))
    try:
        assert eventually(lambda: not lock_is_free(world.site) and len(list(world.site.glob("releases/*/bootstrap/cache/events.php"))) > 0)
        yield process
    finally:
        hold.unlink(missing_ok=True)
        process.communicate(timeout=120)


def version(world: World) -> str:
    return str(json.loads(world.get("/release").body)["version"])


def test_a_second_deployment_ends_at_once_and_leaves_the_first_alone(world: World, packs: Packs) -> None:
    with running(world, packs, "2") as first:
        second = world.deploy("--artifact", str(packs.version("3")))
        built = world.deploy()
        single = [world.fab(task, "--host=prod") for task in ("server.migrate", "rollback", "unlock")]
        status = world.fab("status", "--host=prod")
        assert first.poll() is None
    assert [result.code for result in (second, built, *single)] == [7] * 5
    for result in (second, built):
        assert "another deployment holds the lock: who " in result.err
        assert "🟡" not in result.out
        assert "fab status --host=prod" in result.err
    assert "held: who " in status.out
    assert (first.returncode, version(world)) == (0, "2")
    assert (leftovers(world.site), lock_is_free(world.site)) == ([], True)


def test_with_lock_wait_it_waits(world: World, packs: Packs) -> None:
    with running(world, packs, "4") as first:
        second = world.start_fab("deploy", "--host=prod", "--artifact", str(packs.version("5")), "--set", "hosts.prod.lock_wait=90")
        assert second.stdout
        said = next(line for line in second.stdout if "waiting" in line)
        (world.site / "hold").unlink()
        out, err = second.communicate(timeout=120)
    assert "prod is locked, waiting" in said
    assert (first.returncode, second.returncode, version(world)) == (0, 0, "5"), out + err


def test_a_lock_by_hand(world: World, packs: Packs) -> None:
    locked = world.fab("lock", "--host=prod", "--message", "stock-taking until 5; $(touch pwned) 'é'")
    assert locked.code == 0, locked.text
    before = serving(world.site)
    for args in (["deploy", "--artifact", str(packs.version("6"))], ["deploy"], ["rollback"], ["server.migrate"], ["lock"]):
        result = world.fab(*args, "--host=prod")
        assert result.code == 7, result.text
        assert "stock-taking until 5; $(touch pwned) 'é'" in result.err
        assert "fab unlock --host=prod" in result.err
        assert "🟡" not in result.out
    assert "by hand: who" in world.fab("status", "--host=prod").out
    assert serving(world.site) == before
    assert world.fab("unlock", "--host=prod").code == 0
    assert "free" in world.fab("status", "--host=prod").out
    assert world.deploy("--artifact", str(packs.version("6"))).code == 0


def test_the_lock_record_of_a_dead_run_is_taken_away(world: World) -> None:
    record: Path = world.site / ".deploy/lock.json"
    record.write_text('{"who": "somebody", "since": "2020-01-01T00:00:00Z"}')
    assert "free (the last run did not end: who somebody" in world.fab("status", "--host=prod").out
    assert world.fab("unlock", "--host=prod").code == 0
    assert not record.exists()


def test_two_sites_of_a_server_build_one_after_the_other(world: World) -> None:
    """In the same folder, with the same caches: what one of them builds is not what the other gets."""
    hold, built = world.folder / "hold", world.folder / "built"
    staging = {**host(world.server), "path": str(world.folder / "staging")}
    wait = f"echo $HOST >>'{built}'; cd '{world.folder}'; {HOLD}"
    world.configure({"build": {"place": "server"}, "hosts": {"staging": staging}, "hooks": {"after_build": [wait]}})
    hold.touch()
    first = world.start_fab("builder.build", "--host=prod")
    try:
        assert eventually(built.exists)
        refused = world.fab("builder.build", "--host=staging", timeout=60)
        second = world.start_fab("builder.build", "--host=staging", "--set", "hosts.staging.lock_wait=90")
        assert second.stdout
        said = next(line for line in second.stdout if "waiting" in line)
    finally:
        hold.unlink()
        first.communicate(timeout=120)
    out, err = second.communicate(timeout=120)
    assert refused.code == 7, refused.text
    assert f"another build is running in {world.folder}/build/notes: who " in refused.err
    assert "hosts.staging.lock_wait" in refused.err
    assert "staging is locked, waiting" in said
    assert (first.returncode, second.returncode, built.read_text()) == (0, 0, "prod\nstaging\n"), out + err
