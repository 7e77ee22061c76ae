"""What deploy.toml lists at each point: where it runs, what it is told, when it is stopped, and what its failure means."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.deployment import World
from tests.support.fab import Result
from tests.support.site import journal, leftovers, lock_is_free, records, serving

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], sample: Path) -> World:
    """Hooks ask nothing of the application, so it is the one that deploys fastest."""
    world = sample_worlds()
    assert world.deploy("--artifact", str(sample)).code == 0
    return world


def deploy(world: World, sample: Path, hooks: dict[str, list[Any]]) -> Result:
    """Deploy with these hooks only."""
    none: dict[str, list[Any]] = {name: [] for name in "before_build after_build pre_release mid_release post_release".split()}
    world.configure({"hooks": {**none, **hooks}})
    return world.deploy("--artifact", str(sample))


def told(world: World) -> list[str]:
    """Return what the hooks wrote, and forget it."""
    file = world.folder / "told"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return lines


def test_each_point_runs_in_its_place_and_knows_what_it_is_about(world: World) -> None:
    told(world)
    write = f'echo "$PHASE|$HOST|$(basename "$(pwd -P)")|$RELEASE|$PREVIOUS|$COMMIT" >>{world.folder}/told'
    points = ("before_build", "after_build", "pre_release", "mid_release", "post_release")
    previous = serving(world.site)
    world.configure({"hooks": {name: [write] for name in points}})
    commit = world.commit({"public/robots.txt": "a version of its own"})
    assert world.deploy().code == 0
    release = serving(world.site)
    assert told(world) == [
        "before_build|prod|notes|||",
        "after_build|prod|work|||",
        f"pre_release|prod|{previous}|{release}|{previous}|{commit}",
        f"mid_release|prod|{release}|{release}|{previous}|{commit}",
        f"post_release|prod|{release}|{release}|{previous}|{commit}",
    ]


def test_a_table_says_where_it_runs(world: World, sample: Path) -> None:
    told(world)
    write = f"pwd >>{world.folder}/told; env | grep -c ^SSH_CONNECTION= >>{world.folder}/told || :"
    hooks = [{"command": write, "place": "local"}, {"command": write, "place": "server"}, {"command": write, "place": "builder"}]
    assert deploy(world, sample, {}).code == 0
    world.configure({"hooks": {"mid_release": hooks}})
    result = world.deploy()
    assert result.code == 0, result.text
    here, ssh_here, there, ssh_there, shop, ssh_shop = told(world)
    assert (here, there) == (str(world.clone), str(world.site / "releases" / serving(world.site)))
    assert (ssh_here, ssh_there, ssh_shop) == ("0", "1", "0")
    assert shop.startswith(str(world.folder / "build"))


def test_who_looks_at_the_server_in_his_own_way_finds_the_release_prepared(world: World, sample: Path) -> None:
    told(world)
    look = f'readlink "{world.site}/releases/$RELEASE/.env" >>{world.folder}/told'
    result = deploy(world, sample, {"pre_release": [{"command": look, "place": "local"}, "..."]})
    assert result.code == 0, result.text
    assert told(world) == ["../../shared/.env"]


OURS = """
import subprocess
from pathlib import Path
from fabfile.engine.tasks import here

SITE = Path("{site}")


@here()
def look(c, release=""):
    with Path("{told}").open("a") as file:
        print((SITE / "releases" / release / ".env").readlink(), file=file)


@here()
def close(c):
    subprocess.run(["php", "artisan", "down"], cwd=SITE / "current", check=True)
"""


def test_a_task_of_theirs_that_runs_here_finds_it_so_too_and_what_it_does_is_seen(world: World, sample: Path) -> None:
    told(world)
    world.commit({"ours.py": OURS.format(site=world.site, told=world.folder / "told")})
    world.configure({"modules": ["ours.py"]})
    try:
        result = deploy(world, sample, {"pre_release": ["ours.look", "..."], "post_release": ["ours.close", "..."]})
    finally:
        world.configure({"modules": []})
    assert result.code == 0, result.text
    assert told(world) == ["../../shared/.env"]
    assert "maintenance mode lifted" in result.out
    assert world.get("/").status == 200


def test_dots_say_where_the_usual_steps_are(world: World, sample: Path) -> None:
    order = ["echo first", "server.migrate", "...", "echo last"]
    assert deploy(world, sample, {"mid_release": order}).code == 0
    lines = journal(world.site)
    run = [line["step"] for line in lines if line["run"] == lines[-1]["run"] and line["event"] == "start"]
    assert [step for step in run if step in ("migrate", "optimize")] == ["migrate", "optimize"]
    steps = world.fab("steps", "--host=prod").out
    names = ["echo first", "server.migrate", "server.optimize", "server.health", "echo last", "server.switch"]
    places = [steps.index(name) for name in names]
    assert places == sorted(places)


def test_steps_say_where_each_one_runs_and_what_a_failure_leads_to(world: World) -> None:
    listed = {"before_build": ["echo a"], "mid_release": [{"command": "echo b", "place": "local"}], "on_failure": ["echo c"]}
    world.configure({"hooks": {**listed, "pre_release": [], "post_release": [], "on_rollback": ["server.checklist"]}})
    result = world.fab("steps", "--host=prod", "--json")
    world.configure({"hooks": {name: [] for name in (*listed, "on_rollback")}})
    rows = [tuple(json.loads(line)["values"].values()) for line in result.out.splitlines()]
    assert all(place in ("local", "prod") for _, _, _, place, _ in rows)
    assert ("🟣", "before_build", "command", "local", "echo a") in rows
    assert ("🟣 2️⃣", "mid_release", "command", "local", "echo b") in rows
    assert ("🟣 1️⃣", "pre_release", "server.review", "prod", "Review the pending migrations") in rows
    assert ("🔴", "7.1-symlink", "server.switch", "prod", "Atomic release switch") in rows
    assert [row[:4] for row in rows[-2:]] == [
        ("🟣", "on_failure", "command", "prod"),
        ("🟣", "on_rollback", "server.checklist", "prod"),
    ]
    assert "place" in world.fab("steps", "--host=prod").out.splitlines()[0].split()


def test_a_command_that_hangs_is_stopped_with_all_it_started(world: World, sample: Path) -> None:
    pids = world.folder / "pids"
    hang = f"sh -c 'echo $$$$ >{pids}; trap \"\" TERM; sleep 600 & echo $! >>{pids}; wait; sleep 600'"
    before = serving(world.site)
    result = deploy(world, sample, {"mid_release": [{"command": hang, "timeout": 1}]})
    assert result.code == 4, result.text
    assert "stopped after its 1 seconds" in result.text
    assert [pid for pid in pids.read_text().split() if alive(int(pid))] == []
    assert (serving(world.site), lock_is_free(world.site)) == (before, True)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def test_a_daemon_that_a_hook_starts_does_not_hold_the_lock(world: World, sample: Path) -> None:
    pid = world.folder / "daemon"
    daemon = f"setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $! >{pid}"
    assert deploy(world, sample, {"post_release": [daemon]}).code == 0
    assert lock_is_free(world.site)
    assert alive(int(pid.read_text()))
    os.kill(int(pid.read_text()), 9)


def test_nor_does_one_that_opcache_command_starts(world: World, sample: Path) -> None:
    pid = world.folder / "daemon"
    command = f"setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $! >{pid}"
    world.configure({"hooks": {"post_release": []}})
    sets = [f"--set=hosts.prod.{text}" for text in ("opcache=command", f"opcache_command={command}")]
    result = world.deploy("--artifact", str(sample), *sets)
    free, lives = lock_is_free(world.site), alive(int(pid.read_text()))
    os.kill(int(pid.read_text()), 9)
    assert (result.code, free, lives) == (0, True, True), result.text


@pytest.mark.parametrize("point", ["pre_release", "mid_release", "post_release"])
@pytest.mark.parametrize("place", ["server", "local"])
def test_on_error_warn_goes_on_and_says_so(point: str, place: str, world: World, sample: Path) -> None:
    before = serving(world.site)
    result = deploy(world, sample, {point: [{"command": "echo lost; exit 9", "on_error": "warn", "place": place}]})
    assert result.code == 3, result.text
    assert "exit code 9" in result.text
    assert "live, with 1 warning" in result.err
    assert serving(world.site) > before
    assert records(world.site)[serving(world.site)]["confirmed"]
    assert leftovers(world.site) == []


def test_a_failing_before_build_hook_sends_nothing(world: World) -> None:
    releases = world.releases()
    world.configure({"hooks": {"before_build": ["echo no; exit 1"], "mid_release": [], "post_release": [], "pre_release": []}})
    result = world.deploy()
    world.configure({"hooks": {"before_build": []}})
    assert result.code == 4
    assert (world.releases(), leftovers(world.site)) == (releases, [])


@pytest.mark.parametrize(("hook", "says"), [
    ("server.migrat", "did you mean server.migrate?"),
    ({"task": "server.migrate", "command": "true"}, "exactly one of task and command"),
    ({"command": "true", "plaice": "local"}, "did you mean place?"),
    ({"command": "true", "timeout": 0}, "timeout"),
], ids=str)  # fmt: skip
def test_a_wrong_hook_is_refused_before_anything_happens(hook: Any, says: str, world: World, sample: Path) -> None:
    releases = world.releases()
    result = deploy(world, sample, {"mid_release": [hook]})
    assert result.code == 2, result.text
    assert says in result.err
    assert world.releases() == releases


def test_names_from_git_and_settings_are_data(world: World, sample: Path) -> None:
    evil = "x';touch pwned;'$(touch pwned)`touch pwned`"
    result = deploy(world, sample, {"mid_release": [{"command": f"printf '%s' \"$PHASE\" >'{world.folder}/told'", "place": "server"}]})
    assert result.code == 0
    assert world.fab("server.log", "--note", evil, "--host=prod").code == 0
    assert world.fab("server.log", "--status", evil, "--host=prod").code == 2
    assert list(world.folder.rglob("pwned")) == []


STEP = '''
"""A step of ours that commits what it writes."""

import subprocess

import fabfile.local as local
from fabric import task


@task
def analyze(c, write=True):
    """Look, and push."""
    subprocess.run({command!r}, shell=True, check=True)


local.analyze = analyze
'''


@pytest.mark.parametrize("who", ["a hook before the build", "a step of the team's before the check"])
def test_what_is_pushed_on_the_way_is_what_is_built(who: str, world: World) -> None:
    git = f"git -C {world.clone} -c user.name=a -c user.email=a@example.org"
    push = f"{git} commit -q --allow-empty -m more && {git} push -q origin HEAD:refs/heads/main"
    if "hook" in who:
        world.configure({"hooks": {"before_build": [push], "after_build": [], "pre_release": [], "mid_release": [], "post_release": []}})
    else:
        world.configure({"modules": ["step.py"], "hooks": {"before_build": []}})
        world.commit({"step.py": STEP.format(command=push)})
    before = world.origin.head()
    result = world.deploy()
    world.configure({"modules": [], "hooks": {"before_build": []}})
    assert result.code == 0, result.text
    made = world.origin.run("rev-list", "--max-count=1", "--grep=^more$", "HEAD").strip()
    assert made != before
    assert records(world.site)[serving(world.site)]["commit"] == made
