"""What /proc says of a site's processes: which release each of them runs, however it was started."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fabfile.engine.scripts import php
from fabfile.server.processes import Seen, parse
from tests.conftest import need
from tests.engine.places import eventually
from tests.support import process

OLD, NEW = "20261122101500", "20261122111500"


class Place:
    """A site with two releases whose artisan sleeps; ``current`` led to the older one when its processes were started."""

    def __init__(self, folder: Path) -> None:
        self.root, self.log = folder / "site one", folder / "log"
        for id in (OLD, NEW):
            (self.root / "releases" / id / "bin").mkdir(parents=True)
            (self.root / "releases" / id / "artisan").write_text("<?php sleep(60);")
            (self.root / "releases" / id / "bin/octane-server").write_text("<?php sleep(60);")
        self.started: list[subprocess.Popen[bytes]] = []

    def serve(self, id: str) -> None:
        (self.root / "next").symlink_to(f"releases/{id}")
        (self.root / "next").rename(self.root / "current")

    def start(self, *words: str, folder: Path | None = None) -> int:
        """The pid of php with these words, once it runs its script."""
        command = ["sh", "-c", 'cd "$1"; shift; exec "$@"', "sh", str(folder or self.root), process.program("php"), *words]
        self.started.append(process.spawn(command, self.log))
        pid = self.started[-1].pid
        assert eventually(lambda: any("releases" in path for path in process.opened(pid)), 60)
        return pid

    def look(self, seconds: int = 0, *user: str) -> Seen:
        words = ["php", "--", str(self.root), NEW, str(seconds), "mark", "0"]
        script = php("server/processes.php")
        done = subprocess.run([*user, "sh", "-c", script, "sh", *words], check=True, text=True, stdout=subprocess.PIPE, timeout=60)
        return parse(done.stdout, "mark")

    def old(self) -> dict[int, str]:
        return {one.pid: one.release for one in self.look().old(NEW)}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    need("php")
    place = Place(tmp_path)
    yield place
    for one in place.started:
        process.end(one)


def through_current(place: Place) -> int:
    return place.start(f"{place.root}/current/artisan", "queue:work", folder=Path("/"))


def in_its_folder(place: Place) -> int:
    return place.start("artisan", "schedule:work", folder=place.root / "current")


def by_its_path(place: Place) -> int:
    return place.start(f"{place.root}/releases/{OLD}/artisan", "reverb:start", folder=Path("/"))


@pytest.mark.parametrize("start", [through_current, in_its_folder, by_its_path])
def test_a_process_has_the_release_that_it_was_started_with(start: Callable[[Place], int], place: Place) -> None:
    place.serve(OLD)
    pid = start(place)
    place.serve(NEW)
    assert place.old() == {pid: OLD}


def test_what_was_started_after_the_switch_is_new_whatever_folder_it_was_started_in(place: Place) -> None:
    place.serve(NEW)
    pid = place.start(f"{place.root}/current/artisan", "queue:work", folder=place.root / "releases" / OLD)
    assert [(one.pid, one.release) for one in place.look().runs] == [(pid, NEW)]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_of_another_users_processes_the_time_tells_or_it_says_so(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        place = Place(Path(folder))
        place.serve(OLD)
        early, hidden = through_current(place), in_its_folder(place)
        time.sleep(1.1)  # a link's time is known to the second
        place.serve(NEW)
        through_current(place)
        seen = place.look(0, "setpriv", "--reuid=65534", "--clear-groups")
        everything = place.look()
        for one in place.started:
            process.end(one)
    assert [(one.pid, one.release) for one in seen.old(NEW)] == [(early, "an earlier one")]
    assert len(seen.runs) == 2
    assert re.search(r"of \d+ processes of other users", seen.unseen)
    assert {one.pid for one in everything.old(NEW)} == {early, hidden}
    assert not everything.unseen


def test_web_servers_shells_and_other_sites_are_not_waited_for(place: Place, tmp_path: Path) -> None:
    place.serve(OLD)
    other = Place(tmp_path / "other")
    other.serve(OLD)
    started = [process.spawn(["sleep", "60"], place.log), process.spawn(["tail", "-f", f"{place.root}/current/artisan"], place.log)]
    other.start(f"{other.root}/current/artisan", "queue:work")
    place.serve(NEW)
    try:
        assert place.old() == {}
    finally:
        for one in (*started, *other.started):
            process.end(one)


def test_it_waits_for_those_that_end_and_not_for_what_no_signal_ends(place: Place) -> None:
    place.serve(OLD)
    worker, scheduler = by_its_path(place), in_its_folder(place)
    octane = place.start(f"{place.root}/current/bin/octane-server", folder=place.root / "current")
    place.serve(NEW)
    place.started.append(process.spawn(["sh", "-c", f"sleep 1; kill {worker}"], place.log))
    seen = place.look(600)
    assert {one.pid: one.deaf for one in seen.old(NEW)} == {scheduler: "schedule:work", octane: "octane"}
    assert place.started[0].wait(0.5)
