"""Deployments that go wrong: what one reads, what serves, and that the next one needs no repair."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.artifact import Artifacts
from tests.support.attempts import attempt, next_one_succeeds, settled
from tests.support.deployment import World
from tests.support.site import leftovers, lock_is_free, log_blocks, records, serving

pytestmark = pytest.mark.system

HEALTH = "app/Http/Controllers/StatusController.php"
MIGRATIONS = "database/migrations"
TELL = 'echo "$PHASE $HOST $RELEASE $PREVIOUS $COMMIT" >>"$HOME/told"'


def class_of(body: str) -> str:
    """Return a migration that does ``body``."""
    use = "use Illuminate\\Database\\Migrations\\Migration;\nuse Illuminate\\Support\\Facades\\Schema;\n"
    return f"<?php\n{use}return new class extends Migration {{ public function up() {{ {body} }} public function down() {{}} }};\n"


class Case(NamedTuple):
    """A version that cannot be deployed: its changes, the exit code, what the message says, what serves meanwhile."""

    changes: dict[str, str]
    code: int
    says: str
    state: str
    status: str


CONTROLLER = """<?php
namespace App\\Http\\Controllers;
class StatusController {
    public function health() {
        if (%s) { throw new \\RuntimeException('the moon is in the wrong phase'); }
        return 'ok';
    }
    public function release() {
        $version = ['version' => \\App\\Version::NUMBER, 'configured' => config('app.version')];
        return response()->json(['release' => basename(base_path()), ...$version]);
    }
}
"""


SECOND = class_of("throw new \\RuntimeException('no such column: colour');")
CASES = {
    "a migration fails": Case(
        {
            f"{MIGRATIONS}/2025_01_01_000000_first.php": class_of("Schema::create('first', function ($t) { $t->id(); });"),
            f"{MIGRATIONS}/2025_01_02_000000_second.php": SECOND,
        },
        4, r"no such column: colour(.|\n)*migrations that ran: 2025_01_01_000000_first;", "failed", "FAILED",
    ),
    "the health path throws": Case({HEALTH: CONTROLLER % "true"}, 4, "/health with 500.*moon", "failed", "FAILED"),
    "the health path does not parse": Case({HEALTH: "<?php class {"}, 4, "/health with 500.*syntax error", "failed", "FAILED"),
    "artisan does not boot": Case({"config/app.php": "<?php throw new Exception('no config');"}, 4, "no config", "failed", "FAILED"),
    "visitors get an error, and the command line gets none": Case(
        {HEALTH: CONTROLLER % "!app()->runningInConsole()"}, 4, "built-in server answers /health with 500.*moon", "failed", "FAILED",
    ),
    "only the web server gets an error": Case(
        {HEALTH: CONTROLLER % "getenv('DOCUMENT_ROOT_LINK')"}, 5, "/health answers 500 after", "bad", "ROLLED BACK",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def world(open_worlds: Callable[..., World], artifacts: Artifacts) -> World:
    """A site that serves version 1; every test here leaves it with a good version."""
    hooks = {"on_failure": [TELL], "on_rollback": [TELL]}
    world = open_worlds(settings={"hooks": hooks, "hosts": {"prod": {"health_tries": 1}}})
    assert world.deploy("--artifact", str(artifacts.version("1"))).code == 0
    return world


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_broken_version(case: Case, world: World, artifacts: Artifacts) -> None:
    made = attempt(world, "--artifact", str(artifacts.version("9", case.changes)))
    newest = world.releases()[-1]
    assert made.result.code == case.code, made.result.text
    assert re.search(case.says, made.result.text), made.result.text
    assert f"{made.before} {'still serves' if case.code == 4 else 'serves again'}" in made.result.text
    assert "fab deploy --host=prod" in made.result.err
    assert not re.search(r"\(\d+/\d+\)", made.result.out.partition("going back to")[2]), "the way back is no part of the plan"
    settled(world, made)
    assert ("9" in made.load.versions) == (case.code == 5)
    record = records(world.site)[newest]
    assert (record["state"], record["confirmed"]) == (case.state, False)
    assert record["reason"]
    assert (log_blocks(world.site)[-1]["Status"], log_blocks(world.site)[-1]["Serving"]) == (case.status, made.before)
    phase = "on_failure" if case.code == 4 else "on_rollback"
    assert made.told == f"{phase} prod {newest} {made.before} \n"
    next_one_succeeds(world, artifacts)


def test_the_migration_that_ran_is_recorded(world: World, artifacts: Artifacts) -> None:
    changes = {
        f"{MIGRATIONS}/2025_02_01_000000_third.php": class_of("Schema::create('third', function ($t) { $t->id(); });"),
        f"{MIGRATIONS}/2025_02_02_000000_fourth.php": SECOND,
    }
    made = attempt(world, "--artifact", str(artifacts.version("9", changes)))
    assert "migrations that ran: 2025_02_01_000000_third;" in made.result.text
    assert records(world.site)[world.releases()[-1]]["migrations"] == ["2025_02_01_000000_third"]
    next_one_succeeds(world, artifacts)


def test_no_php_on_the_path_of_the_server(world: World, artifacts: Artifacts, tmp_path: Path) -> None:
    for tool in "sh cat dd date readlink dirname df awk tar gzip flock mkdir setsid sleep cut mv".split():
        (tmp_path / tool).symlink_to(subprocess.check_output(["/bin/sh", "-c", f"command -v {tool}"], text=True).strip())
    world.server.stop()
    world.server.env["PATH"] = str(tmp_path)
    world.server.start()
    made = attempt(world, "--artifact", str(artifacts.version("2")))
    world.server.stop()
    world.server.env.pop("PATH")
    world.server.start()
    assert made.result.code == 4
    assert "its PHP, 'php', cannot be run" in made.result.text
    settled(world, made)
    next_one_succeeds(world, artifacts)


BUILDS = {
    "a lock file that is none": ({"composer.lock": "{ not JSON"}, "composer.lock"),
    "a package that is nowhere": ({"composer.lock": "nowhere"}, "composer install failed"),
    "a front end that does not compile": ({"resources/js/app.js": "import nothing from './nowhere.js'"}, "npm run build failed"),
    "a file that is not committed": ({}, "not committed: 1 changed file: README.md"),
}


@pytest.mark.parametrize(("changes", "says"), BUILDS.values(), ids=BUILDS.keys())
def test_a_failing_build_sends_nothing(changes: dict[str, str], says: str, world: World, artifacts: Artifacts) -> None:
    good = {name: (world.clone / name).read_text() for name in changes}
    if changes.get("composer.lock") == "nowhere":
        changes = {"composer.lock": good["composer.lock"].replace("laravel-framework-8", "laravel-framework-9")}
    if changes:
        world.commit(changes)
    else:
        (world.clone / "README.md").write_text("changed")
    releases = world.releases()
    flags = [] if "resources/js/app.js" in changes else ["--set", "build.package_manager=none"]
    made = attempt(world, "--branch=main", *flags)
    world.origin.run("checkout", "-q", "--", ".")
    world.commit(good)
    assert made.result.code == 4, made.result.text
    assert says in made.result.text
    assert f"{made.before} still serves" in made.result.text
    assert "run it again: fab deploy --host=prod --branch=main\n" in made.result.text
    assert made.told == f"on_failure prod  {made.before} \n"
    settled(world, made)
    assert (world.releases(), leftovers(world.site)) == (releases, [])
    next_one_succeeds(world, artifacts)


def test_the_build_succeeds_once_it_is_mended(world: World) -> None:
    commit = world.commit_version("3")
    made = attempt(world, "--set", "build.package_manager=none")
    assert made.result.code == 0, made.result.text
    assert records(world.site)[serving(world.site)]["commit"] == commit


@pytest.mark.parametrize(("case", "serves"), [("the health path throws", 503), ("only the web server gets an error", 200)])
def test_the_first_deployment_fails(case: str, serves: int, open_worlds: Callable[..., World], artifacts: Artifacts) -> None:
    world = open_worlds(settings={"hooks": {"on_failure": [TELL]}, "hosts": {"prod": {"health_tries": 1}}})
    result = world.deploy("--artifact", str(artifacts.version("9", CASES[case].changes)))
    (id,) = world.releases()
    assert result.code == 4, result.text
    assert ("nothing is live yet" if serves == 503 else f"the first release {id} is in place but not confirmed") in result.text
    assert "fab deploy --host=prod" in result.err
    assert world.get("/release").status == serves
    assert records(world.site)[id]["confirmed"] is False
    assert log_blocks(world.site)[-1]["Status"] == "FAILED"
    assert (world.server.home / "told").read_text() == f"on_failure prod {id}  \n"
    assert lock_is_free(world.site)
    next_one_succeeds(world, artifacts)
    assert world.rollback().code == 4


def test_a_site_folder_that_cannot_be_made(world: World, artifacts: Artifacts, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = world.deploy("--artifact", str(artifacts.version("2")), "--set", f"hosts.prod.path={tmp_path}/file/site")
    assert result.code == 4
    assert f"server.check [3.2-connect]: prod: '{tmp_path}/file' is a file or leads nowhere: it has to be a folder" in result.err
    assert "→ move it away, or choose another path" in result.err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.root
def test_a_disk_that_is_too_small(open_worlds: Callable[..., World], artifacts: Artifacts, small_disk: Path) -> None:
    world = open_worlds(settings={"hosts": {"prod": {"disk_limit": 100}}})
    assert world.deploy("--artifact", str(artifacts.version("1"))).code == 0
    before = serving(world.site)
    (world.site / "releases").rename(world.site / "moved")
    (world.site / "releases").symlink_to(small_disk)
    (small_disk / before).symlink_to(world.site / "moved" / before)
    made = attempt(world, "--artifact", str(artifacts.version("2")))
    assert made.result.code == 4, made.result.text
    assert "MiB are needed" in made.result.text
    settled(world, made)
    (world.site / "releases").unlink()
    (world.site / "moved").rename(world.site / "releases")
    next_one_succeeds(world, artifacts)
