"""What may be wrong with the folders and the .env that outlive releases: named, and never taken away from their owner."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.faulty import deploys, unharmed
from tests.support.deployment import World
from tests.support.site import serving, tree

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], sample: Path) -> World:
    world = sample_worlds(folder="shared")
    world.configure({"hosts": {"prod": {"shared_folders": ["storage/app", "storage/logs", "public/uploads"]}}})
    deploys(world, "--artifact", str(sample))
    return world


def a_loop(at: Path) -> None:
    at.symlink_to(at.name)


def a_file(at: Path) -> None:
    at.write_text("somebody's")


@pytest.mark.parametrize("make", [a_loop, a_file])
def test_a_shared_folder_that_is_none_is_named(make: Callable[[Path], None], world: World, sample: Path) -> None:
    uploads, before = world.site / "shared/public/uploads", serving(world.site)
    uploads.rename(uploads.with_name("kept"))
    make(uploads)
    odd = tree(world.site / "shared")
    result = world.deploy("--artifact", str(sample))
    assert tree(world.site / "shared") == odd, "nothing was repaired behind anybody's back"
    uploads.unlink()
    uploads.with_name("kept").rename(uploads)
    unharmed(world, result, before, f"{uploads}'")


def test_shared_folders_that_are_links_or_missing_are_fine(world: World, sample: Path, tmp_path: Path) -> None:
    """Uploads on another disk; logs that somebody removed."""
    uploads, logs = world.site / "shared/public/uploads", world.site / "shared/storage/logs"
    (tmp_path / "photo").write_text("a visitor's")
    uploads.rmdir()
    uploads.symlink_to(tmp_path)
    for log in logs.iterdir():
        log.unlink()
    logs.rmdir()
    deploys(world, "--artifact", str(sample), "--set=hosts.prod.keep_releases=1")
    assert (world.site / "current/public/uploads/photo").read_text() == "a visitor's"
    assert logs.is_dir()
    assert uploads.is_symlink()


KEY = re.compile(rb"^APP_KEY=base64:[\w+/=]{44}\r?$", re.MULTILINE)
ENV = b'\xef\xbb\xbf# ours\r\nAPP_NAME="na\xc3\xafve #1"\r\nAPP_KEY=\r\n'
ENV += b"LATIN=caf\xe9\r\nA='x y'\r\nA=twice\r\nPEM=\"one\r\ntwo\"\r\nEMPTY=\r\nEND=a=b#c"


def test_an_env_in_any_encoding_gets_its_key_and_keeps_every_other_byte(sample_worlds: Callable[..., World], sample: Path) -> None:
    world = sample_worlds(folder="bytes")
    world.env_file.write_bytes(ENV)
    result = world.deploy("--artifact", str(sample))
    assert result.code in (0, 3), result.text
    after = world.env_file.read_bytes()
    assert KEY.search(after)
    assert KEY.sub(b"APP_KEY=\r", after) == ENV
    cached = (world.site / "current/bootstrap/cache/config.php").read_bytes()
    assert b"na\xc3\xafve #1" in cached


@pytest.fixture
def new(sample_worlds: Callable[..., World]) -> World:
    """A server that has no .env yet, for an application without an example of one."""
    world = sample_worlds(folder="new")
    world.env_file.rename(world.clone / ".env.prod")
    return world


def without_example(sample: Path, tmp_path: Path) -> str:
    folder = tmp_path / "bare"
    folder.mkdir(parents=True)
    subprocess.run(["tar", "xzf", sample, "-C", folder], check=True)
    (folder / ".env.example").unlink()
    subprocess.run(["tar", "czf", tmp_path / "bare.tar.gz", "-C", folder, "."], check=True)
    return str(tmp_path / "bare.tar.gz")


def test_what_local_env_wrote_is_taken_where_no_env_file_is_set(new: World, sample: Path, tmp_path: Path) -> None:
    written = new.clone / ".env.prod"
    written.rename(kept := new.clone / "kept")
    result = new.deploy("--artifact", without_example(sample, tmp_path))
    assert result.code == 4, result.text
    assert "there is no shared/.env yet" in result.err
    assert "fab local.env --host=prod writes .env.prod" in result.err
    kept.rename(written)
    result = new.deploy("--artifact", without_example(sample, tmp_path / "again"))
    assert result.code == 0, result.text
    assert f"Uploaded .env.prod as shared/.env (found as {written}; env_file is not set)" in result.out
    assert new.env_file.read_text() == written.read_text()


def test_but_not_for_a_site_that_serves_and_lost_its_own(world: World, sample: Path) -> None:
    (world.clone / ".env.prod").write_text("APP_KEY=base64:another\n")
    world.env_file.rename(kept := world.env_file.with_name("kept.env"))
    before, result = serving(world.site), world.deploy("--artifact", str(sample))
    there = world.env_file.exists()
    kept.rename(world.env_file)
    (world.clone / ".env.prod").unlink()
    assert not there
    unharmed(world, result, before, "has no APP_KEY although")


@pytest.mark.parametrize("named", ["", ".env.prod"])
def test_nor_is_one_that_env_file_names_put_in_its_place(named: str, world: World, sample: Path) -> None:
    """Before anything is built; and a file that is there but was emptied is not replaced either."""
    (world.clone / ".env.prod").write_text("APP_KEY=base64:another\n")
    world.env_file.rename(kept := world.env_file.with_name("kept.env"))
    before, args = serving(world.site), ("--artifact", str(sample), *([f"--set=hosts.prod.env_file={named}"] if named else []))
    gone = world.deploy(*args)
    there = world.env_file.exists()
    world.env_file.write_text("")
    emptied = world.deploy(*args)
    after = world.env_file.read_text()
    kept.rename(world.env_file)
    (world.clone / ".env.prod").unlink()
    assert (there, after) == (False, "")
    for result in (gone, emptied):
        unharmed(world, result, before, "shared/.env has no APP_KEY although")
        assert "bootstrap/cache/config.php" in result.err
    assert "server.check [3.2-connect]" in gone.err
    assert "[3.4-transfer]" not in gone.out


def test_an_env_file_that_is_not_there_is_told_before_anything_is_built(new: World) -> None:
    new.configure({"hosts": {"prod": {"env_file": ".env.live"}}})
    result = new.deploy()
    assert result.code == 4, result.text
    assert f"server.check [3.2-connect]: hosts.prod.env_file: there is no file {new.clone}/.env.live" in result.err
    assert "fab local.env --host=prod writes .env.live" in result.err
    assert "[1.3-clone]" not in result.out
    (new.clone / ".env.prod").rename(new.env_file)
    assert new.fab("server.check", "--host=prod").code == 0, "a server that has its own needs no other"


def test_nothing_to_make_an_env_of_is_told_before_anything_is_built(new: World) -> None:
    """Of this application no .env.example ships; the folders may be made all the same, to put one there by hand."""
    (new.clone / ".env.prod").unlink()
    for args in (("--dry-run",), ()):
        result = new.deploy(*args)
        assert result.code == 4, result.text
        assert "server.check [3.2-connect]: prod: there is no shared/.env yet, and no .env.example ships" in result.err
        assert "fab local.env --host=prod writes .env.prod" in result.err
        assert "[1.3-clone]" not in result.out
    assert new.fab("setup", "--host=prod").code == 0
    ignored = (new.clone / ".deployignore").read_text()
    new.commit({".deployignore": ignored.replace("/.env.example\n", "")})
    result = new.deploy()
    assert result.code == 3, result.text
    assert "shared/.env was made from .env.example" in result.out


ENVS = {
    "a folder": (lambda at: at.mkdir(), "is there but is no file"),
    "a link to a disk that is not there": (lambda at: at.symlink_to("/nowhere/.env"), "is there but is no file"),
    "its key is gone": (lambda at: at.write_text("APP_ENV=production\nAPP_KEY=\n"), "has no APP_KEY although"),
    "it is empty": (lambda at: at.write_text(""), "although"),
    "it is gone": (lambda at: None, "although"),
}


@pytest.mark.parametrize(("make", "says"), ENVS.values(), ids=ENVS)
def test_an_env_that_is_none_stops_and_is_not_replaced(make: Callable[[Path], None], says: str, world: World, sample: Path) -> None:
    env, before = world.env_file, serving(world.site)
    env.rename(env.with_name("kept.env"))
    make(env)
    odd = tree(env.parent)
    result = world.deploy("--artifact", str(sample))
    left = tree(env.parent)
    if env.is_dir() and not env.is_symlink():
        env.rmdir()
    else:
        env.unlink(missing_ok=True)
    env.with_name("kept.env").rename(env)
    assert left == odd
    unharmed(world, result, before, says)
    assert "shared/.env" in result.text


def test_debugging_in_production_is_a_warning_and_an_exit_code_of_its_own(world: World, sample: Path) -> None:
    good = world.env_file.read_text()
    world.env_file.write_text(f"{good}APP_DEBUG=true\n")
    result = world.deploy("--artifact", str(sample))
    world.env_file.write_text(good)
    assert result.code == 3, result.text
    assert "APP_DEBUG: is on: every error page shows secrets to visitors" in result.text
    assert serving(world.site) == world.releases()[-1]


def test_the_cache_of_the_settings_is_made_from_the_env_of_now(world: World, sample: Path) -> None:
    """The live release keeps what it was cached with; the next one has what stands in the file when it is made."""
    good, before = world.env_file.read_text(), world.site / "current/bootstrap/cache/config.php"
    old, cached = before.resolve(), before.read_text()
    world.env_file.write_text(good.replace("APP_NAME=Notes", "APP_NAME=Renamed"))
    deploys(world, "--artifact", str(sample))
    assert "Renamed" not in cached
    assert old.read_text() == cached
    assert "Renamed" in (world.site / "current/bootstrap/cache/config.php").read_text()
