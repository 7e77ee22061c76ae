"""What an upload costs, and that it is worth it: only what is new is sent, nothing damaged is carried over, a broken one goes on."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable

import pytest

from fabfile.engine import manifest
from tests.support.artifact import Artifacts
from tests.support.deployment import VERSION_FILE, World
from tests.support.fab import Result
from tests.support.site import leftovers, records, serving

from .conftest import NO_FRONTEND

pytestmark = pytest.mark.system
AUTOLOADER = "vendor/composer/autoload_classmap.php"


@pytest.fixture(scope="module")
def world(open_worlds: Callable[..., World], artifacts: Artifacts) -> World:
    world = open_worlds(settings=NO_FRONTEND)
    deployed(world, artifacts, "1")
    return world


def deployed(world: World, artifacts: Artifacts, number: str, **changes: str) -> Result:
    """Deploy that version, which must be what was built, all of it."""
    artifact = artifacts.version(number, changes)
    result = world.deploy("--artifact", str(artifact))
    assert result.code == 0, result.text
    live = serving(world.site)
    built = manifest.read(artifact)
    assert records(world.site)[live]["manifest"] == built.digest
    assert (world.site / ".deploy/releases" / f"{live}.manifest").read_bytes() == b"".join(built.lines())
    assert world.fab("verify").code == 0
    assert f"'{number}'" in (world.site / "current" / VERSION_FILE).read_text()
    assert leftovers(world.site) == []
    return result


def sent(result: Result) -> float:
    """Kilobytes of the artifact that were sent."""
    found = re.search(r"([\d.]+) (k|M)B sent", result.out)
    assert found, result.out
    return float(found[1]) * (1000 if found[2] == "M" else 1)


def test_the_first_one_is_sent_whole_and_the_next_one_by_its_differences(world: World, artifacts: Artifacts) -> None:
    second = deployed(world, artifacts, "2")
    assert "sent: 1 of " in second.out
    assert sent(second) < 4
    same = deployed(world, artifacts, "2")
    assert "0.0 kB sent: 0 of " in same.out


def test_another_machine_asks_the_server_what_it_has(world: World, artifacts: Artifacts) -> None:
    shutil.rmtree(world.home / ".cache/laravel-fab/notes/manifests")
    assert sent(deployed(world, artifacts, "3")) < 4


def test_a_hot_fix_on_the_server_is_not_carried_over(world: World, artifacts: Artifacts) -> None:
    release = world.site / "releases" / serving(world.site)
    fixed, gone = release / "routes/web.php", release / AUTOLOADER
    fixed.write_text(fixed.read_text() + "\n// fixed at night\n")
    kept = gone.read_text()
    gone.unlink()
    try:
        result = deployed(world, artifacts, "4")
    finally:
        gone.write_text(kept)
    assert f"changed on the server, sent anew: routes/web.php, {AUTOLOADER}" in result.out


def test_a_manifest_that_is_not_the_one_that_was_verified_is_of_no_use(world: World, artifacts: Artifacts) -> None:
    shutil.rmtree(world.home / ".cache/laravel-fab/notes/manifests")
    file = world.site / ".deploy/releases" / f"{serving(world.site)}.manifest"
    file.write_text(file.read_text().replace("F 644", "F 755", 1))
    assert sent(deployed(world, artifacts, "5")) > 100


def test_a_php_that_may_not_copy_gets_everything(world: World, artifacts: Artifacts) -> None:
    world.configure({"hosts": {"prod": {"php": "php -d disable_functions=copy"}}})
    result = deployed(world, artifacts, "8")
    world.configure({"hosts": {"prod": {"php": "php"}}})
    assert "cannot be built on" in result.out
    assert sent(result) > 100


@pytest.mark.parametrize(("number", "spoil"), [("6", False), ("7", True)])
def test_an_interrupted_upload_goes_on(number: str, spoil: bool, world: World, artifacts: Artifacts) -> None:
    """What is left of one is its beginning; here of a whole artifact, since the server's releases are no help."""
    whole = artifacts.version(number).read_bytes()
    part = world.site / ".deploy/incoming" / manifest.digest(artifacts.version(number))
    part.parent.mkdir(mode=0o700)
    part.write_bytes(whole[: len(whole) // 2 - spoil] + b"?" * spoil)
    (part.parent / ("0" * 64)).write_text("of another one")
    for record in (world.site / ".deploy/releases").glob("*.manifest"):
        record.write_text("")
    shutil.rmtree(world.home / ".cache/laravel-fab/notes/manifests", ignore_errors=True)
    result = deployed(world, artifacts, number)
    assert ("went on after" in result.out) != spoil
    assert sent(result) * 1000 == pytest.approx(len(whole) if spoil else len(whole) / 2, rel=0.1)
