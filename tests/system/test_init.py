"""``fab local.init`` in an application that nothing of ours is in: what it finds, takes over, and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fabfile.engine import settings
from tests.support.fab import PROJECT, Result
from tests.support.typed import LARAVEL, fab, refused

pytestmark = pytest.mark.system


FLOW = "Admin-Local/Deployment/deployment-config.json"


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """An application that nothing of ours is in."""
    folder = tmp_path / "app"
    folder.mkdir()
    for name, text in LARAVEL.items():
        (folder / name).write_text(text)
    return folder


def init(folder: Path, *args: str, **flow: dict[str, Any]) -> Result:
    """Write a deploy.toml, with the tables ``flow`` as the flow's JSON file."""
    if flow:
        (folder / FLOW).parent.mkdir(parents=True, exist_ok=True)
        (folder / FLOW).write_text(json.dumps(flow))
    return fab(folder, "local.init", *args)


def test_init_says_which_folder_it_looks_at(application: Path) -> None:
    result = init(application)
    assert result.code == 0, result.text
    assert f"local:{application}" in result.out
    assert str(PROJECT) not in result.out
    assert settings.load(application / "deploy.toml").settings.project.name == "notes"


def test_init_says_what_it_does_not_take_over(application: Path) -> None:
    folders = ["storage/app", "storage/framework/views"]
    result = init(application, deployment={"hooks": {"pre": "x"}, "shared_folders": folders}, monitoring={"url": "x"}, versions=[])
    assert result.code == 0, result.text
    for name in ("deployment.hooks is not taken over", "monitoring.url is not taken over", "storage/framework/views is not shared"):
        assert name in result.out
    assert "versions is not" not in result.out
    assert settings.load(application / "deploy.toml").host("prod").shared_folders == ("storage/app",)


def test_init_reads_a_number_in_quotes(application: Path) -> None:
    assert init(application, deployment={"keep_releases": "7"}, project={"has_frontend": "false"}).code == 0
    loaded = settings.load(application / "deploy.toml")
    assert (loaded.host("prod").keep_releases, loaded.settings.project.has_frontend) == (7, False)


@pytest.mark.parametrize(
    ("flow", "says"),
    [
        ({"deployment": {"keep_releases": "many"}}, "must be a whole number; it is 'many'\n  → correct deployment.keep_releases there"),
        ({"versions": {"php": 8.2}}, 'must be text in quotes; it is 8.2; write "8.2"\n  → correct versions.php there'),
        ({"deployment": {"shared_folders": [None]}}, "not TOML"),
        ({"paths": {"server_deploy": "/srv"}}, "→ correct paths.server_deploy there"),
        ({"paths": {"server_deploy": "/home/u/web/public_html/x", "server_domain": "/home/u/web"}}, "where the web server would show it"),
    ],
)
def test_init_writes_nothing_that_cannot_be_used(flow: dict[str, Any], says: str, application: Path) -> None:
    result = init(application, **flow)
    assert result.code == 2, result.text
    assert f"{application}/{FLOW} cannot become a deploy.toml: deploy.toml:" in result.err
    assert says in result.err
    assert not (application / "deploy.toml").exists()


@pytest.mark.parametrize("present", ["[defaults]\nkeep_releases = '5'", "not TOML", "modules = ['not-there']"])
def test_init_replaces_a_deploy_toml_whatever_it_holds(present: str, application: Path) -> None:
    (application / "deploy.toml").write_text(present)
    assert init(application).code == 2
    assert (application / "deploy.toml").read_text() == present
    assert init(application, "--force").code == 0
    assert settings.load(application / "deploy.toml").settings.modules == ()


def test_init_does_not_keep_a_folder_of_another_machine(application: Path) -> None:
    result = init(application, paths={"local_machine": "/Users/somebody/notes"})
    assert result.code == 0, result.text
    assert "paths.local_machine '/Users/somebody/notes' is not on this machine" in result.out
    assert settings.load(application / "deploy.toml").settings.project.path == "."
    assert fab(application, "local.analyze").code == 0


def test_init_keeps_a_folder_that_is_here(application: Path, tmp_path: Path) -> None:
    for path, kept in ((str(tmp_path), str(tmp_path)), (str(application), "."), ("${NOTES_PATH}", "")):
        assert init(application, "--force", paths={"local_machine": path}).code == 0
        assert settings.load(application / "deploy.toml").settings.project.path == kept


def test_init_leaves_a_place_for_the_builder_to_be_filled_in(application: Path) -> None:
    assert init(application, deployment={"strategy": "builder"}).code == 0
    loaded = settings.load(application / "deploy.toml")
    assert (loaded.settings.build.place, loaded.settings.build.builder) == ("builder", "builder")
    assert "hosts.builder.address is still the example" in refused(application, "builder.prepare", "--host=prod")
