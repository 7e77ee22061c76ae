"""Traps of the flow's build, git and notification steps."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.support.deployment import World
from tests.support.fab import Result
from tests.support.process import program

BUILD = ("builder.prepare", "builder.clone", "builder.restore-cache", "builder.install")


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World]) -> World:
    return sample_worlds()


def built(world: World) -> Path:
    """The folder of the newest build."""
    return world.folder / "build/notes/work"


def packed(world: World) -> list[str]:
    """The names in the newest artifact."""
    newest = max((world.folder / "build").rglob("*.tar.gz"), key=lambda path: path.stat().st_mtime_ns)
    with tarfile.open(newest) as tar:
        return tar.getnames()


def test_trap_06_a_folder_that_is_not_ours_is_not_emptied(world: World, tmp_path: Path) -> None:
    work = tmp_path / "notes" / "work"
    work.mkdir(parents=True)
    (work / "thesis.txt").write_text("years")
    result = world.fab("builder.prepare", "--host=prod", f"--set=build.path={tmp_path}")
    assert result.code == 4
    assert "was not made by laravel-fab" in result.err
    assert (work / "thesis.txt").read_text() == "years"


def test_trap_06_16_nothing_of_the_builders_own_is_shipped(world: World) -> None:
    """Caches that somebody committed or a build made, and environment files, whatever they are called."""
    bad = ["bootstrap/cache/config.php", "bootstrap/cache/routes-v7.php", "bootstrap/cache/packages.php", "public/hot", "nested/.env.local"]
    for name in bad:
        (world.clone / name).parent.mkdir(exist_ok=True, parents=True)
        (world.clone / name).write_text("<?php return ['app' => ['key' => null]];" if name.endswith(".php") else "X=")
    world.origin.run("add", "-f", *bad)
    world.commit({}, "bad")
    try:
        result = world.fab("builder", "--host=prod")
        assert result.code == 0, result.text
        assert set(packed(world)) & set(bad) == set()
        assert {"artisan", "config/app.php"} <= set(packed(world))
        assert not (world.clone / "build").exists()
    finally:
        world.commit(dict.fromkeys(bad))


def test_trap_27_a_commit_can_be_built_after_its_branch_moved_away(world: World) -> None:
    wanted = world.commit({"public/robots.txt": "the wanted one"})
    world.origin.run("reset", "-q", "--hard", "HEAD~1")
    world.origin.run("push", "-q", "-f", "origin", "main")
    world.commit({"public/robots.txt": "another one"})
    result = world.fab("builder.prepare", "builder.clone", "--host=prod", f"--commit={wanted}")
    assert result.code == 0, result.text
    assert (built(world) / "public/robots.txt").read_text() == "the wanted one"
    unknown = world.fab("builder.prepare", "builder.clone", "--host=prod", f"--commit={'0123456789' * 4}")
    assert unknown.code == 4


def test_trap_27_a_repository_that_cannot_be_read_is_not_called_an_unpushed_branch(world: World) -> None:
    head = world.origin.bare / "HEAD"
    away = head.rename(world.origin.bare / "away")
    try:
        refused = world.fab("local.check", "--host=prod")
        warned = world.fab("local.check", "--host=prod", "--force")
    finally:
        away.rename(head)
    assert refused.code == 4
    assert f"{world.origin.bare} cannot be read from here: fatal:" in refused.err
    assert "git push" not in refused.err
    assert warned.code in (0, 3), warned.text


def test_trap_32_a_server_with_another_php_is_told_before_anything_is_built(world: World) -> None:
    before = {path.name for path in world.site.iterdir()}
    result = world.deploy("--set=versions.php=7.0")
    assert result.code == 4
    assert "versions.php asks for 7.0" in result.err
    assert "1.1-prebuild" not in result.out
    assert {path.name for path in world.site.iterdir()} == before


def test_trap_32_a_server_without_an_extension_is_told_too(world: World) -> None:
    composer = json.loads((world.clone / "composer.json").read_text())
    original = (world.clone / "composer.json").read_text()
    composer["require"] = {**composer.get("require", {}), "ext-nothing-has-it": "*"}
    (world.clone / "composer.json").write_text(json.dumps(composer))
    try:
        result = world.fab("server.check", "--host=prod")
    finally:
        (world.clone / "composer.json").write_text(original)
    assert result.code == 4
    assert "nothing-has-it" in result.err


ENV_FILES = [(".env.production", 4), ("Admin-Local/EnvFiles/.env.staging", 4), (".env.example", 0), (".env.testing", 0)]


@pytest.mark.parametrize(("name", "code"), ENV_FILES)
def test_trap_42_secrets_in_git_are_noticed(name: str, code: int, world: World) -> None:
    file = world.clone / name
    before = file.read_text() if file.exists() else None
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("APP_KEY=base64:c2VjcmV0\nDB_PASSWORD=s3cret-in-git\n")
    world.origin.run("add", "-f", name)
    world.commit({}, name)
    try:
        result = world.fab("local.check", "--host=prod")
        assert result.code == code, result.text
        if code:
            assert f"{name} is in git" in result.err
            assert f"git rm --cached {name}" in result.err
            assert "s3cret-in-git" not in result.text
    finally:
        world.commit({name: before})


def test_trap_42_an_env_with_nothing_in_it_may_stay(world: World) -> None:
    (world.clone / ".env.production").write_text("APP_KEY=\nDB_PASSWORD=null\nAPP_URL=https://example.com\n")
    world.origin.run("add", "-f", ".env.production")
    world.commit({}, "empty")
    try:
        assert world.fab("local.check", "--host=prod").code == 0
    finally:
        world.commit({".env.production": None})


def test_trap_42_an_env_made_for_a_host_is_for_one_person_and_not_for_git(world: World) -> None:
    assert world.fab("local.env", "--host=prod").code == 0
    try:
        assert (world.clone / ".env.prod").stat().st_mode & 0o777 == 0o600
        assert world.origin.run("status", "--porcelain", "--untracked-files=all", "--", ".env.prod") == ""
    finally:
        (world.clone / ".env.prod").unlink()
        world.origin.run("checkout", "-q", ".")


class Slack(BaseHTTPRequestHandler):
    """Takes what Slack would take."""

    got: list[dict[str, Any]] = []  # noqa: RUF012 one at a time

    def do_POST(self) -> None:
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def slack() -> Iterator[str]:
    Slack.got.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slack)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


def test_trap_47_slack_is_told_of_success_and_failure_in_its_own_format(world: World, sample: Path, slack: str) -> None:
    told = (f"--set=notify.slack={slack}", "--artifact", str(sample))
    assert world.deploy(*told).code == 0
    assert world.deploy(*told, '--set=hooks.mid_release=["exit 1"]').code == 4
    assert [message["text"].rsplit(" ", 1)[1] for message in Slack.got] == ["success", "failure"]
    for message in Slack.got:
        assert set(message) == {"text", "attachments"}
        fields = message["attachments"][0]["fields"]
        assert {field["title"] for field in fields} >= {"Release", "By"}
        assert all({"title", "value"} <= set(field) for field in fields)
    assert "exit 1" in json.dumps(Slack.got[1])


def test_trap_47_a_slack_that_does_not_answer_fails_nothing(world: World, sample: Path) -> None:
    result = world.deploy("--set=notify.slack=http://127.0.0.1:9/hook", "--set=notify.timeout=1", "--artifact", str(sample))
    assert result.code in (0, 3), result.text
    assert "Slack could not be told" in result.out


# Composer itself: the real application of the tests, and a PHP that writes down how it was called.


class Bench:
    """A world whose builds use a PHP of their own, and what that PHP was asked."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.log = world, folder / "php.log"
        php = folder / "php-of-the-build"
        php.write_text(f'#!/bin/sh\necho "$*" >>\'{self.log}\'\nexec {program("php")} "$@"\n')
        php.chmod(0o755)
        world.configure({"build": {"php": str(php), "composer": program("composer"), "package_manager": "none"}})

    def build(self, *args: str) -> tuple[Result, list[str]]:
        """Build up to Composer; what PHP was called with."""
        self.log.unlink(missing_ok=True)
        result = self.world.fab(*BUILD, "--host=prod", *args)
        assert result.code == 0, result.text
        return result, [line for line in self.log.read_text().splitlines() if " install " in line]


@pytest.fixture
def bench(world: World, make_world: Callable[..., World], tmp_path: Path) -> Bench:
    return Bench(make_world(), tmp_path)


@pytest.mark.slow
def test_trap_31_33_35_37_composer_runs_once_for_each_lock_with_the_builds_php(bench: Bench) -> None:
    work = built(bench.world)
    first, (line,) = bench.build()
    assert "Nothing cached" in first.out
    assert line.startswith(program("composer"))
    assert {"--no-dev", "--optimize-autoloader", "--no-interaction"} <= set(line.split())
    assert "--classmap-authoritative" not in line
    assert not (work / "vendor/fakerphp").exists()

    second, _ = bench.build()
    assert "Restored from cache: vendor" in second.out
    assert not (work / "vendor/vendor").exists()

    (archive,) = (bench.world.folder / "build/notes/cache").glob("vendor-*.tar")
    archive.write_bytes(archive.read_bytes()[:-1000] + b"x" * 1000)
    third, _ = bench.build("--set=build.classmap_authoritative=true")
    assert "was damaged and has been thrown away" in third.out
    assert "--classmap-authoritative" in bench.log.read_text()

    lock = json.loads((bench.world.clone / "composer.lock").read_text())
    bench.world.commit({"composer.lock": json.dumps({**lock, "_note": "another lock"})})
    fourth, _ = bench.build()
    assert "Nothing cached" in fourth.out
    status = bench.world.origin.run("status", "--porcelain", "--", "composer.lock", "composer.json")
    assert status == ""  # trap 28: nothing is required or removed behind anybody's back
