"""What comes from the cache is put back while a build is cloned, and only for the lock file of what is cloned."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from fabfile.builder.cache import KEEP, RESTORE
from fabfile.builder.source import CLONE
from fabfile.engine.quoting import bind
from tests.conftest import need

HOW = ("composer.lock", "php no-dev", "sh", "-c", "sleep 0.3")  # slower than the clone


class Place:
    """A repository with two commits of different locks, and a cache with vendor for the first."""

    def __init__(self, folder: Path) -> None:
        self.base, self.origin = folder / "base", folder / "origin"
        self.work, self.cache, self.taken = (self.base / name for name in ("work", "cache", "taken"))
        self.origin.mkdir()
        self.git("init", "-q", "-b", "main")
        self.commits = [self.commit(lock) for lock in ("one", "two")]
        self.empty()
        self.cache.mkdir()
        (self.work / "vendor").mkdir()
        (self.work / "vendor/file").write_text("of the cache")
        (self.work / "composer.lock").write_text("one")
        self.sh(KEEP, self.cache, "vendor", self.work, *HOW)
        self.empty()

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        return subprocess.run(["git", *who, *words], cwd=self.origin, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()

    def commit(self, lock: str) -> str:
        (self.origin / "composer.lock").write_text(lock)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", lock)
        return self.git("rev-parse", "HEAD")

    def empty(self) -> None:
        subprocess.run(["sh", "-euc", 'rm -rf -- "$1" "$2"; mkdir -p -- "$1"', "sh", self.work, self.taken], check=True)

    def sh(self, script: str, *values: object) -> str:
        done = subprocess.run(["sh", "-euc", bind(script, *values)], check=True, text=True, stdout=subprocess.PIPE, timeout=60)
        return done.stdout

    def clone(self, commit: str, ahead: bool = True) -> None:
        more = (self.cache, "vendor", self.taken, *HOW) if ahead else ()
        script = bind(CLONE, self.base / "repo.git", f"file://{self.origin}", commit, "", self.work, "main", *more)
        subprocess.run(["sh", "-euc", script], check=True, stdout=subprocess.DEVNULL)  # a pipe would wait for whoever is left behind

    def restore(self) -> str:
        return self.sh(RESTORE, self.cache, "vendor", self.work, *HOW).strip()

    def forget(self) -> None:
        """Empty the cache: what is restored now was restored before."""
        for path in self.cache.iterdir():
            path.unlink()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    need("git")
    return Place(tmp_path)


def test_it_is_there_when_the_clone_is(place: Place) -> None:
    place.clone(place.commits[0])
    place.forget()
    assert place.restore() == "restored"
    assert (place.work / "vendor/file").read_text() == "of the cache"
    assert not place.taken.exists()


def test_another_lock_file_gets_nothing(place: Place) -> None:
    place.clone(place.commits[1])
    assert place.restore() == ""
    assert not (place.work / "vendor").exists()


def test_what_was_put_back_for_another_commit_is_not_taken(place: Place) -> None:
    place.clone(place.commits[0])
    (place.work / "composer.lock").write_text("two")
    place.forget()
    assert place.restore() == ""
    assert not (place.work / "vendor").exists()


def test_damage_is_told_when_it_is_asked_for(place: Place) -> None:
    (archive,) = place.cache.glob("vendor-*.tar")
    archive.write_bytes(archive.read_bytes().replace(b"of the cache", b"of the devil"))
    assert hashlib.sha256(archive.read_bytes()).hexdigest() not in archive.with_suffix(".sum").read_text()
    place.clone(place.commits[0])
    assert place.restore() == "damaged"
    assert not (place.work / "vendor").exists()


def test_a_clone_that_fails_is_over_when_it_says_so(place: Place) -> None:
    (place.work / "in the way").touch()
    with pytest.raises(subprocess.CalledProcessError):
        place.clone(place.commits[0])
    assert (place.taken / "said").read_text() == "restored\n"


def test_alone_it_comes_from_the_cache(place: Place) -> None:
    place.clone(place.commits[0], ahead=False)
    assert place.restore() == "restored"
    assert (place.work / "vendor/file").read_text() == "of the cache"
