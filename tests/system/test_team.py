"""A team's own module: tasks of its own, a step replaced, chains typed by hand, and each task alone."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.support.artifact import Artifacts
from tests.support.deployment import UNHURRIED, World
from tests.support.site import leftovers, lock_is_free, records, serving, states

from .conftest import NO_FRONTEND

pytestmark = pytest.mark.system

TEAM = '''
"""What our team adds."""

from fabric import task

import fabfile.server as server
from fabfile.engine import console
from fabfile.engine.tasks import here, on_host


@on_host(flow="8.2-workers", done="Workers told by us")
def workers(c):
    """Tell our workers."""
    c.shell.do('echo "$1" >>"$2/workers-told"', c.name, c.site.root)


@on_host(done="Warm")
def warm(c, release=""):
    """Warm the caches of a release."""
    c.shell.do('echo "$1" >>"$2/warmed"', release, c.site.root)


@here()
def greet(c):
    """Say hello here."""
    console.done("hello from " + type(c).__name__)


@task
def plain(c):
    """A task that knows nothing of ours."""
    print("plain:", c.run("echo $SSH_CONNECTION | wc -w", hide=True).stdout.strip())


@on_host()
def closes(c):
    """Close the site, past everything of ours."""
    c.run(f"cd {c.site.current} && php artisan down")


@on_host()
def breaks(c):
    """A task with a mistake in it."""
    raise ZeroDivisionError("oh no")


@on_host()
def fails(c):
    """A command of Fabric's own that fails."""
    c.run("echo super-secret-value it broke >&2; exit 3", hide=True)


@task
def fails_plainly(c):
    """The same in a task that knows nothing of ours."""
    c.run("exit 7")


server.workers = workers
'''


@pytest.fixture(scope="module")
def world(open_worlds: Callable[..., World], artifacts: Artifacts) -> World:
    world = open_worlds(settings={**NO_FRONTEND, "modules": ["deploy_tasks.py"], "hooks": {"mid_release": ["deploy-tasks.warm", "..."]}})
    world.commit({"deploy_tasks.py": TEAM})
    result = world.deploy("--artifact", str(artifacts.version("1")))
    assert result.code == 0, result.text
    return world


def version(world: World) -> str:
    return str(json.loads(world.get("/release").body)["version"])


def test_the_chain_uses_the_replaced_step_and_the_hook(world: World) -> None:
    assert (world.site / "workers-told").read_text() == "prod\n"
    assert (world.site / "warmed").read_text() == f"{world.releases()[0]}\n"


def test_its_tasks_are_listed_and_run(world: World) -> None:
    listed = world.fab("--list").out
    assert all(f"deploy-tasks.{name}" in listed for name in ("warm", "greet", "plain"))
    assert world.fab("deploy-tasks.greet").code == 0
    assert "hello from Context" in world.fab("deploy-tasks.greet").out
    assert "Tell our workers" in world.fab("server.workers", "--help").out


def test_a_plain_fabric_task_runs_on_the_host(world: World) -> None:
    assert "plain: 0" in world.fab("deploy-tasks.plain").out
    address = f"{world.server.user}@127.0.0.1:{world.server.port}"
    there = world.fab("-i", str(world.server.key), "-H", address, "deploy-tasks.plain")
    assert "plain: 4" in there.out, there.text


def test_what_a_task_of_theirs_does_to_the_server_is_seen(world: World) -> None:
    result = world.fab("server.env", "deploy-tasks.closes", "server.up")
    assert result.code == 0, result.text
    assert "maintenance mode lifted" in result.out
    assert world.get("/release").status == 200


def test_a_mistake_in_a_hook_is_a_failure_like_any_other(world: World, artifacts: Artifacts) -> None:
    before = serving(world.site)
    world.configure({"hooks": {"mid_release": ["deploy-tasks.breaks"]}})
    result = world.deploy("--artifact", str(artifacts.version("2")))
    world.configure({"hooks": {"mid_release": []}})
    assert result.code == 4, result.text
    line = TEAM.splitlines().index('    raise ZeroDivisionError("oh no")') + 1
    assert f"deploy-tasks.breaks: ZeroDivisionError: oh no ({world.clone}/deploy_tasks.py:{line})" in result.err
    assert "Traceback" not in result.text
    assert (serving(world.site), lock_is_free(world.site)) == (before, True)


def test_a_command_of_fabrics_own_does_not_lend_its_exit_code(world: World) -> None:
    (world.clone / ".env.deploy").write_text("NOBODY_SEES_TOKEN=super-secret-value\n")
    result = world.fab("deploy-tasks.fails", "--host=prod")
    (world.clone / ".env.deploy").unlink()
    assert result.code == 4, result.text
    assert "deploy-tasks.fails: prod: " in result.err
    assert "failed (exit code 3)" in result.err
    assert "| ******** it broke" in result.err
    plain = world.fab("deploy-tasks.fails-plainly")
    assert plain.code == 4, plain.text
    assert "deploy-tasks.fails-plainly: local: exit 7 failed (exit code 7)" in plain.err


@pytest.mark.parametrize("name", ["fails", "fails-plainly"])
def test_nor_does_it_in_a_hook(name: str, world: World, artifacts: Artifacts) -> None:
    before = serving(world.site)
    world.configure({"hooks": {"mid_release": [f"deploy-tasks.{name}"]}})
    result = world.deploy("--artifact", str(artifacts.version("2")))
    world.configure({"hooks": {"mid_release": []}})
    assert result.code == 4, result.text
    assert f"deploy-tasks.{name}: " in result.err
    assert "failed (exit code " in result.err
    assert (serving(world.site), lock_is_free(world.site)) == (before, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def broken(:", "SyntaxError"),
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        (None, "there is no file"),
    ],
)
def test_a_module_that_cannot_be_imported(text: str | None, says: str, world: World) -> None:
    world.commit({"deploy_tasks.py": text})
    result = world.deploy()
    world.commit({"deploy_tasks.py": TEAM})
    assert result.code == 2, result.text
    assert says in result.err
    assert "Traceback" not in result.text


def test_a_chain_typed_by_hand(world: World) -> None:
    before, commit = serving(world.site), world.commit_version("3")
    with world.load(pause=UNHURRIED) as load:
        result = world.fab("local.analyze", "--no-write", "builder.build", "server.upload", "server.switch", "--host=prod")
        load.wait(5)
    assert result.code == 0, result.text
    assert (version(world), load.failed) == ("3", [])
    record = records(world.site)[serving(world.site)]
    assert (record["commit"], record["previous"]) == (commit, before)
    assert (leftovers(world.site), lock_is_free(world.site)) == ([], True)


def test_every_task_alone_and_twice(world: World) -> None:
    world.configure({"modules": [], "hooks": {"mid_release": []}})
    commit, before = world.commit_version("4"), serving(world.site)
    fab = lambda name, *args: world.fab(name, *args, "--host=prod")  # noqa: E731
    for name in "prepare versions clone restore-cache install assets optimize validate package".split():
        assert fab(f"builder.{name}").code == 0, name
    steps = "check setup create-release upload link-shared env backup optimize migrate health switch".split()
    for name in steps:
        for _ in range(1 if name in ("create-release", "upload") else 2):
            result = fab(f"server.{name}")
            assert result.code == 0, (name, result.text)
            assert (leftovers_but_the_pending(world), lock_is_free(world.site)) == ([], True), name
        assert version(world) == ("4" if name == "switch" else "3")
    new = serving(world.site)
    for name in "opcache workers validate up cleanup log".split() * 2:
        assert fab(f"server.{name}").code == 0, name
    for name, *args in (["backup", "--force"], *[["restore", "--yes"]] * 2):
        result = fab(f"server.{name}", *args)
        assert result.code == 0, (name, result.text)
    assert new > before
    assert records(world.site)[new]["commit"] == commit
    assert world.deploy().code == 0
    assert world.rollback().code == 0
    assert serving(world.site) == new


def leftovers_but_the_pending(world: World) -> list[str]:
    return [path for path in leftovers(world.site) if not path.endswith(".partial")]


def test_maintenance_by_hand(world: World) -> None:
    for _ in range(2):
        assert world.fab("server.down", "--host=prod").code == 0
        assert world.get("/release").status == 503
    for _ in range(2):
        assert world.fab("server.up", "--host=prod").code == 0
        assert world.get("/release").status == 200


@pytest.mark.parametrize("args", [["-H", "prod"], ["--hosts", "prod"], ["--hosts=prod"]], ids=" ".join)
def test_fabrics_own_way_to_name_a_host(args: list[str], world: World) -> None:
    result = world.fab(*args, "server.check")
    assert result.code == 0, result.text
    assert "Server ready" in result.out


@pytest.mark.parametrize("args", [["deploy", "--host=prd"], ["-H", "prd", "server.check"], ["status", "--host", "prd"]], ids=" ".join)
def test_an_unknown_host_is_named_with_its_nearest(args: list[str], world: World) -> None:
    result = world.fab(*args)
    assert result.code == 2, result.text
    assert "did you mean prod?" in result.err


def test_a_release_that_is_not_there(world: World) -> None:
    for name in ("migrate", "optimize", "link-shared", "env", "health", "switch"):
        result = world.fab(f"server.{name}", "--release=20200101000000", "--host=prod")
        assert result.code == 4, (name, result.text)
        assert "there is no" in result.err
    for name in ("migrate", "switch"):
        result = world.fab(f"server.{name}", "--release=../../etc", "--host=prod")
        assert result.code in (2, 4), result.text
        assert "Traceback" not in result.text
    assert "live" in states(world.site)
