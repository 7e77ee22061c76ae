"""Back to an earlier release, and which ones stay on the server for that."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.security.conftest import SAMPLE, Packs
from tests.support.artifact import Artifacts
from tests.support.deployment import World
from tests.support.fab import Result
from tests.support.site import leftovers, lock_is_free, log_blocks, records, serving, states

pytestmark = pytest.mark.system

MIGRATION = "database/migrations/2025_01_01_000000_create_colours_table.php"
TABLE = """<?php
return new class extends Illuminate\\Database\\Migrations\\Migration {
    public function up() { Illuminate\\Support\\Facades\\Schema::create('colours', function ($table) { $table->id(); }); }
    public function down() { Illuminate\\Support\\Facades\\Schema::drop('colours'); }
};
"""


@pytest.fixture(scope="module")
def three(open_worlds: Callable[..., World], artifacts: Artifacts) -> World:
    """A site with three good releases; the third brought a migration. A copy of it lies beside it."""
    world = open_worlds(settings={"hosts": {"prod": {"health_tries": 1}}})
    for number, changes in (("1", {}), ("2", {}), ("3", {MIGRATION: TABLE})):
        assert deploy(world, artifacts, number, changes).code == 0
    copy(world.site, world.folder / "copy")
    return world


@pytest.fixture
def deployed(three: World) -> World:
    """That site, as it was."""
    shutil.rmtree(three.site)
    copy(three.folder / "copy", three.site)
    return three


def copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", "--", source, target], check=True)


def deploy(world: World, artifacts: Artifacts | Packs, number: str, changes: dict[str, str] | None = None) -> Result:
    return world.deploy("--artifact", str(artifacts.version(number, changes)))


def version(world: World) -> str:
    return str(json.loads(world.get("/release").body)["version"])


def test_back_to_the_previous_one_and_once_more(deployed: World, artifacts: Artifacts) -> None:
    first, second, third = deployed.releases()
    with deployed.load() as load:
        result = deployed.rollback()
        load.wait(5)
    assert result.code == 0, result.text
    assert f"prod: {second} is live" in result.out
    assert (load.failed, load.mixed, load.histories) == ([], [], [["3", "2"]] * 2)
    found = records(deployed.site)
    assert (found[third]["state"], found[third]["reason"]) == ("bad", "rolled back")
    assert (found[second]["state"], found[second]["confirmed"]) == ("live", True)
    assert "2025_01_01_000000_create_colours_table" in result.text
    with closing(sqlite3.connect(deployed.database)) as database:
        assert database.execute("select count(*) from colours").fetchone() == (0,)
    assert (log_blocks(deployed.site)[-1]["Status"], log_blocks(deployed.site)[-1]["Serving"]) == ("ROLLED BACK ON REQUEST", second)
    assert (leftovers(deployed.site), lock_is_free(deployed.site)) == ([], True)

    assert deployed.rollback().code == 0
    assert (version(deployed), states(deployed.site)) == ("1", ["live", "bad", "bad"])
    last = deployed.rollback()
    assert last.code == 4
    assert "there is no earlier release to go back to" in last.err
    assert (version(deployed), serving(deployed.site)) == ("1", first)

    assert deploy(deployed, artifacts, "4").code == 0
    assert version(deployed) == "4"
    assert deployed.rollback().code == 0
    assert version(deployed) == "1"


def test_to_a_named_release(deployed: World, artifacts: Artifacts) -> None:
    first, second, third = deployed.releases()
    assert deployed.rollback("--to", first).code == 0
    assert version(deployed) == "1"
    written = deployed.site / f".deploy/releases/{third}.json"
    written.write_text(json.dumps({**json.loads(written.read_text()), "commit": "c" * 40}))  # that of an artifact is not known
    refused = deployed.rollback("--to", third)
    assert refused.code == 2
    assert f"{third} was rolled back" in refused.err
    assert f"fab deploy --host=prod --commit={'c' * 40} deploys it again" in refused.err
    assert second in refused.err
    assert deployed.rollback("--to", second).code == 0
    assert version(deployed) == "2"
    assert records(deployed.site)[first]["state"] == "bad"


def test_only_to_what_is_still_what_was_built(deployed: World) -> None:
    first, second, third = (deployed.site / "releases" / id for id in deployed.releases())
    (first / "public/sitemap.xml").write_text("<urlset/>")  # an application may write beside what was built
    (second / "artisan").unlink()
    changed = second / "public/index.php"
    changed.write_text(changed.read_text() + "\n// mended by hand\n")
    refused = deployed.rollback("--to", second.name)
    assert (refused.code, version(deployed)) == (4, "3"), refused.text
    assert f"{second.name} is not what was built: removed artisan, changed public/index.php" in refused.err
    assert f"fab server.switch --host=prod --release={second.name}" in refused.err
    trips = deployed.rollback("--dry-run")
    assert f"{second.name} is not what was built" in trips.text

    result = deployed.rollback()
    assert result.code == 3, result.text
    assert f"{second.name} is not what was built: removed artisan, changed public/index.php; passed over" in result.out
    assert (version(deployed), serving(deployed.site)) == ("1", first.name)
    assert records(deployed.site)[third.name]["state"] == "bad"

    (deployed.site / f".deploy/releases/{second.name}.manifest").unlink()
    none = deployed.rollback("--to", second.name)
    assert (none.code, f"{second.name} is not what was built: no manifest" in none.err) == (4, True), none.text
    assert version(deployed) == "1"


@pytest.mark.parametrize("name", ["20200101000000", "nonsense", "../shared", "x; touch /tmp/pwned"])
def test_an_unknown_release_is_refused(name: str, shared: World) -> None:
    before = serving(shared.site)
    result = shared.rollback("--to", name)
    assert result.code == 2, result.text
    assert "is not a release that was live and confirmed" in result.err
    assert "Traceback" not in result.text
    assert (serving(shared.site), leftovers(shared.site), lock_is_free(shared.site)) == (before, [], True)


@pytest.fixture(scope="module")
def shared(sample_worlds: Callable[..., World], packs: Packs) -> World:
    """A site with one release, of an application that deploys fast."""
    world = sample_worlds(settings={"hosts": {"prod": {"health_tries": 1}}})
    assert deploy(world, packs, "1").code == 0
    return world


def test_the_current_one_is_no_target(shared: World) -> None:
    refused = shared.rollback("--to", serving(shared.site))
    assert (refused.code, f"{serving(shared.site)} serves already" in refused.err) == (2, True), refused.text


def test_after_failed_and_bad_ones(shared: World, packs: Packs) -> None:
    assert deploy(shared, packs, "2").code == 0
    assert deploy(shared, packs, "3", {"app/Site.php": "<?php class {"}).code == 4
    web_only = "<?php if (getenv('DOCUMENT_ROOT_LINK')) { http_response_code(500); exit; }\n"
    index = web_only + (SAMPLE / "public/index.php").read_text().removeprefix("<?php")
    only = deploy(shared, packs, "4", {"public/index.php": index})
    assert only.code == 5, only.text
    assert states(shared.site)[-4:] == ["retired", "live", "failed", "bad"]
    for name in shared.releases()[-2:]:
        assert shared.rollback("--to", name).code == 2
    assert shared.rollback().code == 0
    assert version(shared) == "1"


def test_a_rollback_that_fails_its_validation_says_so(shared: World, packs: Packs) -> None:
    assert deploy(shared, packs, "5").code == 0
    before = serving(shared.site)
    result = shared.rollback("--set", "hosts.prod.url=http://127.0.0.1:9")
    assert result.code == 6
    assert "THE ROLLBACK FAILED" in result.err
    assert f"{before} serves again" in result.err
    assert "fab status --host=prod" in result.err
    assert (serving(shared.site), lock_is_free(shared.site)) == (before, True)
    assert deploy(shared, packs, "6").code == 0
    assert version(shared) == "6"
    assert serving(shared.site) > before


def test_a_rollback_that_is_stopped_leaves_what_served_before(shared: World, packs: Packs) -> None:
    assert [deploy(shared, packs, number).code for number in ("8", "9")] == [0, 0]
    before = serving(shared.site)
    shared.configure({"hooks": {"post_release": ["sleep 60"]}})
    client = shared.start_fab("rollback", "--host=prod")
    assert client.stdout is not None
    assert any("sleep 60" in line for line in client.stdout)
    client.send_signal(signal.SIGINT)
    _, err = client.communicate(timeout=60)
    shared.configure({"hooks": {"post_release": []}})
    assert client.returncode == 4, err
    assert f"the rollback was stopped; {before} serves again" in err
    assert (serving(shared.site), version(shared)) == (before, "9")
    assert shared.rollback().code == 0
    assert version(shared) == "8"


def test_a_failing_hook_does_not_keep_anybody_from_going_back(shared: World, packs: Packs) -> None:
    assert [deploy(shared, packs, number).code for number in ("6", "7")] == [0, 0]
    shared.configure({"hooks": {"post_release": ["exit 3", "..."]}})
    result = shared.rollback()
    shared.configure({"hooks": {"post_release": []}})
    assert result.code == 3, result.text
    assert "exit 3" in result.text
    assert (version(shared), records(shared.site)[serving(shared.site)]["confirmed"]) == ("6", True)


def test_releases_beyond_keep_releases_go(open_worlds: Callable[..., World], artifacts: Artifacts) -> None:
    world = open_worlds(settings={"hosts": {"prod": {"keep_releases": 2, "health_tries": 1, "backup": "always"}}})
    releases = world.site / "releases"
    for number in ("1", "2"):
        assert deploy(world, artifacts, number).code == 0
    foreign = [releases / "20010101000000", releases / "notes", releases / "20010101000001"]
    foreign[0].mkdir()
    (foreign[0] / "file").write_text("somebody's")
    foreign[1].write_text("somebody's")
    foreign[2].symlink_to("/etc")
    assert deploy(world, artifacts, "3").code == 0
    for _ in range(3):
        assert deploy(world, artifacts, "9", {"app/Http/Controllers/StatusController.php": "<?php class {"}).code == 4
    assert deploy(world, artifacts, "4").code == 0
    ids = [id for id in world.releases() if not id.startswith("2001")]
    assert sorted(state for id, state in zip(ids, states(world.site), strict=True) if state != "failed") == ["live", "retired"]
    assert states(world.site).count("failed") == 2
    assert sorted(records(world.site)) == ids
    assert (foreign[0] / "file").read_text() == foreign[1].read_text() == "somebody's"
    assert foreign[2].is_symlink()
    assert len(list((world.site / "backups").iterdir())) == 7
    assert leftovers(world.site) == []

    assert world.rollback().code == 0
    live = serving(world.site)
    again = world.fab("server.cleanup", "--keep=1", "--host=prod")
    assert again.code == 0, again.text
    assert (version(world), serving(world.site), (world.site / "current").exists()) == ("3", live, True)


def test_cleanup_keeps_going_when_a_release_cannot_be_removed(shared: World) -> None:
    (shared.site / ".deploy/trash").rmdir()
    (shared.site / ".deploy/trash").write_text("in the way")
    result = shared.fab("server.cleanup", "--keep=1", "--host=prod")
    (shared.site / ".deploy/trash").unlink()
    assert result.code in (0, 3), result.text
    assert "the next one goes on" in result.text
    assert shared.get("/release").status == 200


def test_a_damaged_record_is_no_target_and_no_obstacle(shared: World, packs: Packs) -> None:
    path: Path = shared.site / ".deploy/releases" / f"{serving(shared.site)}.json"
    path.write_text("{ damaged")
    assert deploy(shared, packs, "8").code == 0
    assert version(shared) == "8"
