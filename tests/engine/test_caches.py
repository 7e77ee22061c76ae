"""Laravel's caches: the configuration's first, the others side by side, and each is missed where it was not made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fabfile.engine.quoting import bind
from fabfile.server import caches

# Stands for artisan: notes what begins and ends, and ends only when all of "$2" have begun.
ARTISAN = """
log=$1 together=$2 fails=$3 name=$4
echo "begin $name" >>"$log"
turns=0
[ "$name" = config:cache ] || for other in $together; do
  until grep -q "begin $other" "$log" || [ "$turns" = 100 ]; do sleep 0.1; turns=$((turns + 1)); done
done
[ "$turns" -lt 100 ] || exit 9
case " $fails " in *" $name "*) echo "no $name today"; exit 3 ;; esac
case $name in
  config:cache) echo "<?php" >bootstrap/cache/config.php ;;
  route:cache) echo "<?php" >bootstrap/cache/routes-v7.php ;;
  event:cache) echo "<?php" >bootstrap/cache/events.php ;;
esac
echo "end $name" >>"$log"
"""
WANTED = caches.wanted(["route", "config", "view", "event"])
OTHERS = "route:cache view:cache event:cache"


class Release:
    """A release in ``folder``; ``caches`` makes those of WANTED."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder / "releases/1", folder / "log"
        (self.folder / "bootstrap/cache").mkdir(parents=True)

    def caches(self, together: str = OTHERS, fails: str = "", wanted: str = WANTED) -> subprocess.CompletedProcess[str]:
        artisan = ("sh", "-c", ARTISAN, "artisan", self.log, together, fails)
        script = bind(caches.CACHES, self.folder, "", "0640", "", wanted, "/srv/current", caches.LITERAL, *artisan)
        return subprocess.run(["sh", "-euc", script], check=False, text=True, capture_output=True, timeout=60)

    def told(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return Release(tmp_path)


def test_the_configuration_is_first_and_the_others_wait_for_nobody_else(release: Release) -> None:
    made = release.caches()
    assert made.returncode == 0, made.stderr
    assert release.told()[:2] == ["begin config:cache", "end config:cache"]
    assert sorted(release.told()[2:5]) == sorted(f"begin {name}" for name in OTHERS.split())
    assert (release.folder / "bootstrap/cache/config.php").stat().st_mode & 0o777 == 0o640


def test_where_the_configuration_is_not_cached_another_one_is_first(release: Release) -> None:
    made = release.caches(together="view:cache", wanted=caches.wanted(["view", "route", "event"]))
    assert made.returncode == 0, made.stderr
    assert release.told()[:2] == ["begin view:cache", "end view:cache"]


def test_what_follows_a_configuration_that_cannot_be_cached_is_not_tried(release: Release) -> None:
    made = release.caches(fails="config:cache")
    assert (made.returncode, made.stdout) == (3, "no config:cache today\n")
    assert "php artisan config:cache failed" in made.stderr
    assert release.told() == ["begin config:cache"]


@pytest.mark.parametrize("fails", OTHERS.split())
def test_whichever_fails_is_named(fails: str, release: Release) -> None:
    made = release.caches(fails=fails)
    assert (made.returncode, made.stdout) == (3, f"no {fails} today\n")
    assert made.stderr == f"php artisan {fails} failed\n"


def test_one_that_says_nothing_and_makes_nothing_is_noticed(release: Release) -> None:
    made = release.caches(together="", wanted="nothing:events.php view:")
    assert made.returncode == 1
    assert "artisan nothing:cache reported success but did not write bootstrap/cache/events.php; the disk is " in made.stderr


def test_what_was_there_before_is_no_proof(release: Release) -> None:
    (release.folder / "bootstrap/cache/events.php").write_text("<?php // of another day")
    made = release.caches(together="", wanted="nothing:events.php")
    assert made.returncode == 1
    assert not (release.folder / "bootstrap/cache/events.php").exists()
