"""A real Laravel application, over real OpenSSH, from a commit to an answer of its web server; and what that leaves."""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.proxy import Proxy
from tests.support.artifact import Artifacts
from tests.support.deployment import World
from tests.support.fab import Result
from tests.support.load import Load
from tests.support.site import journal, leftovers, lock_is_free, log_blocks, records

pytestmark = pytest.mark.system


class Story(NamedTuple):
    """Two deployments, the second one under load, of commits with a front end."""

    world: World
    first: Result
    second: Result
    load: Load
    commits: tuple[str, str]
    env: str

    @property
    def ids(self) -> list[str]:
        return self.world.releases()

    @property
    def release(self) -> Path:
        return self.world.site / "current"


@pytest.fixture(scope="module")
def story(open_worlds: Callable[..., World]) -> Story:
    world = open_worlds()
    env, commit = world.env_file.read_text(), world.origin.head()
    first = world.deploy()
    assert first.code == 0, first.text
    later = world.commit_version("2")
    with world.load() as load:
        second = world.deploy()
        load.wait(5)
    return Story(world, first, second, load, (commit, later), env)


def test_both_end_with_0_and_say_what_is_live(story: Story) -> None:
    for result, id in zip((story.first, story.second), story.ids, strict=True):
        assert result.code == 0, result.text
        assert re.search(rf"prod: {id} is live at {story.world.web.url} ", result.out)
        assert "Traceback" not in result.text


def test_no_request_fails_and_none_mixes_two_releases(story: Story) -> None:
    assert (story.load.failed, story.load.mixed) == ([], [])
    assert story.load.histories == [["1", "2"]] * 2


def test_the_site_answers_with_the_new_release(story: Story) -> None:
    told = json.loads(story.world.get("/release").body)
    assert told == {"release": story.ids[-1], "version": "2", "configured": "2"}
    assert story.world.get("/health").body == '{"status":"ok"}'


def test_the_page_has_its_built_assets(story: Story) -> None:
    page = story.world.get("/").body
    assets = re.findall(r'(?:src|href)="[^"]*?(/build/[^"]+)"', page)
    assert len(assets) == 2
    assert [story.world.get(asset).status for asset in assets] == [200, 200]


def test_current_is_a_relative_link_to_the_newest_release(story: Story) -> None:
    assert str((story.world.site / "current").readlink()) == f"releases/{story.ids[-1]}"
    assert len(story.ids) == 2


@pytest.mark.parametrize("path", ["storage/app", "storage/logs", "storage/framework/cache", "storage/framework/sessions", ".env"])
def test_what_is_shared_is_a_relative_link(path: str, story: Story) -> None:
    for id in story.ids:
        link = story.world.site / "releases" / id / path
        assert not link.readlink().is_absolute()
        assert link.resolve() == story.world.site / "shared" / path


def test_the_server_keeps_its_env(story: Story) -> None:
    assert story.world.env_file.read_text() == story.env
    assert mode(story.world.env_file) == 0o640


def test_public_storage_leads_to_the_shared_folder(story: Story) -> None:
    (story.world.site / "shared/storage/app/public/hello.txt").write_text("hello")
    assert story.world.get("/storage/hello.txt").body == "hello"


def test_caches_and_compiled_views_are_each_releases_own(story: Story) -> None:
    for id in story.ids:
        release = story.world.site / "releases" / id
        assert {"config.php", "routes-v7.php", "events.php"} <= {path.name for path in (release / "bootstrap/cache").iterdir()}
        assert str(release) in (release / "bootstrap/cache/config.php").read_text()
        assert (release / "storage/framework/views").resolve() == release / "storage/framework/views"
        assert list((release / "storage/framework/views").glob("*.php"))


def test_records_say_who_is_live_and_what_was_before(story: Story) -> None:
    old, new = (records(story.world.site)[id] for id in story.ids)
    assert [(r["state"], r["confirmed"], r["previous"]) for r in (old, new)] == [("retired", True, ""), ("live", True, old["id"])]
    assert (old["commit"], new["commit"]) == story.commits
    assert (old["branch"], new["branch"]) == ("main", "main")
    assert [name[:10] for name in old["migrations"]] == ["2024_01_01", "2024_01_02"]
    assert new["migrations"] == []
    assert old["order"] < new["order"]
    assert all(re.fullmatch(r"[0-9a-f]{64}", r[key]) for r in (old, new) for key in ("artifact", "manifest"))


def test_the_log_has_a_block_for_each_deployment(story: Story) -> None:
    blocks = log_blocks(story.world.site)
    assert [(b["Deployment"], b["Status"], b["Serving"]) for b in blocks] == [(id, "SUCCESS", id) for id in story.ids]
    assert tuple(b["Commit"] for b in blocks) == story.commits


def test_the_journal_has_an_end_for_each_start(story: Story) -> None:
    lines = journal(story.world.site)
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    for run in {line["run"] for line in lines}:
        steps = [(line["event"], line["step"]) for line in lines if line["run"] == run and "step" in line]
        assert sorted(step for event, step in steps if event == "start") == sorted(step for event, step in steps if event == "end")
        assert {"switch", "upload", "migrate"} <= {step for _, step in steps}
        assert [line["status"] for line in lines if line["run"] == run and line["event"] == "finished"] == ["SUCCESS"]


def test_the_backup_before_migrations_is_private_and_whole(story: Story, tmp_path: Path) -> None:
    (backup,) = (story.world.site / "backups").iterdir()
    assert (backup.name, mode(backup), mode(backup.parent)) == (f"db-{story.ids[0]}.gz", 0o600, 0o700)
    (tmp_path / "copy").write_bytes(gzip.decompress(backup.read_bytes()))
    with closing(sqlite3.connect(tmp_path / "copy")) as copy:
        assert copy.execute("pragma integrity_check").fetchone() == ("ok",)


def test_nothing_of_the_run_is_left(story: Story) -> None:
    assert leftovers(story.world.site) == []
    assert lock_is_free(story.world.site)


def test_no_secret_is_in_what_deployments_write(story: Story) -> None:
    key = re.search(r"APP_KEY=(.*)", story.env)
    assert key
    site = story.world.site
    written = [site / "deployment.log", *(path for path in (site / ".deploy").rglob("*") if path.is_file())]
    assert [path for path in written if key[1] in path.read_text(errors="replace")] == []
    assert key[1] not in story.first.text + story.second.text


def test_what_is_ours_is_not_for_the_world(story: Story) -> None:
    site = story.world.site
    assert mode(site / "deployment.log") & 0o007 == 0
    assert [path for path in (site / ".deploy").rglob("*.json*") if mode(path) & 0o077] == []


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_redeploy_of_an_artifact_is_one_connection(open_worlds: Callable[..., World], artifacts: Artifacts) -> None:
    world = open_worlds()
    assert world.deploy("--artifact", str(artifacts.version("1"))).code == 0
    connections, sessions = world.server.connections(), world.server.sessions()
    assert world.deploy("--artifact", str(artifacts.version("2"))).code == 0
    assert world.server.connections() - connections == 1
    assert world.server.sessions() - sessions <= 4
    release = world.site / "current"
    differing = [name for name, data in artifacts.files().items() if name != "app/Version.php" and (release / name).read_bytes() != data]
    assert differing == []


@pytest.fixture
def counted(open_worlds: Callable[..., World]) -> Iterator[tuple[World, Proxy]]:
    """A world whose server is reached through a proxy that counts bytes."""
    world = open_worlds()
    proxy = Proxy(world.server.port)
    with (world.home / ".ssh/known_hosts").open("a") as known:
        known.write(world.server.known_hosts_line().replace(f":{world.server.port} ", f":{proxy.port} "))
    world.configure({"hosts": {"prod": {"port": proxy.port}}})
    yield world, proxy
    proxy.stop()


def test_a_deployment_sends_what_changed(counted: tuple[World, Proxy], artifacts: Artifacts) -> None:
    """Bytes on the wire, log-in, scripts and all: the first at most the artifact and 5 %, later ones next to nothing."""
    world, proxy = counted

    def sent(number: str) -> int:
        before = proxy.sent
        result = world.deploy("--artifact", str(artifacts.version(number)))
        assert result.code == 0, result.text
        return proxy.sent - before

    first, changed, same = sent("1"), sent("2"), sent("2")
    assert first < artifacts.version("1").stat().st_size * 1.05
    assert changed <= 64_000
    assert same <= 16_000

    for file in (world.site / ".deploy/kept").iterdir():  # somebody else's words in the place of ours are not run, but sent anew
        file.write_text('echo "not ours"; exit 1\n')
    assert same < sent("2") <= 64_000
    assert sent("2") <= 16_000
