"""What goes wrong whatever the application: artifacts, settings and hooks. The old release serves, and the next one needs no repair."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fabfile.engine import manifest
from tests.security.conftest import Packs
from tests.support.attempts import attempt, next_one_succeeds, settled
from tests.support.deployment import World
from tests.support.site import log_blocks, records, serving

pytestmark = pytest.mark.system

TELL = 'echo "$PHASE $HOST $RELEASE $PREVIOUS $COMMIT" >>"$HOME/told"'


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], packs: Packs) -> World:
    """A site that serves version 1; every test here leaves it with a good version."""
    world = sample_worlds(settings={"hooks": {"on_failure": [TELL], "on_rollback": [TELL]}, "hosts": {"prod": {"health_tries": 1}}})
    assert world.deploy("--artifact", str(packs.version("1"))).code == 0
    return world


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(("damage", "says"), [
    (lambda data: data[: len(data) // 2], "cannot be read"),
    (lambda data: flipped(data, len(data) // 2), "cannot be read"),  # at its end, in tar's padding, a bit may mean the same
    (lambda data: b"", "cannot be read"),
    (lambda data: b"no archive at all", "cannot be read"),
], ids=["truncated", "one bit flipped", "empty", "not an archive"])  # fmt: skip
def test_a_damaged_artifact(damage: Callable[[bytes], bytes], says: str, world: World, packs: Packs, tmp_path: Path) -> None:
    (tmp_path / "damaged.tar.gz").write_bytes(damage(packs.version("2").read_bytes()))
    releases = world.releases()
    made = attempt(world, "--artifact", str(tmp_path / "damaged.tar.gz"))
    assert made.result.code == 4, made.result.text
    assert says in made.result.text
    assert f"{made.before} still serves" in made.result.text
    settled(world, made)
    assert world.releases() == releases
    next_one_succeeds(world, packs)


def test_an_artifact_that_is_not_there_is_a_usage_error(world: World) -> None:
    made = attempt(world, "--artifact", "nowhere.tar.gz")
    assert made.result.code == 2
    assert "there is no file" in made.result.err
    settled(world, made)


def test_what_is_no_artifact_at_all_is_refused_before_anything_is_made(world: World, tmp_path: Path) -> None:
    (tmp_path / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n" * 20)
    made = attempt(world, "--artifact", str(tmp_path / "passwd"))
    assert made.result.code == 4, made.result.text
    assert f"{tmp_path}/passwd: cannot be read: it is no gzip'ed tar archive" in made.result.err
    assert "Release" not in made.result.out
    settled(world, made)


NOTES: dict[str, tuple[Callable[[str], str], str]] = {
    "of another file": (lambda text: text, "has the SHA-256 "),
    "of zeros": (lambda text: json.dumps({**json.loads(text), "digest": "0" * 64}), "has the SHA-256 000000000000…"),
    "garbage": (lambda text: text[:20], "cannot be read"),
    "no note": (lambda text: "[1, 2]", "cannot be read"),
}


@pytest.mark.parametrize("what", NOTES)
def test_an_artifact_that_is_not_what_its_note_says(what: str, world: World, packs: Packs, tmp_path: Path) -> None:
    """It is refused, also where this machine built it, until somebody takes the note away."""
    file, written = tmp_path / "release.tar.gz", NOTES[what]
    file.write_bytes(packs.version("1").read_bytes())
    note = json.dumps({"path": "x", "digest": manifest.digest(file), "commit": "c" * 40, "branch": "main"})
    file.write_bytes(packs.version("2", {"public/evil.php": "<?php"}).read_bytes())
    (tmp_path / "release.tar.gz.json").write_text(written[0](note))
    made = attempt(world, "--artifact", str(file))
    assert made.result.code == 2, made.result.text
    assert f"{file} may not be what was built: its note {file}.json {written[1]}" in made.result.err
    assert f"remove {file}.json to deploy the file anyway" in made.result.err
    settled(world, made)


def test_an_artifact_without_a_note_has_no_commit(world: World, packs: Packs) -> None:
    assert world.deploy("--artifact", str(packs.version("3"))).code == 0
    assert re.search(r"^commit +not known$", world.fab("status").out, re.MULTILINE)


@pytest.mark.parametrize(("setting", "code", "says"), [
    ("php=/nowhere/php", 4, "'/nowhere/php', cannot be run"),
    ("php=true", 4, "cannot be run"),
    ("path=/proc/site", 2, "/proc/site"),
    ("port=1", 4, "cannot connect"),
    ("health_path=/nothing", 4, "/nothing with 404"),
    ("url=http://127.0.0.1:9", 5, "answers nothing after 1 tries"),
    ("keep_releases=none", 2, "keep_releases"),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_a_wrong_setting(setting: str, code: int, says: str, world: World, packs: Packs) -> None:
    made = attempt(world, "--artifact", str(packs.version("2")), "--set", f"hosts.prod.{setting}")
    assert made.result.code == code, made.result.text
    assert says in made.result.text
    settled(world, made)
    if code != 2:
        next_one_succeeds(world, packs)


# Each takes long enough for visitors to meet maintenance mode.
HOOKS: list[tuple[str, Any, int, bool]] = [
    ("pre_release", ["echo pre; sleep 0.5; exit 3"], 4, True),
    ("mid_release", ["echo mid; exit 3"], 4, False),
    ("mid_release", [{"command": "sleep 0.5; exit 3", "place": "local"}, "..."], 4, True),
    ("post_release", ["echo post; exit 3"], 5, False),
    ("post_release", ["echo post; sleep 0.5; exit 3"], 5, True),
    ("post_release", ["sleep 0.5; exit 3", "..."], 5, True),
    ("post_release", ["...", {"command": "exit 3", "place": "local"}], 5, False),
]


@pytest.mark.parametrize(("point", "hooks", "code", "maintenance"), HOOKS)
def test_a_failing_hook(point: str, hooks: list[Any], code: int, maintenance: bool, world: World, packs: Packs) -> None:
    world.configure({"hooks": {point: hooks}, "hosts": {"prod": {"maintenance": maintenance}}})
    made = attempt(world, "--artifact", str(packs.version("7")))
    newest = world.releases()[-1]
    world.configure({"hooks": {point: []}, "hosts": {"prod": {"maintenance": False}}})
    assert made.result.code == code, made.result.text
    assert "exit code" in made.result.text
    assert serving(world.site) == made.before
    assert json.loads(world.get("/release").body)["release"] == made.before
    assert {answer.status for answer in made.load.failed} == ({503} if maintenance else set())
    assert not (world.site / "current/storage/framework/down").exists()
    assert records(world.site)[newest]["state"] == ("failed" if code == 4 else "bad")
    assert records(world.site)[made.before]["state"] == "live"
    assert made.told == f"{'on_failure' if code == 4 else 'on_rollback'} prod {newest} {made.before} \n"
    next_one_succeeds(world, packs)


def test_the_log_says_of_a_release_what_became_of_it(world: World, packs: Packs) -> None:
    """People choose by it where they go back to."""
    failed = world.deploy("--artifact", str(packs.version("8")), '--set=hooks.mid_release=["exit 3"]')
    assert failed.code == 4, failed.text
    newest, count = world.releases()[-1], len(log_blocks(world.site))
    assert world.fab("server.log", "--host=prod", f"--release={newest}").code == 0
    assert world.fab("server.log", "--host=prod").code == 0
    assert world.fab("server.log", "--host=prod", "--status=ROLLED BACK ON REQUEST").code == 0
    said = [(block["Deployment"], block["Status"]) for block in log_blocks(world.site)[count:]]
    live = serving(world.site)
    assert said == [(newest, "FAILED"), (live, "SUCCESS"), (live, "ROLLED BACK ON REQUEST")]
    for flag, says in (("--release=1", "there is no release 1"), ("--status=WHATEVER", "--status must be one of SUCCESS, ")):
        refused = world.fab("server.log", "--host=prod", flag)
        assert (refused.code, says in refused.err) == (2, True), refused.text
    assert len(log_blocks(world.site)) == count + 3
