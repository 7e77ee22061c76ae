"""What a server built is listed as it is, though what was read a moment before is not read again."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from fabfile.engine.scripts import php
from tests.conftest import need

MADE = 1_700_000_000
FILES = {"vendor/a/one": "one", "vendor/a-b/two": "two", "vendor/c": "three", "app/User.php": "<?php", "vendors": "no", "z": ""}


def run(name: str, *values: object) -> str:
    words = ["/bin/sh", "-euc", php(name), "sh", "php", "-n", "--", *map(str, values)]
    return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE).stdout


def printed(root: Path) -> str:
    return run("engine/manifest.php", "print", root)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a build might leave."""
    need("php")
    root = tmp_path_factory.mktemp("made") / "build"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "vendor/a/one").chmod(0o711)
    (root / "app/User.php").chmod(0o600)
    (root / "vendor/a").chmod(0o700)
    (root / "vendor/link").symlink_to("a/one")
    (root / "dangling").symlink_to("nowhere")
    return root


class Build:
    """``collect`` lists it; ``note`` is what is known of its vendor by then."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.list, self.note = root, folder / "list", folder / "seen"

    def look(self) -> None:
        run("engine/manifest.php", "write", self.root / "vendor", self.list, self.note)

    def collect(self) -> str:
        said = run("builder/collect.php", self.root, self.list, MADE, self.note).split()
        text = self.list.read_text()
        assert said == [
            subprocess.run(["sha256sum", self.list], check=True, stdout=subprocess.PIPE, text=True).stdout[:64],
            str(text.count("\n")),
            "0",
        ]
        return text


@pytest.fixture
def build(made: Path, tmp_path: Path) -> Build:
    """A copy of it that nothing has happened to for a second or more."""
    subprocess.run(["cp", "-a", made, tmp_path / "build"], check=True)
    time.sleep(1.1)
    return Build(tmp_path / "build", tmp_path)


def test_the_list_is_that_of_the_tree_which_gets_plain_modes_and_one_time(build: Build) -> None:
    build.look()
    text = build.collect()
    assert text == printed(build.root)
    for path in (path for path in build.root.rglob("*") if not path.is_symlink()):
        plain = 0o755 if path.is_dir() or path.name == "one" else 0o644
        assert (path.stat().st_mode & 0o7777, path.stat().st_mtime) == (plain, MADE), path
    assert build.collect() == text


def test_what_was_seen_is_not_read_again(build: Build) -> None:
    build.look()
    real = build.note.read_text().split("\n")[0].split(" ")[2]
    touched = build.note.stat()
    build.note.write_text(build.note.read_text().replace(real, "f" * 64))
    os.utime(build.note, ns=(touched.st_atime_ns, touched.st_mtime_ns))
    assert "f" * 64 in build.collect()
    assert "f" * 64 not in build.collect()  # its time was set by the first one, so it is read by the second


CHANGES = {
    "written": "echo TWO >a-b/two",
    "written, with its time put back": "touch -r a-b/two time; echo TWO >a-b/two; touch -r time a-b/two; rm time",
    "replaced": "echo TWO >new; mv new a-b/two",
    "replaced by an older one": "mv a/one a-b/two",
    "gone": "rm a-b/two",
    "another": "echo 3 >a-b/three",
    "longer": "echo four and more >c",
    "a folder in its place": "rm c; mkdir c",
    "a link in its place": "mv c ../c; ln -s ../c c",
    "a folder of older ones in its place": "mv a-b x; mv ../old a-b",
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_happened_since_is_seen(change: str, build: Build) -> None:
    (build.root / "old").mkdir()
    (build.root / "old/two").write_text("TWO")
    time.sleep(1.1)
    build.look()
    subprocess.run(["sh", "-ec", CHANGES[change]], check=True, cwd=build.root / "vendor")
    assert build.collect() == printed(build.root)


def test_what_was_written_in_the_second_of_the_look_is_read_again(build: Build) -> None:
    (build.root / "vendor/c").write_text("THREE")
    build.look()
    (build.root / "vendor/c").write_text("three")
    assert build.collect() == printed(build.root)


@pytest.mark.parametrize("text", ["", "F 1", "F 1 2 3 b\nF 1 2 3 a\n", "nothing of the kind\n" * 3])
def test_a_note_that_is_none_is_of_no_use_and_no_harm(text: str, build: Build) -> None:
    build.note.write_text(text)
    assert build.collect() == printed(build.root)


def test_where_the_site_is_on_another_disk_it_will_be_copied(build: Build) -> None:
    """What is copied is not what was listed, until it is compared; and it needs room."""

    def said(site: str) -> list[str]:
        return run("builder/collect.php", build.root, build.list, MADE, build.note, site).split()[2:]

    assert said(f"{build.root.parent}/not/yet/there") == ["0"]
    assert said("/proc/not/there") == [str(4096 * build.list.read_text().count("\n"))]
    (build.root / "z").write_text("z" * 4097)
    assert said("/proc/not/there") == [str(4096 + 4096 * build.list.read_text().count("\n"))]
