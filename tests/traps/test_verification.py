"""The ten points that are verified after a deployment: each is seen when it is wrong, and a deployment ends with all of them."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from socket import create_server
from threading import Thread
from typing import Any

import pytest

from fabfile.engine.scripts import php
from tests.conftest import need
from tests.support import process
from tests.support.deployment import World
from tests.support.fab import Result

pytestmark = pytest.mark.system
POINTS = ["site", "migrations", "uploads", "workers", "logs", "OPcache", "TLS", "maintenance", "releases", "log"]


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], sample: Path) -> World:
    world = sample_worlds()
    assert world.deploy("--artifact", str(sample)).code == 0
    return world


def checked(world: World, *args: str) -> tuple[Result, dict[str, Any]]:
    """What ``fab server.checklist`` says of each point: True, False or None; and in one line why."""
    result = world.fab("server.checklist", "--host=prod", "--json", *args)
    events = [json.loads(line) for line in result.out.splitlines()]
    return result, {event["check"]: (event["good"], event["why"]) for event in events if event["event"] == "check"}


def wrong(points: dict[str, Any]) -> set[str]:
    return {name for name, (good, _) in points.items() if good is False}


def test_a_deployment_ends_with_it_and_it_changes_nothing(world: World, sample: Path) -> None:
    upload = world.site / "shared/storage/app/public/photo.jpg"
    upload.write_text("photo")
    result = world.deploy("--artifact", str(sample), "--verbose")
    assert result.code == 0, result.text
    (line,) = (line for line in result.out.splitlines() if line.startswith("📋"))
    assert [words.split()[-1] for words in line.removeprefix("📋 ").split("  ")] == POINTS
    assert line.count("✅") == 8
    evidence = re.findall(r"^[^\w\s] +(\w+) +\S.*$", result.out.partition(line)[2], re.MULTILINE)
    assert evidence[: len(POINTS)] == POINTS, "--verbose shows what each was judged by"
    before = {
        path: path.lstat().st_mtime_ns
        for path in world.site.rglob("*")
        if ".deploy" not in path.parts and path.name not in ("public", "framework")
    }
    result, points = checked(world)
    assert result.code == 0, result.text
    assert [*points] == POINTS
    assert points["uploads"] == (True, "files in shared/storage/app/public: 1, 1 before the deployment")
    assert points["TLS"] == (None, "the url is not https")
    assert {path: path.lstat().st_mtime_ns for path in before} == before
    shown = world.fab("server.checklist", "--host=prod").out
    assert shown.count("✅") >= 8
    assert "off" in shown


def test_what_is_wrong_is_seen_and_has_an_exit_code(world: World) -> None:
    release = (world.site / "current").resolve()
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    log, uploads = world.site / "shared/storage/logs/laravel.log", world.site / "shared/storage/app/public"
    photo, written = uploads / "photo.jpg", (world.site / "deployment.log").read_text()
    (release / "database/migrations/2030_01_01_000000_later.php").write_text("<?php")
    log.write_text(f"[2020-01-01 00:00:00] production.ERROR: old\n[{now}] production.ERROR: the pump is broken\n")
    photo.rename(world.site / "photo.jpg")
    (world.site / "deployment.log").write_text(written.replace(release.name, "20200101000000"))
    worker = process.spawn(["sh", "-c", f"cd '{world.site}/releases/{old(world)}'; exec php -r 'sleep(60);' artisan"], world.folder / "log")
    try:
        result, points = checked(world, '--set=hosts.prod.shared_folders=["storage/app", "storage/logs", "lost"]')
    finally:
        process.end(worker)
    assert result.code == 4, result.text
    assert wrong(points) == {"migrations", "uploads", "workers", "logs", "log"}
    assert "lost" in points["uploads"][1]
    assert points["logs"][1] == "errors since the switch: 1, the last one in laravel.log: ERROR: the pump is broken"
    assert f"release {old(world)}" in points["workers"][1]
    assert wrong(checked(world)[1]) == {"migrations", "uploads", "logs", "log"}
    (release / "database/migrations/2030_01_01_000000_later.php").unlink()
    (world.site / "photo.jpg").rename(photo)
    (world.site / "deployment.log").write_text(written)
    log.unlink()
    assert checked(world)[0].code == 0


def test_where_php_may_not_look_it_says_so_and_nothing_is_wrong(world: World) -> None:
    result, points = checked(world, "--set=hosts.prod.php=php -d disable_functions=preg_grep")
    assert result.code == 0, result.text
    assert points["workers"] == (None, "PHP may not look at /proc")


def old(world: World) -> str:
    return next(id for id in world.releases() if id != world.current())


def test_maintenance_and_a_site_that_does_not_answer(world: World) -> None:
    world.artisan("down")
    assert {name: checked(world)[1][name][0] for name in ("site", "OPcache", "maintenance")} == {
        "site": None,
        "OPcache": None,
        "maintenance": False,
    }
    world.artisan("up")
    assert wrong(checked(world, "--set=hosts.prod.health_path=/nowhere", "--set=hosts.prod.health_tries=1")[1]) == {"site"}


def test_what_is_wrong_is_a_warning_at_the_end_of_a_deployment(world: World, sample: Path) -> None:
    noise = "sleep 1.1; date -u '+[%F %T] production.ERROR: noise' >>storage/logs/laravel.log"
    world.configure({"hooks": {"post_release": [noise, "..."]}})
    result = world.deploy("--artifact", str(sample))
    world.configure({"hooks": {"post_release": []}})
    (world.site / "shared/storage/logs/laravel.log").unlink()
    assert result.code == 3, result.text
    assert "❌ logs" in result.out
    assert "errors since the switch: 1" in result.out


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server with a certificate of its own, valid for 30 days; its URL, and the certificate."""
    need("openssl", "php")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*words.split(), *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            with suppress(ssl.SSLError, ConnectionError):
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, context.wrap_socket(connection, server_side=True) as secure:
                    secure.recv(1)

    Thread(target=serve, daemon=True).start()
    yield f"https://localhost:{listener.getsockname()[1]}", certificate
    listener.close()


def looked(site: Path, *options: str, url: str = "") -> dict[str, Any]:
    """What the server's PHP says of a site in this folder."""
    given = json.dumps({"url": url, "resolve": "127.0.0.1", "folders": []})
    words = ["sh", "-c", php("server/evidence.php"), "sh", "php", *options, "--", str(site), "mark", given]
    said = subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE).stdout
    return dict(json.loads(said.partition("mark facts ")[2]))


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A site with one empty release."""
    (tmp_path / "releases/20261122101500/storage/logs").mkdir(parents=True)
    (tmp_path / "current").symlink_to("releases/20261122101500")
    return tmp_path


@pytest.mark.parametrize(("after", "text", "counts"), [
    (0, "of nobody knows which release", 0),
    (0, "(E: boom at {site}/releases/20261122101400/app/A.php:3)", 0),
    (0, "(E: boom at {site}/releases/20261122101500/app/A.php:3)", 1),
    (1, "of nobody knows which release", 1),
    (1, "(E: boom at {site}/releases/20261122101400/app/A.php:3)", 0),
    (-1, "(E: boom at {site}/releases/20261122101500/app/A.php:3)", 0),
])  # fmt: skip
def test_an_error_is_the_live_releases_own(after: int, text: str, counts: int, bare: Path) -> None:
    at = datetime.fromtimestamp(int((bare / "current").lstat().st_ctime) + after, timezone.utc)
    line = f"[{at:%Y-%m-%d %H:%M:%S}] production.ERROR: {text.format(site=bare)}\n"
    (bare / "current/storage/logs/laravel.log").write_text(line)
    assert looked(bare)["errors"] == counts


def test_a_certificate_is_valid_for_so_many_days_or_it_says_why_not(tls: tuple[str, Path], bare: Path) -> None:
    url, certificate = tls
    assert looked(bare, "-d", f"openssl.cafile={certificate}", url=url)["certificate"]["days"] in (29, 30)
    assert "certificate verify failed" in looked(bare, url=url)["certificate"]["wrong"]
