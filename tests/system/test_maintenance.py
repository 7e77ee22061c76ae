"""Maintenance mode of a real Laravel: a secret of its own each time, which nobody reads by chance, and health that passes it."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from tests.support.artifact import Artifacts
from tests.support.deployment import World
from tests.support.php_web import NginxFpm
from tests.support.site import serving

from .conftest import NO_FRONTEND

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def world(open_worlds: Callable[..., World], artifacts: Artifacts) -> World:
    world = open_worlds(web="nginx", settings=NO_FRONTEND)
    assert isinstance(world.web, NginxFpm)
    world.configure({"hosts": {"prod": {"fpm_socket": str(world.web.socket)}}})  # health asks there, too
    assert world.deploy("--artifact", str(artifacts.version("1"))).code == 0
    return world


def ask(world: World, path: str, cookie: str = "") -> HTTPResponse:
    with closing(HTTPConnection("127.0.0.1", world.web.port, timeout=20)) as connection:
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        answer = connection.getresponse()
        answer.read()
        return answer


def test_there_is_a_way_past_it_for_whoever_has_the_file(world: World) -> None:
    seen = []
    for _ in range(2):
        result = world.fab("server.down", "--host=prod", "--verbose")
        assert result.code == 0, result.text
        file = world.site / "current/storage/framework/down"
        secret = json.loads(file.read_text())["secret"]
        assert (len(secret), stat.S_IMODE(file.stat().st_mode)) == (32, 0o640)
        assert ask(world, "/release").status == 503
        opened = ask(world, f"/{secret}")
        assert opened.status == 302
        assert ask(world, "/release", str(opened.headers["Set-Cookie"]).partition(";")[0]).status == 200
        assert secret not in result.text
        written = [world.site / "deployment.log", *(world.site / ".deploy").rglob("*"), *(world.site / "shared/storage/logs").iterdir()]
        assert not [path for path in written if path.is_file() and secret in path.read_text(errors="replace")]
        seen.append(secret)
        assert world.fab("server.up", "--host=prod").code == 0
    assert seen[0] != seen[1]


@pytest.mark.parametrize("shared", ["storage/app", "storage"])
def test_a_deployment_in_maintenance_is_well_and_ends_it(shared: str, world: World, artifacts: Artifacts) -> None:
    """Where all of storage is shared, the new release is down with the old one, and has to be looked at all the same."""
    copied = "cp -p storage/framework/down ../../down-before; php artisan down | tail -n 1"
    world.configure({"hosts": {"prod": {"maintenance": True, "shared_folders": [shared]}}, "hooks": {"pre_release": ["...", copied]}})
    for number in ("2", "3"):
        result = world.deploy("--artifact", str(artifacts.version(number)))
        assert result.code == 0, result.text
        assert json.loads((world.site / "down-before").read_text())["secret"] not in result.text
        assert "maintenance mode lifted" in result.out
        assert json.loads(world.get("/release").body)["version"] == number
    assert not list(world.site.glob("releases/*/storage/framework/down"))
    assert not (world.site / ".deploy/owed").exists()
    assert serving(world.site) == world.releases()[-1]


@pytest.fixture(scope="module")
def cached(sample_worlds: Callable[..., World], sample: Path) -> World:
    """A site whose maintenance mode is kept in the cache, as it says: all that artisan says then is that it is up already."""
    world = sample_worlds(folder="cached")
    world.env_file.write_text(world.env_file.read_text() + "APP_MAINTENANCE_DRIVER=cache\n")
    up = 'if [ "$1 $2" = "artisan up" ]; then echo up >>"${0%/*}/asked"; echo "   INFO  Application is already up."; exit 0; fi'
    (php := world.folder / "php").write_text(f'#!/bin/sh\n{up}\nexec php "$@"\n')
    php.chmod(0o755)
    world.configure({"hosts": {"prod": {"php": str(php)}}})
    assert world.deploy("--artifact", str(sample)).code == 0
    return world


def told(world: World) -> int:
    """How often artisan was told to end it."""
    asked = world.folder / "asked"
    return len(asked.read_text().splitlines()) if asked.exists() else 0


def test_what_nobody_can_see_is_ended_by_who_began_it(cached: World, sample: Path) -> None:
    for words in (("deploy", "--artifact", str(sample)), ("rollback",)):
        assert cached.fab(*words, "--host=prod").code == 0
    assert told(cached) == 0, "it may be somebody's"
    result = cached.deploy("--artifact", str(sample), "--set=hosts.prod.maintenance=true")
    assert (result.code, told(cached)) == (0, 1), result.text


def test_a_file_that_the_application_reads_no_more_keeps_no_site_in_maintenance(cached: World) -> None:
    (file := cached.site / "current/storage/framework/down").write_text("{}")
    assert "maintenance  ON" in cached.fab("status", "--host=prod").out
    assert cached.fab("server.up", "--host=prod").code == 0
    assert not file.exists()
    assert "maintenance  kept in the application's cache" in cached.fab("status", "--host=prod").out
