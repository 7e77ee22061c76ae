"""Pages that are open when a release is switched find their assets, forwards and backwards, for as many releases as the settings say."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fabfile.engine.pipes import ProcessPipe
from fabfile.engine.shell import Answer, Shell
from fabfile.server import assets, tidy
from tests.conftest import lacking, need
from tests.security.conftest import pack, sample_worlds
from tests.support import disk
from tests.support.deployment import World
from tests.support.fab import PROJECT
from tests.support.site import leftovers

__all__ = ["sample_worlds"]
pytestmark = pytest.mark.system
BUILD, LISTS = "public/build", ".deploy/releases"
HOSTILE = ("-rf $(touch hit).js", "ü 'quoted' \\ `x` .js", " ends with a space ", "*")


class Server:
    """Two and more releases with manifests, as an upload leaves them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.shell = Shell("local", ProcessPipe, silence=0)
        (root / LISTS).mkdir(parents=True)

    def release(self, id: str, *names: str) -> Path:
        """A release with these files in public/build, beside Vite's manifest."""
        folder = self.root / "releases" / id
        for name in ("manifest.json", *names):
            file = folder / BUILD / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{name} of {id}")
        self.manifest("write", id)
        return folder / BUILD

    def manifest(self, how: str, id: str) -> str:
        script = PROJECT / "fabfile/engine/manifest.php"
        command = ["php", str(script), how, str(self.root / "releases" / id), str(self.root / LISTS / f"{id}.manifest")]
        return subprocess.run(command, text=True, stdout=subprocess.PIPE, check=how == "write").stdout

    def carry(self, giver: str, taker: str, keep: int = 3, script: str = assets.LINK, folders: tuple[str, ...] = (BUILD,)) -> Answer:
        return self.shell.ask(script, str(self.root), giver, taker, keep, *folders)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    need("php")
    server = Server(tmp_path / "the site's")
    yield server
    server.shell.close()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


def test_what_is_lacking_is_linked_and_what_is_there_stays(server: Server) -> None:
    old = server.release("1", "assets/app-1.js", "assets/same.js", "lazy/deep/chunk-1.js", "x/y.js", "a-file")
    new = server.release("2", "assets/app-2.js", "assets/same.js", "x", "a-file/now-a-folder.js")
    assert server.carry("1", "2").out == "kept 2\n"
    there = ["a-file/now-a-folder.js", "assets/app-1.js", "assets/app-2.js", "assets/same.js", "lazy/deep/chunk-1.js"]
    assert files(new) == [*there, "manifest.json", "x"]
    assert (new / "assets/app-1.js").samefile(old / "assets/app-1.js")
    assert [(new / name).read_text()[-4:] for name in ("manifest.json", "assets/same.js")] == ["of 2"] * 2
    assert server.manifest("check", "2").startswith("verified ")
    before = sorted(path.stat().st_mtime_ns for path in server.root.rglob("*"))
    server.carry("1", "2")
    assert sorted(path.stat().st_mtime_ns for path in server.root.rglob("*")) == before


def test_they_fall_out_after_so_many_releases_and_stay_when_used_again(server: Server) -> None:
    for id in "12345":
        new = server.release(id, f"app-{id}.js", *(["back.js"] if id in "13" else []))
        if id > "1":
            server.carry(str(int(id) - 1), id, keep=2)
    assert files(new) == ["app-3.js", "app-4.js", "app-5.js", "back.js", "manifest.json"]
    assert [line.split()[0] + line.split()[-1][-8:] for line in (server.root / LISTS / "5.bridged").read_text().splitlines()] == [
        *("2app-3.js", "1app-4.js", "2/back.js")
    ]


def test_only_what_was_built_goes_over_and_nothing_that_runs(server: Server) -> None:
    kept_back = ("shell.php", "a.PHTML", "b.php.js", ".htaccess", ".vite/manifest.json", "sub/mix-manifest.json")
    old = server.release("1", "app-1.js", *kept_back)
    (old / "added-later.js").write_text("not built")
    new = server.release("2")
    server.carry("1", "2")
    assert files(new) == ["app-1.js", "manifest.json"]


def test_names_are_data_and_no_link_is_followed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    for name in ("app.js", "swapped.js"):
        (tmp_path / "secret" / name).write_text("private")
    old = server.release("1", *HOSTILE, "swapped.js", "folder/app.js", "out/app.js", "shared/app.js")
    (old / "two\nlines.js").write_text("planted")
    new = server.release("2", "app.js")
    (old / "swapped.js").unlink()
    (old / "swapped.js").symlink_to(tmp_path / "secret/swapped.js")
    shutil.rmtree(old / "folder")
    (old / "folder").symlink_to(tmp_path / "secret")
    (tmp_path / "elsewhere").mkdir()
    (new / "out").symlink_to(tmp_path / "elsewhere")
    said = server.carry("1", "2").out
    assert files(new) == sorted([*HOSTILE, "app.js", "manifest.json", "out", "shared/app.js"])
    assert f"not linked {BUILD}/out\n" in said
    assert files(tmp_path / "elsewhere") == []
    assert list(tmp_path.rglob("hit")) == []


def test_what_is_not_as_it_was_built_is_told(server: Server) -> None:
    server.release("1", "app-1.js")
    new = server.release("2")
    server.carry("1", "2")
    (new / "app-1.js").unlink()
    assert server.manifest("check", "2").startswith("verified ")
    (new / "app-1.js").write_text("edited")
    (new / "more.js").write_text("added")
    assert server.manifest("check", "2").splitlines()[:2] == [f"added {BUILD}/app-1.js", f"added {BUILD}/more.js"]


def test_without_hard_links_they_are_copied(server: Server) -> None:
    old, new = server.release("1", "a.js", "b.js"), server.release("2")
    server.carry("1", "2", script=f"ln() {{ return 1; }}\n{assets.LINK}")
    assert files(new) == ["a.js", "b.js", "manifest.json"]
    assert not (new / "a.js").samefile(old / "a.js")
    assert server.manifest("check", "2").startswith("verified ")


def test_what_fails_is_no_more_than_a_warning(server: Server) -> None:
    server.release("1", "a.js", "b.js")
    new = server.release("2")
    no_room = "ln() { return 1; }\ncp() { return 1; }\n"
    assert server.carry("1", "2", script=no_room + assets.LINK).out == f"not linked {BUILD}/a.js\nnot linked {BUILD}/b.js\nkept 2\n"
    assert files(new) == ["manifest.json"]
    assert server.carry("1", "2", script=f"printf() {{ return 1; }}\n{assets.AHEAD}").code == 0


@pytest.mark.root
@pytest.mark.parametrize("way", disk.WAYS)
def test_a_way_back_that_was_made_ready_needs_no_room(way: str, tmp_path: Path) -> None:
    need("php", "mount", "mkfs.ext4")
    with disk.mounted(tmp_path / "disk", "ext4") as done:
        if not done:
            lacking("no ext4 can be mounted here")
        server = Server(tmp_path / "disk/site")
        old, older = server.release("2", "app-2.js"), server.release("1", "app-1.js")
        server.release("3", "app-3.js")
        server.carry("3", "2", script=assets.AHEAD)
        disk.fill(tmp_path / "disk", way)
        assert server.carry("3", "2").out == "kept 1\n"
        assert files(old) == ["app-2.js", "app-3.js", "manifest.json"]
        said = server.shell.ask(assets.LINK, str(server.root), "3", "1", 3, BUILD, check=False)
        assert (said.code, "the list of them cannot be written" in said.err) == (1, True)
        assert (files(older), (server.root / LISTS / "1.bridged.new").exists()) == (["app-1.js", "manifest.json"], False)
        server.shell.close()


def test_the_list_goes_with_its_release(server: Server) -> None:
    server.release("20260101000000", "a.js")
    server.release("20260101000001")
    server.carry("20260101000000", "20260101000001")
    (server.root / LISTS / "20260101000001.json").write_text("{}")
    (server.root / "current").symlink_to("releases/20260101000000")
    server.shell.ask(tidy.REMOVE, str(server.root), "20260101000001")
    assert [path.name for path in (server.root / LISTS).iterdir()] == ["20260101000000.manifest"]


# with fab


def asset(number: str) -> str:
    return f"{BUILD}/assets/app-{number}.js"


@pytest.fixture(scope="module")
def site(sample_worlds: Callable[..., World]) -> SimpleNamespace:
    """A site, and what deploys a version that has one asset of its own."""
    world = sample_worlds()

    def deploy(number: str, *more: str) -> Any:
        artifact = pack(world.folder / f"v{number}.tar.gz", {asset(number): f"// {number}"})
        result = world.deploy("--artifact", str(artifact), *more)
        assert result.code == 0, result.text
        assert leftovers(world.site) == []
        return result

    def found() -> str:
        return "".join(n for n in "1234" if world.get("/" + asset(n).removeprefix("public/")).body == f"// {n}")

    return SimpleNamespace(world=world, deploy=deploy, found=found)


def test_both_ways_with_fab(site: SimpleNamespace) -> None:
    site.deploy("1")
    said = site.deploy("2", "--set", "keep_assets=1")
    assert "Assets of earlier releases kept: 1" in said.out
    assert site.found() == "12"
    back = site.world.rollback()
    assert (back.code, site.found()) == (0, "12"), back.text  # a page of the one that was left finds its own, too
    assert site.world.fab("verify").code == 0
    site.deploy("3")
    assert site.found() == "123"
    assert site.world.fab("verify").code == 0
    none = site.deploy("4", "--set", "keep_assets=0")
    assert "Assets of earlier" not in none.out
    assert site.found() == "4"
