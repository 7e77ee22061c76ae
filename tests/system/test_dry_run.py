"""``--dry-run`` changes nothing anywhere, and what ``--quiet``, ``--verbose`` and ``--json`` print."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.places import eventually
from tests.security.conftest import Packs
from tests.support.deployment import World
from tests.support.fab import Result
from tests.support.site import serving, tree

pytestmark = pytest.mark.system


def everything(world: World) -> dict[str, dict[str, str]]:
    """Return all that a deployment could change: server, builder, origin, clone, caches; not the logs of our own servers."""
    homes = {"server": world.server.home, **({"builder": world.builder.home} if world.builder else {})}
    trees = {name: tree(home) for name, home in homes.items()} | {"all": tree(world.folder)}
    noise = ("php-server.log", ".git/index", "home/.ssh")
    return {name: {path: entry for path, entry in found.items() if not path.endswith(noise)} for name, found in trees.items()}


def changed(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    """Return what differs, and no more: two whole trees in a message say nothing."""
    return [(name, path) for name, found in after.items() for path in found | before[name] if found.get(path) != before[name].get(path)]


@pytest.fixture(scope="module")
def fresh(open_worlds: Callable[..., World]) -> World:
    """Nothing is deployed; the build runs on a builder."""
    world = open_worlds(builder=True)
    (world.folder / "home/.cache").mkdir()
    return world


@pytest.fixture(scope="module")
def served(sample_worlds: Callable[..., World], packs: Packs) -> World:
    """Two good releases."""
    hooks = {"pre_release": ["echo a"], "mid_release": ["echo b"], "post_release": ["echo c"], "before_build": ["echo d"]}
    world = sample_worlds(settings={"hooks": hooks, "hosts": {"prod": {"maintenance": True}}})
    for number in ("1", "2"):
        assert world.deploy("--artifact", str(packs.version(number))).code == 0
    assert eventually(lambda: (world.site / ".deploy/background").read_text() == "stays\n"), "the probe left behind writes last of all"
    return world


def sent(world: World, *args: str) -> tuple[Result, int]:
    """Run fab; also how many channels besides the conversation it opened: one for each file."""
    before = world.server.sessions()
    result = world.fab(*args)
    return result, world.server.sessions() - before - 1


@pytest.mark.parametrize("args", [["deploy"], ["setup"]], ids=" ".join)
def test_first_deployment(args: list[str], fresh: World) -> None:
    before = everything(fresh)
    result, files = sent(fresh, *args, "--dry-run", "--host=prod")
    assert result.code == 0, result.text
    assert (changed(before, everything(fresh)), files) == ([], 0)
    assert "Traceback" not in result.text


COMMANDS = [
    ["deploy"],
    ["deploy", "--artifact=ARTIFACT"],
    ["rollback"],
    ["builder.build"],
    *([f"server.{name}"] for name in "create-release upload link-shared env backup down optimize migrate switch".split()),
    *([f"server.{name}"] for name in "opcache workers up validate cleanup log health check setup".split()),
    *([f"hooks.{name}"] for name in "pre-release mid-release post-release on-failure on-rollback".split()),
    ["local.check"],
    ["lock", "--message=no"],
]


@pytest.fixture(scope="module")
def before(served: World) -> dict[str, dict[str, str]]:
    """What there was before the first dry run."""
    return everything(served)


@pytest.mark.parametrize("args", COMMANDS, ids=" ".join)
def test_on_a_site_that_is_served(args: list[str], served: World, before: dict[str, dict[str, str]], packs: Packs) -> None:
    args = [arg.replace("ARTIFACT", str(packs.version("3"))) for arg in args]
    result, files = sent(served, *args, "--dry-run", "--host=prod")
    assert result.code == 0, result.text
    assert changed(before, everything(served)) == []
    assert files <= 0
    assert "Traceback" not in result.text


@pytest.mark.parametrize("args", [["deploy", "--dry"], ["-R", "deploy"], ["--dry", "rollback"]], ids=" ".join)
def test_the_flag_that_fabric_has_for_it_means_the_same(args: list[str], served: World, before: dict[str, dict[str, str]]) -> None:
    result = served.fab(*args, "--host=prod")
    assert (result.code, "dry run: nothing was changed" in result.out) == (0, True), result.text
    assert changed(before, everything(served)) == []


def test_a_dry_deployment_names_every_step(served: World, packs: Packs) -> None:
    steps = re.findall(r"^\S+ .*?(\d+\.\d+-[a-z-]+)", served.fab("steps", "--host=prod").out, re.MULTILINE)
    said = served.deploy("--dry-run").out
    assert len(steps) > 10
    assert "Would run the pending migrations" in said
    assert [flow for flow in steps if f"[{flow}]" not in said] == []
    assert "dry run: nothing was changed" in said


@pytest.mark.parametrize("task", ["lock", "unlock"])
def test_a_dry_run_claims_no_lock(task: str, served: World) -> None:
    said = served.fab(task, "--dry-run", "--host=prod").out
    assert "dry run: nothing was changed" in said
    assert "is locked" not in said
    assert "is unlocked" not in said


@pytest.mark.parametrize("args", [["deploy"], ["builder.build", "server.upload"]], ids=" ".join)
def test_what_would_be_uploaded_is_what_would_be_built(args: list[str], served: World) -> None:
    """Not what was built last, which is another commit."""
    assert served.fab("builder.build", "--host=prod").code == 0
    commit = served.commit({"note.txt": " ".join(args)})
    result = served.fab(*args, "--dry-run", "--host=prod")
    assert result.code == 0, result.text
    assert [line for line in result.out.splitlines() if "would: upload" in line and f"/{commit[:12]}-not-built-yet.tar.gz," in line]


def test_quiet_prints_the_result_only(served: World, packs: Packs) -> None:
    result = served.deploy("--artifact", str(packs.version("3")), "--quiet")
    assert result.code == 0, result.text
    assert result.out.splitlines() == [line for line in result.out.splitlines() if line.startswith("⚡")]
    assert len(result.out.splitlines()) == 1


def test_verbose_prints_what_commands_say(served: World, packs: Packs) -> None:
    result = served.deploy("--artifact", str(packs.version("4")), "--verbose")
    assert result.code == 0, result.text
    assert "Configuration cached successfully" in result.out
    assert "Configuration cached successfully" not in served.deploy("--artifact", str(packs.version("5"))).out


@pytest.mark.parametrize("verbose", [[], ["--verbose"]])
def test_json_is_one_event_a_line(verbose: list[str], served: World, packs: Packs) -> None:
    result = served.deploy("--artifact", str(packs.version("6")), "--json", *verbose)
    assert result.code == 0, result.text
    events = [json.loads(line) for line in result.out.splitlines()]
    assert all(set(event) >= {"at", "event"} for event in events)
    started = [event["step"] for event in events if event["event"] == "step-start"]
    ended = [event["step"] for event in events if event["event"] == "step-end"]
    assert sorted(started) == sorted(ended)
    assert {"3.4-transfer", "7.1-symlink", "8.3-validate"} <= set(started)
    tasks = {event.get("task") for event in events if event["event"] in ("step-start", "step-end")}
    assert {"server.upload", "server.review", "server.switch", "local.notify"} <= tasks
    assert [event["text"] for event in events if event["event"] == "result"] == [events[-1]["text"]]
    assert serving(served.site) in events[-1]["text"]
    assert any(event["event"] == "output" for event in events) == bool(verbose)


def test_json_of_a_failure_has_the_failed_step(served: World, packs: Packs) -> None:
    broken = packs.version("7", {"app/Site.php": "<?php class {"})
    result = served.deploy("--artifact", str(broken), "--json")
    assert result.code == 4
    events = [json.loads(line) for line in result.out.splitlines()]
    assert [(event["step"], event["task"]) for event in events if event["event"] == "step-failed"] == [("6.3-health", "server.health")]
    last = events[-1]
    assert (last["event"], last["code"]) == ("error", 4)
    assert f"{last['text']}\n  → {last['hint']}" in result.err
    assert "fab deploy" in last["hint"]


@pytest.mark.parametrize("task", ["status", "releases", "steps", "config"])
def test_looking_changes_nothing(task: str, served: World, tmp_path: Path) -> None:
    before = everything(served)
    result = served.fab(task, "--host=prod")
    assert result.code == 0, result.text
    assert changed(before, everything(served)) == []
    events = served.fab(task, "--host=prod", "--json")
    assert events.code == 0
    assert [json.loads(line)["event"] for line in events.out.splitlines()]
