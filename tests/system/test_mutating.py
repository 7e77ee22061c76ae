"""Whatever changes a server keeps out of another's way: the rule, for every task that there is."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import fabfile  # noqa: F401 registers every task
from fabfile.engine import registry
from fabfile.engine.tasks import HostStep
from tests.conftest import need
from tests.faults.stage import pack
from tests.support import toml
from tests.support.fab import Result, run_fab
from tests.support.sshd import Sshd

pytestmark = pytest.mark.system

# They do not change the server, or only look while somebody else works there.
LOOKING = {"status", "releases", "report", "verify", "server.check", "server.drain", "server.health", "server.review", "server.validate"}
LOOKING |= {"server.verify", "server.checklist"}
AT_A_HOST = sorted(name for name, task in registry.tasks.items() if isinstance(task, HostStep))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Result]]:
    """What each task says while another process holds the kernel's lock."""
    need("sshd", "php", "flock")
    folder = tmp_path_factory.mktemp("mutating")
    site, sshd = folder / "site", Sshd(folder / "sshd").start()
    (site / ".deploy").mkdir(parents=True)
    pack(folder / "v1.tar.gz", "1")
    host = {"address": "127.0.0.1", "port": sshd.port, "user": sshd.user, "key": str(sshd.key), "known_hosts": str(sshd.known_hosts)}
    (folder / "deploy.toml").write_text(toml.dumps({"build": {"composer": "none"}, "hosts": {"prod": {**host, "path": str(site)}}}))

    def run(name: str) -> Result:
        arguments = ["--artifact=v1.tar.gz"] if name in ("deploy", "server.create-release", "server.upload") else []
        return run_fab([name, "--host=prod", *arguments], folder, {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}, 120)

    with (site / ".deploy/lock").open("a") as held, ThreadPoolExecutor(2) as pool:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield dict(zip(AT_A_HOST, pool.map(run, AT_A_HOST), strict=True))
    sshd.stop()


@pytest.mark.parametrize("name", AT_A_HOST)
def test_whatever_changes_a_server_is_refused_while_somebody_works_there(name: str, told: dict[str, Result]) -> None:
    if name in LOOKING:
        assert told[name].code != 7, told[name].text
    else:
        assert told[name].code == 7, told[name].text
        assert "another deployment holds the lock" in told[name].err


def test_every_task_that_only_looks_is_named_here() -> None:
    assert set(AT_A_HOST) >= LOOKING
    assert len(AT_A_HOST) > 20
