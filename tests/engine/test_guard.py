"""An unconfirmed switch: either somebody confirms it, or the server goes back; never both, and nobody has to be there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.engine import console, guard, ladder, lock, records, state
from fabfile.engine.hosts import Host
from fabfile.engine.quoting import bind
from fabfile.engine.records import Record
from fabfile.server import codecache
from tests.engine import places
from tests.engine.places import eventually
from tests.support.load import get
from tests.support.php_web import NginxFpm, Web
from tests.support.site import log_blocks
from tests.support.sshd import Sshd

OLD, NEW, THIRD = "20260101000000", "20260102000000", "20260103000000"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Three releases of which NEW serves, unconfirmed."""
    root = tmp_path / "site"
    for id in (OLD, NEW, THIRD):
        (root / "releases" / id).mkdir(parents=True)
    (root / ".deploy/releases").mkdir(parents=True)
    (root / "current").symlink_to(f"releases/{OLD}")
    return root


@pytest.fixture
def make_host(sshd: Sshd, site: Path) -> Iterator[Callable[[], Host]]:
    """A function that connects once more."""
    made: list[Host] = []

    def make() -> Host:
        made.append(places.host(sshd, site))
        return made[-1]

    yield make
    for c in made:
        c.shell.close()
        c.close()


def switched(site: Path, after: str = "") -> None:
    """What arm and switch leave where the watchman is dead: after a reboot, or where the host ends background processes."""
    (site / ".deploy/pending").write_text(f"{OLD} {NEW} run\n{after}\n")
    (site / "current").unlink()
    (site / "current").symlink_to(f"releases/{NEW}")


def sh(script: str) -> str:
    return subprocess.run(["/bin/sh", "-c", f"set -eu\n{script}"], check=True, text=True, stdout=subprocess.PIPE).stdout


def back(site: Path) -> str:
    return sh(bind(ladder.with_rename("engine/back.sh"), site, "php", "why"))


def confirm(site: Path) -> str:
    return sh(bind(ladder.with_rename("engine/confirm.sh"), site, "run", NEW))


def serving(site: Path) -> str:
    return (site / "current").readlink().name


RACE = """
count=0
while [ "$count" -lt {races} ]; do
  count=$((count + 1))
  printf '{old} {new} run\\n' >"$1/.deploy/pending"
  rm -f "$1/.deploy/confirmed" "$1/.deploy/reverted"
  ln -s releases/{new} "$1/new" && mv -T "$1/new" "$1/current"
  (set -eu; {confirm}) >"$1/said by the one" 2>/dev/null &
  (set -eu; {back}) >"$1/said by the other" 2>/dev/null &
  wait
  printf '%s|%s|%s\\n' "$(cat "$1/said by the one")" "$(cat "$1/said by the other")" "$(readlink "$1/current")"
done
"""


def test_of_two_who_decide_one_wins(site: Path) -> None:
    races = 200
    words = {"confirm": bind(ladder.with_rename("engine/confirm.sh"), site, "run", NEW)}
    words["back"] = bind(ladder.with_rename("engine/back.sh"), site, "php", "why")
    ended = sh(bind(RACE.format(races=races, old=OLD, new=NEW, **words), site)).splitlines()
    assert len(ended) == races
    assert {*ended} <= {f"confirmed||releases/{NEW}", f"reverted|reverted {NEW} {OLD}|releases/{OLD}"}


def test_who_goes_back_writes_it_down_and_runs_what_has_to_be_run(site: Path) -> None:
    switched(site, after=f"touch '{site.parent}/reset'")
    assert back(site) == f"reverted {NEW} {OLD}\n"
    assert serving(site) == OLD
    assert (site.parent / "reset").exists()
    (line,) = (site / ".deploy/journal.jsonl").read_text().splitlines()
    noted = json.loads(line)
    assert (noted["event"], noted["release"], noted["serving"], noted["why"]) == ("reverted", NEW, OLD, "why")
    (block,) = log_blocks(site)
    assert (block["Deployment"], block["Status"], block["Serving"], block["By"]) == (NEW, "ROLLED BACK", OLD, "the server itself")
    assert back(site) == "", "there is nothing more to go back to"


def test_what_fails_after_going_back_is_said(site: Path) -> None:
    switched(site, after="false")
    assert "OPcache could not be reset" in back(site)
    assert serving(site) == OLD
    assert "OPcache could not be reset" in log_blocks(site)[0]["Note"]


def test_going_back_does_not_depend_on_what_can_be_written_down(site: Path) -> None:
    switched(site)
    for name in (".deploy/journal.jsonl", "deployment.log"):
        (site / name).mkdir()
    assert back(site) == f"reverted {NEW} {OLD}\n"
    assert serving(site) == OLD


def test_what_died_while_it_went_back_is_finished(site: Path) -> None:
    switched(site)
    (site / ".deploy/pending").rename(site / ".deploy/reverting")
    assert confirm(site) == "reverted\n", "it is decided already"
    assert back(site) == f"reverted {NEW} {OLD}\n"
    assert serving(site) == OLD


@pytest.mark.parametrize("case", ["gone", "by hand", "empty"])
def test_where_there_is_no_way_back_what_serves_stays(case: str, site: Path) -> None:
    switched(site)
    if case == "gone":
        (site / "releases" / OLD).rmdir()
    if case == "by hand":
        (site / "current").unlink()
        (site / "current").symlink_to(f"releases/{THIRD}")
    if case == "empty":
        (site / ".deploy/pending").write_text("")
    before = serving(site)
    assert back(site).startswith("kept ")
    assert serving(site) == before
    assert back(site) == "", "it is said once"
    assert not os.path.lexists(site / ".deploy/confirmed"), "what stays is not confirmed by that"


def test_the_next_command_goes_back_where_nobody_is_left_to(site: Path, make_host: Callable[[], Host]) -> None:
    switched(site)
    c = make_host()
    records.write(c.shell, c.site, Record(OLD, "live", confirmed=True, order=1))
    records.write(c.shell, c.site, Record(NEW, "live", order=2))
    c.shell.flush()
    lock.hold(c, "test")
    assert serving(site) == OLD
    assert any("never confirmed" in text for text in console.warnings)
    assert state.look(c).records[NEW].state == "bad"
    lock.release(c)


def test_the_watchman_goes_back_when_the_run_is_gone(site: Path, make_host: Callable[[], Host]) -> None:
    c = make_host()
    lock.hold(c, "test")
    agent = int(c.shell.ask("echo $PPID").out)
    guard.arm(c, OLD, NEW, f"touch '{site.parent}/reset'")
    ladder.climb(c, "engine/switch.sh", c.site.root, NEW, "php", what="switch")
    os.kill(agent, signal.SIGKILL)
    assert eventually((site / ".deploy/reverted").exists)
    assert serving(site) == OLD
    assert (site.parent / "reset").exists()
    assert confirm(site) == "reverted\n"


def test_what_a_run_owes_is_done_when_it_is_gone_and_not_before(site: Path, make_host: Callable[[], Host]) -> None:
    c = make_host()
    lock.hold(c, "test")
    agent = int(c.shell.ask("echo $PPID").out)
    guard.owe(c, f"cat '{site}/.deploy/lock.json' >'{site.parent}/undone'; false")
    assert state.look(c).owed
    assert not (site.parent / "undone").exists()
    os.kill(agent, signal.SIGKILL)
    assert eventually(lambda: not (site / ".deploy/owed").exists())
    assert (site.parent / "undone").exists()


def test_what_a_run_owes_is_done_by_the_next_one_where_no_watchman_lives(site: Path, make_host: Callable[[], Host]) -> None:
    (site / ".deploy/owed").write_text(f"touch '{site.parent}/undone'\n")
    c = make_host()
    lock.hold(c, "test")
    assert not state.look(c).owed
    assert (site.parent / "undone").exists()
    lock.release(c)


def test_a_run_that_is_quits_leaves_nothing_to_do(site: Path, make_host: Callable[[], Host]) -> None:
    c, other = make_host(), make_host()
    lock.hold(c, "test")
    guard.owe(c, f"touch '{site.parent}/undone'")
    guard.quits(c)
    lock.release(c)
    lock.hold(other, "test")
    lock.release(other)
    assert not (site.parent / "undone").exists()


def test_nobody_goes_back_from_what_is_confirmed(site: Path, make_host: Callable[[], Host]) -> None:
    c, other = make_host(), make_host()
    lock.hold(c, "test")
    guard.arm(c, OLD, NEW)
    ladder.climb(c, "engine/switch.sh", c.site.root, NEW, "php", what="switch")
    guard.confirm(c, NEW)
    lock.release(c)
    lock.hold(other, "test")
    assert serving(site) == NEW
    lock.release(other)


@pytest.mark.parametrize("watched", [True, False])
def test_a_confirmation_that_reached_no_record_is_written_by_the_next_command(
    watched: bool, site: Path, make_host: Callable[[], Host]
) -> None:
    (site / f".deploy/releases/{OLD}.json").write_text(records.dump(Record(OLD, "live", confirmed=True, order=1)))
    (site / f".deploy/releases/{NEW}.json").write_text(records.dump(Record(NEW, "prepared")))
    switched(site)
    if not watched:
        (site / ".deploy/pending").unlink()
    assert confirm(site) == "confirmed\n"
    c = make_host()
    assert json.loads((site / f".deploy/releases/{NEW}.json").read_text())["state"] == "prepared"
    assert state.look(c).live == Record(NEW, "live", confirmed=True)
    lock.hold(c, "test")
    lock.release(c)
    assert (site / f".deploy/releases/{NEW}.json").read_text() == records.dump(Record(NEW, "live", confirmed=True, order=2)) + "\n"


def test_the_client_is_told_when_the_server_went_back_before(site: Path, make_host: Callable[[], Host]) -> None:
    c = make_host()
    lock.hold(c, "test")
    guard.arm(c, OLD, NEW)
    ladder.climb(c, "engine/switch.sh", c.site.root, NEW, "php", what="switch")
    back(site)
    with pytest.raises(guard.Reverted):
        guard.confirm(c, NEW)
    lock.release(c)


@pytest.mark.parametrize("way", ["fpm", "web"])
def test_php_forgets_the_release_that_was_left(way: str, site: Path, make_host: Callable[[], Host], make_web: Callable[..., Web]) -> None:
    """Where PHP-FPM never looks at files again and nginx names them by way of current, only a reset brings the old code back."""
    asked = "if (is_file($file = __DIR__ . '/../storage/framework/maintenance.php')) { require $file; }" if way == "web" else ""
    for id in (OLD, NEW):
        (site / "releases" / id / "public").mkdir()
        (site / "releases" / id / "public/index.php").write_text(f"<?php {asked} echo '{id}';")
    web = make_web("nginx", site / "current/public", realpath=False, validate_timestamps=False)
    assert isinstance(web, NginxFpm)
    c = make_host()
    known = {"fpm_socket": str(web.socket)} if way == "fpm" else {"url": web.url, "health_path": "/index.php"}
    c._set(settings=replace(c.settings, **known))
    lock.hold(c, "test")
    agent = int(c.shell.ask("echo $PPID").out)
    guard.arm(c, OLD, NEW, codecache.after_going_back(c, OLD, NEW))
    ladder.climb(c, "engine/switch.sh", c.site.root, NEW, "php", what="switch")
    assert {get(f"{web.url}/index.php").body for _ in range(40)} == {NEW}, "every worker of the pool knows it now"
    os.kill(agent, signal.SIGKILL)
    assert eventually((site / ".deploy/reverted").exists)
    assert {get(f"{web.url}/index.php").body for _ in range(40)} == {OLD}
    assert "OPcache" not in log_blocks(site)[0]["Note"]
    assert not [*site.glob("releases/*/opcache-*"), *site.glob("releases/*/storage/framework/*.php")]
