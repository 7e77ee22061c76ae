"""A folder comes from the cache only where nothing has changed that it was made of."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fabfile.builder.cache import KEEP, RESTORE
from fabfile.engine.quoting import bind
from fabfile.engine.scripts import source
from fabfile.laravel import frontend
from tests.conftest import need

PLUGIN = """<?php namespace X;
class Plugin implements \\Composer\\Plugin\\PluginInterface {
    function activate(\\Composer\\Composer $composer, \\Composer\\IO\\IOInterface $io) {}
    function deactivate(\\Composer\\Composer $composer, \\Composer\\IO\\IOInterface $io) {}
    function uninstall(\\Composer\\Composer $composer, \\Composer\\IO\\IOInterface $io) {}
}
"""


class Build:
    """What is in ``work`` is built with Composer, or taken from the cache."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.work, self.cache = folder, folder / "work", folder / "cache"
        self.env = {"COMPOSER_ALLOW_SUPERUSER": "1", "COMPOSER_HOME": str(folder / "home")}
        for path in (self.work, self.cache, folder / "home"):
            path.mkdir()

    def run(self, *words: str) -> str:
        env = {**os.environ, **self.env}
        done = subprocess.run(words, cwd=self.work, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.work / name).parent.mkdir(parents=True, exist_ok=True)
            (self.work / name).write_text(text)

    def update(self, **own: Any) -> None:
        """A composer.json, and the lock that Composer makes of it."""
        self.write({"composer.json": json.dumps({"config": {"allow-plugins": True}, **own})})
        self.run("composer", "update", "-q")

    def cached(self, how: str = "no-dev php") -> bool:
        """Whether the next build gets the vendor of this one."""
        depends = (self.work, "composer.lock", how, "php")
        self.run("sh", "-euc", bind(KEEP, self.cache, "vendor", *depends))
        self.run("sh", "-euc", "mv vendor made")
        said = self.run("sh", "-euc", bind(RESTORE, self.cache, "vendor", *depends)).strip()
        self.run("sh", "-euc", "rm -rf vendor; mv made vendor")
        assert said in ("", "restored")
        return said == "restored"


@pytest.fixture
def build(tmp_path: Path) -> Build:
    need("composer", "php")
    return Build(tmp_path)


def packages(build: Build, name: str) -> dict[str, Any]:
    """A repository with a plain package and the plugin ``name``."""
    folder = build.folder / "packages"
    folder.mkdir()
    plugin = {"type": "composer-plugin", "require": {"composer-plugin-api": "^2"}, "autoload": {"classmap": ["."]}}
    made: dict[str, dict[str, Any]] = {"p/plain": {}, name: {**plugin, "extra": {"class": "X\\Plugin"}}}
    for number, (package, more) in enumerate(made.items()):
        with zipfile.ZipFile(folder / f"{number}.zip", "w") as archive:
            archive.writestr("composer.json", json.dumps({"name": package, "version": "1.0", **more}))
            archive.writestr("Plugin.php", PLUGIN)
    return {"repositories": [{"type": "artifact", "url": str(folder)}, {"packagist.org": False}]}


def test_a_package_that_is_copied_from_a_folder_is_installed_in_each_build(build: Build) -> None:
    build.write({"packages/foo/composer.json": '{"name": "acme/foo", "version": "1.0"}', "packages/foo/Foo.php": "2"})
    folder = {"type": "path", "url": "packages/foo", "options": {"symlink": False}}
    build.update(repositories=[folder, {"packagist.org": False}], require={"acme/foo": "1.0"})
    assert not (build.work / "vendor/acme/foo").is_symlink()
    build.write({"packages/foo/Foo.php": "3"})
    assert not build.cached()


def test_what_a_plugin_may_have_changed_is_installed_in_each_build(build: Build) -> None:
    own = packages(build, "x/patches")
    build.update(**own, require={"p/plain": "1.0"}, **{"require-dev": {"x/patches": "1.0"}})
    assert build.cached()  # it is not installed
    assert not build.cached("dev php")
    build.update(**own, require={"p/plain": "1.0", "x/patches": "1.0"})
    assert not build.cached()
    lock = json.loads((build.work / "composer.lock").read_text())
    build.write({"composer.lock": json.dumps(lock)})  # all in one line
    assert not build.cached()


def test_a_plugin_that_only_adds_to_the_autoloader_is_no_hindrance(build: Build) -> None:
    build.update(**packages(build, "php-http/discovery"), require={"p/plain": "1.0", "php-http/discovery": "1.0"})
    assert build.cached()


def test_a_plugin_of_the_users_counts_as_well(build: Build) -> None:
    build.update(**packages(build, "x/patches"), require={"p/plain": "1.0"})
    (build.folder / "home/composer.lock").write_text(json.dumps({"packages": [{"name": "p/plain", "type": "library"}]}))
    assert build.cached()
    (build.folder / "home/composer.lock").write_text(json.dumps({"packages": [{"name": "x/patches", "type": "composer-plugin"}]}))
    assert not build.cached()


def test_another_composer_json_is_not_this_ones_lock(build: Build) -> None:
    build.update(**packages(build, "x/patches"), require={"p/plain": "1.0"})
    assert build.cached()
    build.env["COMPOSER"] = "other.json"
    assert not build.cached()


def key(folder: Path, files: tuple[str, ...], how: str = "") -> str:
    script = bind(source("builder/key.sh") + '\nkey "$@"', folder, " ".join(files), how, "true")
    return subprocess.run(["sh", "-euc", script], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def test_node_modules_depend_on_each_lock_file_and_setting(tmp_path: Path) -> None:
    """Which one counts is not for the key to say."""
    names = (*frontend.LOCK_FILES, *frontend.INPUTS)
    keys = [key(tmp_path, names)]
    for number in range(2):
        for name in names:
            (tmp_path / name).write_text(f"{number}\n")
            keys.append(key(tmp_path, names))
    assert keys[0] == ""
    assert len(set(keys)) == len(keys)
    assert key(tmp_path, names, "yarn") != keys[-1]
    (tmp_path / "app.js").touch()
    assert key(tmp_path, names) == keys[-1]
