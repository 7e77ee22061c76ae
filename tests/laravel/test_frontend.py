"""Package managers, build scripts and asset manifests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from fabfile.engine.errors import Failure, SettingsError
from fabfile.laravel import frontend

from ..conftest import need


@pytest.mark.parametrize(
    ("files", "package", "yarn", "wanted"),
    [
        (["package-lock.json"], {}, "", "npm"),
        (["pnpm-lock.yaml", "package.json"], {}, "", "pnpm"),
        (["yarn.lock"], {}, "# yarn lockfile v1\n", "yarn"),
        (["yarn.lock"], {}, "__metadata:\n  version: 8\n", "yarn-berry"),
        (["yarn.lock"], {"packageManager": "yarn@4.1.0"}, "", "yarn-berry"),
        (["yarn.lock"], {"packageManager": "yarn@1.22.22"}, "", "yarn"),
        (["bun.lockb", "bun.lock"], {}, "", "bun"),
        (["package-lock.json", "pnpm-lock.yaml"], {"packageManager": "pnpm@9.0.0"}, "", "pnpm"),
    ],
)
def test_the_lock_file_decides(files: list[str], package: dict[str, str], yarn: str, wanted: str) -> None:
    assert frontend.package_manager(files, json.dumps(package), yarn) == wanted


@pytest.mark.parametrize(("files", "text"), [([], "no lock file"), (["package-lock.json", "yarn.lock"], "npm and yarn")])
def test_nothing_is_guessed(files: list[str], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        frontend.package_manager(files)


@pytest.mark.parametrize(
    ("scripts", "wanted", "script"),
    [
        ({"build": "vite", "production": "mix"}, "auto", "build"),
        ({"production": "mix"}, "auto", "production"),
        ({"dev": "x"}, "auto", ""),
        ({"x": ""}, "x", "x"),
    ],
)
def test_which_script_builds(scripts: dict[str, str], wanted: str, script: str) -> None:
    assert frontend.build_script(json.dumps({"scripts": scripts}), wanted) == script


def test_a_script_that_is_not_there_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(SettingsError, match="no script 'prodution'"):
        frontend.build_script('{"scripts": {"production": "mix"}}', "prodution")


VITE = """{
  "resources/js/app.js": {"file": "assets/app-1.js", "isEntry": true, "css": ["assets/app-2.css"], "imports": ["_v.js"]},
  "_v.js": {"file": "assets/v-3.js", "assets": ["assets/logo-4.svg"]}
}"""


@pytest.mark.parametrize(
    ("manifest", "existing", "missing"),
    [
        (VITE, ["assets/app-1.js", "assets/app-2.css", "./assets/v-3.js", "assets/logo-4.svg"], ()),
        (VITE, ["assets/app-1.js"], ("assets/app-2.css", "assets/v-3.js", "assets/logo-4.svg")),
        ('{"/js/app.js": "/js/app.js?id=1", "/css/app.css": "/css/app.css"}', ["js/app.js"], ("css/app.css",)),
        ("{}", [], ()),
    ],
)
def test_what_the_manifest_names_has_to_be_there(manifest: str, existing: list[str], missing: tuple[str, ...]) -> None:
    assert frontend.missing_assets(manifest, existing) == missing


def test_half_a_manifest_is_a_failure() -> None:
    with pytest.raises(Failure, match="manifest"):
        frontend.missing_assets(VITE[:60], [])


def test_versions() -> None:
    assert [frontend.version(text) for text in ("v18.20.4\n", "10.8.2", "npm warn x\n9.2.0\n")] == ["18.20.4", "10.8.2", "9.2.0"]
    with pytest.raises(Failure, match="command not found"):
        frontend.version("sh: npm: command not found")


def test_npm_does_what_the_commands_say(tmp_path: Path) -> None:
    """A development package is there after the install, even under NODE_ENV=production, and gone after pruning."""
    need("npm")
    for name in ("tool", "lib"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "package.json").write_text(json.dumps({"name": name, "version": "1.0.0"}))
    (tmp_path / "package.json").write_text(
        json.dumps({"scripts": {"build": "touch built"}, "dependencies": {"lib": "file:lib"}, "devDependencies": {"tool": "file:tool"}})
    )
    run(tmp_path, "npm", "install", "--package-lock-only", "--offline")
    manager = frontend.package_manager(path.name for path in tmp_path.iterdir())
    run(tmp_path, "env", "NODE_ENV=production", *frontend.install_command(manager), "--offline")
    assert (tmp_path / "node_modules/tool").exists()
    run(tmp_path, *frontend.build_command(manager, frontend.build_script((tmp_path / "package.json").read_text())))
    assert (tmp_path / "built").exists()
    run(tmp_path, *frontend.prune_command(manager), "--offline")
    assert not (tmp_path / "node_modules/tool").exists()
    assert (tmp_path / "node_modules/lib").exists()


def run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("package", "more", "wanted"),
    [
        ({"scripts": {"build": "vite build", "dev": "vite"}, "dependencies": {"vue": "^3", "x": "npm:y@1"}}, [], True),
        ({"scripts": {"prepare": "husky || true"}}, [], True),
        ({"scripts": {"prepare": "husky install"}}, [], True),
        ({"scripts": {"prepare": "husky && vite build"}}, [], False),
        *(({"scripts": {name: "copy"}}, [], False) for name in ("preinstall", "install", "postinstall", "prepublish", "prepare")),
        ({"dependencies": {"ours": "file:packages/ours"}}, [], False),
        ({"workspaces": ["packages/*"]}, [], False),
        ({}, ["patches"], False),
        ({}, ["yarn.lock"], True),
    ],
)
def test_node_modules_are_used_again_where_an_install_does_no_more(package: dict[str, object], more: list[str], wanted: bool) -> None:
    assert frontend.reusable(["package.json", "package-lock.json", *more], json.dumps(package)) is wanted


def test_without_a_lock_file_nobody_knows_what_an_install_does() -> None:
    assert not frontend.reusable(["package.json"], "{}")
