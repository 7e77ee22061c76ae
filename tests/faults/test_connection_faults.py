"""People press Ctrl-C, machines vanish, servers restart: in the middle of a deployment's hook, before and after the switch."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.engine.places import eventually
from tests.support.deployment import World
from tests.support.site import journal, leftovers, lock_is_free, records

from .proxy import Proxy

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], sample: Path) -> World:
    world = sample_worlds()
    (world.folder / "sample.tar.gz").symlink_to(sample)
    assert world.deploy("--artifact", str(sample)).code == 0
    return world


class Run:
    """A deployment that stands in a hook at ``point`` until it is let go; ``deaf`` to what would end it politely."""

    def __init__(self, world: World, point: str, deaf: bool = False) -> None:
        self.world, self.began, self.hold = world, world.folder / "began", world.folder / "hold"
        self.began.unlink(missing_ok=True)
        self.hold.touch()
        first = f"[ ! -e '{self.began}' ] || exit 0"  # it runs again on the way back
        stand = f"echo \\$\\$ >'{self.began}'; while [ -e '{self.hold}' ]; do sleep 0.1; done"
        hook = f'{first}; sh -c "{"trap : TERM; " * deaf}{stand}"'
        artifact = str(world.folder / "sample.tar.gz")
        self.fab = world.start_fab("deploy", "--host=prod", "--artifact", artifact, f"--set=hooks.{point}={json.dumps([hook])}")
        self.text = ""

    def stands(self) -> bool:
        return eventually(lambda: self.began.exists() and self.began.read_text() != "") and self.fab.poll() is None

    def ended(self) -> int:
        out, err = self.fab.communicate(timeout=60)
        self.text = out + err
        return self.fab.returncode

    def works(self) -> bool:
        """Whether the hook's own process lives."""
        return Path(f"/proc/{self.began.read_text().strip()}").exists()


@contextmanager
def standing(world: World, point: str, deaf: bool = False) -> Iterator[Run]:
    run = Run(world, point, deaf)
    try:
        assert run.stands(), run.ended() and run.text
        yield run
    finally:
        run.hold.unlink(missing_ok=True)
        run.fab.kill()
        with suppress(ValueError):  # it was read to its end already
            run.fab.communicate()


def settled(world: World, before: str | None) -> None:
    """The old release serves and nobody holds the lock."""
    assert eventually(lambda: lock_is_free(world.site) and world.current() == before), world.current()
    assert json.loads(world.get("/?json").body)["release"] == before
    assert records(world.site)[world.releases()[-1]]["confirmed"] is False or world.releases()[-1] == before


def next_one_succeeds(world: World) -> str:
    result = world.deploy("--artifact", str(world.folder / "sample.tar.gz"))
    assert result.code in (0, 3), result.text
    assert (leftovers(world.site), lock_is_free(world.site)) == ([], True)
    return result.out


@pytest.mark.parametrize(("point", "how"), [
    ("mid_release", signal.SIGINT), ("mid_release", signal.SIGTERM), ("post_release", signal.SIGINT), ("post_release", signal.SIGTERM),
])  # fmt: skip
def test_an_interrupted_deployment_ends_what_it_runs_and_leaves_the_old_release(point: str, how: int, world: World) -> None:
    before = world.current()
    with standing(world, point) as run:
        run.fab.send_signal(how)
        assert run.ended() == (4 if point == "mid_release" else 5), run.text
        assert not run.works()
    assert "interrupted; " in run.text
    assert f"{before} {'still serves' if point == 'mid_release' else 'serves again'}" in run.text
    settled(world, before)


@pytest.mark.parametrize(("point", "how"), [
    ("mid_release", signal.SIGINT), ("post_release", signal.SIGINT), ("mid_release", signal.SIGTERM), ("post_release", signal.SIGTERM),
])  # fmt: skip
def test_whoever_interrupts_twice_is_out_at_once_and_the_server_is_safe(point: str, how: int, world: World) -> None:
    before = world.current()
    with standing(world, point, deaf=True) as run:
        run.fab.send_signal(how)
        assert run.fab.stdout
        said = next(line for line in run.fab.stdout if "Ctrl-C again leaves at once" in line)
        assert said
        time.sleep(0.5)
        run.fab.send_signal(how)
        code = run.ended()
        assert run.works(), "the client waited for its command"
    assert code in (4, 6), run.text
    settled(world, before)
    next_one_succeeds(world)


def test_the_server_goes_back_by_itself_when_whoever_switched_is_gone(world: World) -> None:
    before = world.current()
    with standing(world, "post_release") as run:
        assert world.current() != before
        run.fab.kill()
    settled(world, before)
    assert eventually(lambda: journal(world.site)[-1]["event"] == "reverted")
    assert journal(world.site)[-1]["serving"] == before
    next_one_succeeds(world)


@pytest.mark.parametrize("point", ["mid_release", "post_release"])
def test_a_server_that_restarts_is_brought_in_order_by_the_next_command(point: str, world: World) -> None:
    before = world.current()
    with standing(world, point) as run:
        for watchman in world.site.glob(".deploy/run/*/watchman"):
            os.killpg(int(watchman.read_text()), signal.SIGKILL)
        world.server.kill()
        with suppress(ProcessLookupError):
            os.kill(int(run.began.read_text()), signal.SIGKILL)
        code = run.ended()
    assert code == (4 if point == "mid_release" else 6), run.text
    assert "the connection is gone" in run.text
    assert (world.current() == before) == (point == "mid_release")
    world.server.start()
    said = next_one_succeeds(world)
    assert (f"never confirmed it: went back to {before}" in said) == (point == "post_release")


def test_sessions_outlive_a_restart_of_sshd(world: World) -> None:
    before, listener = world.current(), world.server._process
    assert listener is not None
    with standing(world, "mid_release") as run:
        os.kill(listener.pid, signal.SIGTERM)
        listener.wait()
        world.server.start()
        run.hold.unlink()
        assert run.ended() == 0, run.text
    assert str(world.current()) > str(before)


@contextmanager
def sshd_with(world: World, line: str) -> Iterator[None]:
    for world.server.extra in (line, ""):
        world.server.stop()
        world.server.start()
        if line and world.server.extra:
            yield


def test_one_session_on_a_connection_is_enough(world: World) -> None:
    with sshd_with(world, "MaxSessions 1"):
        next_one_succeeds(world)
        before = world.current()
        with standing(world, "mid_release") as run:
            run.fab.send_signal(signal.SIGINT)
            assert run.ended() == 4, run.text
            assert not run.works()
        settled(world, before)


def test_a_server_that_hangs_up_at_once_is_asked_again(world: World) -> None:
    """sshd does that to newcomers while too many others log in (MaxStartups)."""
    with closing(Proxy(world.server.port, hangs_up=2)) as proxy:
        known = world.home / ".ssh/known_hosts"
        known.write_text(known.read_text() + world.server.known_hosts_line().replace(str(world.server.port), str(proxy.port)))
        status = world.fab("status", "--host=prod", f"--set=hosts.prod.port={proxy.port}")
    assert status.code == 0, status.text
    assert status.out.count("hung up, trying again") == 2


def test_a_command_that_was_stopped_ends_at_its_time_limit(world: World) -> None:
    before = world.current()
    pid = world.folder / "stopped"
    world.configure({"hooks": {"mid_release": [{"command": f"echo $$$$ >'{pid}'; kill -STOP $$$$", "timeout": 1}]}})
    result = world.deploy("--artifact", str(world.folder / "sample.tar.gz"))
    world.configure({"hooks": {"mid_release": []}})
    assert result.code == 4, result.text
    assert "stopped after its 1 seconds" in result.text
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
    settled(world, before)
