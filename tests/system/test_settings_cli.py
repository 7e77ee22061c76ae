"""Settings as a person meets them on the command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.deployment import World

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def world(open_worlds: Callable[..., World]) -> World:
    return open_worlds(settings={"notify": {"slack": "${SLACK:-}"}})


@pytest.mark.parametrize(("args", "says"), [
    (["--set", "hosts.prod.keep_release=3"], "did you mean keep_releases?"),
    (["--set", "keep_releases=many"], "keep_releases"),
    (["--set", "keep_releases"], "KEY=VALUE"),
    (["--set", "hosts.prdo.port=1"], "did you mean prod?"),
    (["--set", "project.branch=--upload-pack=x"], "project.branch"),
    (["--host", "prdo"], "did you mean prod?"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
def test_a_wrong_setting_is_one_line_and_exit_2(args: list[str], says: str, world: World) -> None:
    for task in ("deploy", "status", "config", "rollback"):
        result = world.fab(task, *args)
        assert result.code == 2, (task, result.text)
        assert says in result.err
        assert "Traceback" not in result.text
    assert world.releases() == []


def test_the_nearest_key_is_named_with_its_line(world: World) -> None:
    good = (world.clone / "deploy.toml").read_text()
    world.commit({"deploy.toml": good + "\n[build_]\nplace = 'local'\n"})
    result = world.deploy()
    world.commit({"deploy.toml": good})
    assert result.code == 2
    assert "deploy.toml:" in result.err
    assert "did you mean build?" in result.err


def test_config_says_where_values_are_from_and_masks_secrets(world: World) -> None:
    (world.clone / ".env.deploy").write_text("SLACK=https://hooks.example.com/services/T0/B0/very-secret\n")
    result = world.fab("config", "--host=prod", "--set", "keep_releases=3")
    (world.clone / ".env.deploy").unlink()
    assert result.code == 0, result.text
    keys = ("hosts.prod.keep_releases", "keep_releases")
    row = next(line for line in result.out.splitlines() if line.split()[0] in keys)
    assert row.split()[1:] == ["3", "--set"]
    assert "very-secret" not in result.text
    assert "********" in result.out


def test_a_folder_without_a_deploy_toml(world: World) -> None:
    good = (world.clone / "deploy.toml").read_text()
    (world.clone / "deploy.toml").unlink()
    result = world.fab("deploy", "--host=prod")
    (world.clone / "deploy.toml").write_text(good)
    assert result.code == 2, result.text
    assert "Traceback" not in result.text


@pytest.mark.parametrize("args", [["--list"], ["--help", "deploy"], ["server.switch", "--help"], ["steps"]], ids=" ".join)
def test_help_works_and_reaches_nobody(args: list[str], world: World) -> None:
    before = world.server.connections()
    result = world.fab(*args)
    assert result.code == 0, result.text
    assert result.out
    assert world.server.connections() == before


def test_a_host_key_that_is_not_known_is_refused(world: World) -> None:
    known = world.home / ".ssh/known_hosts"
    good = known.read_text()
    known.write_text("")
    result = world.deploy()
    known.write_text(good)
    assert result.code == 4, result.text
    assert "host key unknown" in result.err
    assert "ssh-keyscan" in result.err
