"""The sample application, served by the sandbox and through its own commands."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from fabfile.sandbox import control as embedded

SAMPLE = Path(__file__).parents[2] / "examples" / "sample"


@pytest.fixture
def release(sandbox, shared_folder, monkeypatch):
    """The sample as the sandbox's only release."""
    monkeypatch.setenv("FAB_SANDBOX_DIR", str(shared_folder))
    folder = Path(sandbox.path) / "releases" / "20260101000000"
    shutil.copytree(SAMPLE, folder, symlinks=True)
    (Path(sandbox.path) / "current").symlink_to("releases/20260101000000")
    yield folder
    embedded.reset()


@pytest.fixture
def artisan(sandbox, release):
    def run(*words):
        done = subprocess.run([sandbox.php, "artisan", *words], cwd=release, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    return run


@pytest.fixture
def get(sandbox, release):
    def fetch(path="/?json", **headers):
        try:
            with urllib.request.urlopen(urllib.request.Request(sandbox.url + path, headers=headers)) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as problem:
            with problem:
                return problem.code, problem.read().decode()

    return fetch


def test_its_page_says_what_answered(get, artisan):
    code, text = get()
    assert code == 200
    assert {"version": 1, "release": "20260101000000"}.items() <= json.loads(text).items()
    asset = json.loads(text)["asset"]
    assert get(asset)[0] == 200
    assert "<h1>Version 1</h1>" in get("/")[1]
    assert get("/up")[0] == 200
    assert get("/nowhere")[0] == 404


def test_cached_configuration_wins_until_it_is_cached_again(get, artisan, release):
    config = release / "config" / "app.php"
    assert artisan("config:cache")[0] == 0
    config.write_text(config.read_text().replace("'version' => 1", "'version' => 2"))
    assert json.loads(get()[1])["version"] == 1
    assert artisan("config:cache")[0] == 0
    assert json.loads(get()[1])["version"] == 2


@pytest.mark.parametrize("command", ["config:cache", "route:cache", "event:cache"])
def test_caches_are_files(artisan, release, command):
    before = set((release / "bootstrap" / "cache").iterdir())
    assert artisan(command)[0] == 0
    assert len(set((release / "bootstrap" / "cache").iterdir()) - before) == 1


def test_views_are_compiled_where_the_environment_says(sandbox, artisan, get, release):
    compiled = release / "bootstrap" / "cache" / "views"
    compiled.mkdir()
    command = ["env", f"VIEW_COMPILED_PATH={compiled}", sandbox.php, "artisan", "config:cache"]
    subprocess.run(command, cwd=release, check=True, stdout=subprocess.DEVNULL)
    assert artisan("view:cache")[0] == 0
    assert get("/")[0] == 200
    assert len(list(compiled.glob("*.php"))) == 1
    assert not list((release / "storage/framework/views").glob("*.php"))


def test_migrations(artisan, get):
    assert artisan("migrate:status")[0] == 1
    assert artisan("migrate")[0] == 1
    assert "create table" in artisan("migrate", "--pretend")[1]
    assert artisan("migrate:status")[0] == 1
    assert artisan("migrate", "--force")[1].count("DONE") == 2
    assert artisan("migrate:status")[1].count("[1] Ran") == 2
    assert json.loads(get()[1])["tables"] == "users, visits"
    assert "Nothing to migrate" in artisan("migrate", "--force")[1]
    assert artisan("migrate:rollback", "--force", "--step=1")[0] == 0
    assert artisan("migrate:status")[1].count("Pending") == 1
    assert json.loads(get()[1])["tables"] == "users"


def test_maintenance(artisan, get):
    assert artisan("down", "--secret=word", "--retry=7")[0] == 0
    assert get()[0] == 503
    assert get("/up")[0] == 200
    assert json.loads(artisan("about", "--json")[1])["environment"]["maintenance_mode"] is True
    assert artisan("up")[0] == 0
    assert get()[0] == 200


def test_the_secret_opens_maintenance(sandbox, artisan):
    artisan("down", "--secret=word")
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(sandbox.url + "/word") as answer:
        assert answer.status == 200
        assert "Version 1" in answer.read().decode()


def test_a_broken_version_answers_500_but_its_commands_work(artisan, get, release):
    config = release / "config" / "app.php"
    config.write_text(config.read_text().replace("'broken' => false", "'broken' => true"))
    assert [get(path)[0] for path in ("/", "/up")] == [500, 500]
    assert artisan("config:cache")[0] == artisan("migrate", "--force")[0] == 0


def test_commands_that_deployments_look_for(artisan):
    code, text = artisan("list", "--raw")
    assert code == 0
    assert {"config:cache", "migrate:status", "queue:restart", "down", "up"} <= {line.split()[0] for line in text.splitlines()}
    assert artisan("--version")[1].startswith("Laravel Framework 11.")
    assert artisan("queue:restart")[0] == 0
    assert artisan("no-such-command")[0] == 1


def test_storage_link(artisan, get, release):
    (release / "storage" / "app" / "public" / "note.txt").write_text("hello")
    assert artisan("storage:link", "--relative")[0] == 0
    assert get("/storage/note.txt") == (200, "hello")
    assert artisan("storage:link")[0] == 1
