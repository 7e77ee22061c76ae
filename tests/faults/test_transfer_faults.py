"""What can happen to an artifact on its way into a release, and what it may bring that is not its own."""

from __future__ import annotations

import io
import json
import signal
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fabfile.engine.pipes import BOOT, ProcessPipe
from fabfile.engine.shell import Shell
from fabfile.server.receive import APPEAR
from tests.engine.places import eventually
from tests.faults.faulty import Shims, deploys, news, unharmed, writes
from tests.security.conftest import SAMPLE, pack
from tests.support.deployment import World
from tests.support.site import lock_is_free, records, serving, tree

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def shims(tmp_path_factory: pytest.TempPathFactory) -> Shims:
    return Shims(tmp_path_factory.mktemp("shims") / "bin")


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], sample: Path, shims: Shims) -> World:
    world = sample_worlds(env=shims.env)
    assert world.deploy("--artifact", str(sample)).code == 0
    return world


def test_a_client_that_dies_halfway_through_an_upload(world: World, sample: Path, shims: Shims, tmp_path: Path) -> None:
    before, half = serving(world.site), tmp_path / "half"
    stop = f"dd bs=1 count=1000 2>/dev/null; : >'{half}'; while [ -e '{half}' ]; do sleep 0.05; done"
    with shims.shim("cat", shims.once("cat", writes("artifact.tar.gz"), stop)):
        client = world.start_fab("deploy", "--host=prod", "--artifact", news(tmp_path))
        assert eventually(half.exists, 60)
        client.send_signal(signal.SIGKILL)
        client.communicate()
        half.unlink()
    assert eventually(lambda: lock_is_free(world.site), 60)
    assert serving(world.site) == before
    assert [record["state"] for id, record in records(world.site).items() if id > before] == ["uploading"]
    deploys(world, "--artifact", str(sample))
    assert world.releases()[0] == before, "what had half arrived never became a release"


DAMAGES = ("head -c 3000", "tr 'a' 'b'", ":")  # cut short, bytes changed, nothing arrived


def test_damage_on_the_way_is_found_before_anything_is_unpacked(world: World, sample: Path, shims: Shims, tmp_path: Path) -> None:
    before, releases = serving(world.site), world.releases()
    for number, damage in enumerate(DAMAGES):
        damaged = f'if {writes("artifact.tar.gz")}; then {damage}; "$real" >/dev/null; exit 0; fi\nexec "$real" "$@"'
        with shims.shim("cat", damaged), shims.shim("tar", 'echo "unpacked" >&2; exit 1'):
            result = world.deploy("--artifact", news(tmp_path, number))
        unharmed(world, result, before, "the artifact arrived damaged")
        assert "unpacked" not in result.text
    assert world.releases() == releases
    deploys(world, "--artifact", str(sample))


def test_an_artifact_of_something_else_is_refused(world: World, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "other.tar.gz", "w:gz") as tar:
        tar.add(SAMPLE, "notes")  # the folder above the application
    before = serving(world.site)
    unharmed(world, world.deploy("--artifact", str(tmp_path / "other.tar.gz")), before, "lacks artisan")


OWN = {".env": "APP_KEY=theirs", "storage/app/photo": "theirs", ".git/config": "[core]", "public/.user.ini": "x=1"}


def test_what_an_artifact_brings_of_the_servers_own_changes_nothing_shared(world: World, tmp_path: Path) -> None:
    photo = world.site / "shared/storage/app/photo"
    photo.write_text("a visitor's")
    before = world.env_file.read_bytes(), photo.read_bytes()
    deploys(world, "--artifact", str(pack(tmp_path / "own.tar.gz", OWN)))
    assert (world.env_file.read_bytes(), photo.read_bytes()) == before
    current = world.site / "current"
    assert (current / ".env").samefile(world.env_file)
    assert (current / "storage/app").samefile(photo.parent)
    assert world.get("/.env").status != 200 or "theirs" not in world.get("/.env").body
    assert "theirs" not in (current / ".env").read_text()


def test_a_folder_where_the_link_to_shared_files_belongs_is_refused(world: World, tmp_path: Path) -> None:
    before, shared = serving(world.site), tree(world.site / "shared")
    result = world.deploy("--artifact", str(pack(tmp_path / "own.tar.gz", {"public/storage/photo": "theirs"})))
    unharmed(world, result, before, "public/storage")
    assert tree(world.site / "shared") == shared


LONG = "/".join(["d" * 200] * 15)  # 3,000 bytes of a path; no name may be longer than 255


def test_very_many_files_with_very_long_names(world: World, tmp_path: Path) -> None:
    """More of them than any command line could hold, more bytes than a pipe."""
    names = {f"public/many/{'n' * 180}-{number}": str(number) for number in range(14000)}
    large = pack(tmp_path / "large.tar.gz", {**names, f"public/{LONG}/file": "deep"})
    deploys(world, "--artifact", str(large))
    current = (world.site / "current").resolve()
    assert len(list((current / "public/many").iterdir())) == 14000
    assert records(world.site)[current.name]["files"] > 14000
    assert (current / "public" / LONG / "file").read_text() == "deep"


def test_a_release_is_never_put_into_a_folder_that_is_there(tmp_path: Path) -> None:
    shell = Shell("local", lambda command=BOOT: ProcessPipe(command), silence=0)
    (tmp_path / "partial").mkdir()
    (tmp_path / "partial/artisan").touch()
    try:
        for kind in ("folder", "file", "dangling"):
            there = tmp_path / kind
            {"folder": there.mkdir, "file": there.touch, "dangling": lambda at=there: at.symlink_to("nowhere")}[kind]()
            answer = shell.ask(APPEAR, tmp_path / "partial", there, check=False)
            assert (answer.code, "is there already" in answer.err) == (1, True)
            assert not (there / "partial").exists()
        shell.ask(APPEAR, tmp_path / "partial", tmp_path / "new")
        assert (tmp_path / "new/artisan").exists()
    finally:
        shell.close()


def all_at_once(source: Path, target: Path, version: int) -> Path:
    """The artifact again, another version of it, every file of the same second: as reproducible builds make them."""
    with tarfile.open(source) as old, tarfile.open(target, "w:gz", compresslevel=1, format=tarfile.GNU_FORMAT) as new:
        for member in old:
            body = old.extractfile(member) if member.isfile() else None
            data = body.read() if body else b""
            if member.name == "config/app.php":
                data = data.replace(b"'version' => 1,", b"'version' => %d," % version)
            member.size, member.mtime = len(data), 1_700_000_000
            new.addfile(member, io.BytesIO(data) if body else None)
    return target


def test_files_that_are_all_of_one_second(sample_worlds: Callable[..., World], sample: Path, tmp_path: Path) -> None:
    """nginx, a pool with OPcache, and nothing that a file's time could tell: right version, right way back, right ones removed."""
    world = sample_worlds(folder="seconds", web="nginx")
    for version in (1, 2):
        artifact = all_at_once(sample, tmp_path / f"{version}.tar.gz", version)
        deploys(world, "--artifact", str(artifact), "--set=hosts.prod.keep_releases=1")
        assert str(json.loads(world.get("/?json").body)["version"]) == str(version)
    assert world.rollback().code == 0
    assert str(json.loads(world.get("/?json").body)["version"]) == "1"
    assert world.releases()[0] == world.current()
