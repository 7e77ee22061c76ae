"""What is packed, what is unpacked and both manifests agree, for any tree; and any change of it is seen."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fabfile.engine import lists, manifest, paths, scripts
from fabfile.engine.scripts import php, source
from tests.conftest import need
from tests.engine import places
from tests.support.process import program

Tree = dict[str, object]  # path -> (content, whether executable), None for a folder, a text for a link's target

ODD = ["a", "b b", "it's", '"q"', "-C", "--help", "-", "...", ".env", "é", "日本", "#x", "a\\b", "a=b", "[*?]", "0", " x ", "~", "$HOME"]
# Neighbours in another order than their folders' contents, what PHP takes for a number as a key, and what is no UTF-8.
TRICKY = [
    "a-",
    "a.b",
    "a0",
    "a b",
    "00",
    "1",
    "10",
    "-1",
    "1e3",
    "01",
    "9",
    "9223372036854775807",
    "9223372036854775808",
    "\U0001f600",
    "\ufffd",
]
WINDOWS = re.compile(r"[A-Za-z]:|\\")
NAMES = st.one_of(
    st.sampled_from([*ODD, *TRICKY, "x" * 120]),
    st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="/"), min_size=1, max_size=12),
).filter(lambda name: name not in (".", "..") and len(name.encode()) <= 200)  # fmt: skip


class Large(bytes):
    """More than a pipe or a tar block holds, and still one word in a report."""

    def __repr__(self) -> str:
        return f"Large({len(self)})"


CONTENTS = st.binary(max_size=40) | st.just(Large(b"x" * 70_000))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
LEAVES = st.one_of(CONTENTS.map(lambda c: (c, False)), CONTENTS.map(lambda c: (c, True)), st.none(), NAMES.map(lambda target: target))
TREES = st.dictionaries(PATHS, LEAVES, min_size=1, max_size=8)
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def plant(root: Path, tree: Tree) -> list[str]:
    """Make the tree; what stands in the way of another entry is left out. Returns all entries, sorted."""
    root.mkdir()
    for path, leaf in tree.items():
        target = root / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_symlink() or any(parent.is_symlink() for parent in target.parents if root in parent.parents):
                continue
            put(target, leaf)
        except OSError:  # something stands there, or a link leads to itself
            continue
    return entries(root)


def put(target: Path, leaf: object) -> None:
    if leaf is None:
        target.mkdir(exist_ok=True)
    elif isinstance(leaf, str):
        target.symlink_to(leaf)
    elif isinstance(leaf, tuple):
        target.write_bytes(leaf[0])
        target.chmod(0o750 if leaf[1] else 0o664)


def entries(root: Path) -> list[str]:
    found = [str(path.relative_to(root)) for path in root.rglob("*")]
    return sorted(found, key=lambda path: path.encode("utf-8", "surrogateescape"))


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A PATH for each kind of tar: the GNU one, busybox's and libarchive's (as macOS and FreeBSD have it)."""
    need("busybox", "bsdtar", "php")
    folder = tmp_path_factory.mktemp("tars")
    (folder / "bsd").mkdir()
    (folder / "bsd/tar").symlink_to(program("bsdtar"))
    return {"gnu": os.environ["PATH"], "busybox": str(places.busybox(folder / "busybox")), "bsd": f"{folder}/bsd:{os.environ['PATH']}"}


def sh(path: str, name: str, *values: str) -> str:
    """Run one of the collection's scripts as an agent does."""
    command = ["/bin/sh", "-c", f"set -eu\n{source(name)}", "sh", *values]
    return subprocess.run(command, env={**os.environ, "PATH": path}, check=True, stdout=subprocess.PIPE).stdout.decode().strip()


def pack(path: str, root: Path, to: Path, names: list[str]) -> Path:
    digest = sh(path, "builder/package.sh", str(root), str(to), "1700000000", "\n".join(names))
    artifact = to.with_name(to.name + ".tar.gz")
    assert digest == manifest.digest(artifact)
    return artifact


def unpack(path: str, artifact: Path, to: Path) -> Path:
    copy = artifact.with_name("copy.tar.gz")
    shutil.copy(artifact, copy)
    sh(path, "engine/unpack.sh", str(copy), str(to))
    return to


def text(found: lists.Manifest) -> str:
    return lists.plain(b"".join(found.lines()))


def printed(root: Path) -> str:
    """What PHP says of a tree."""
    command = ["/bin/sh", "-c", php("engine/manifest.php"), "sh", "php", "-n", "--", "print", root]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return said.stdout.decode("utf-8", "surrogateescape")


def compare(root: Path, text: str, *over: str) -> tuple[int, list[str]]:
    """Exit code and lines of the comparison of a tree with a manifest."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(text.encode("utf-8", "surrogateescape"))
        command = ["/bin/sh", "-c", php("engine/manifest.php"), "sh", "php", "-n", "--", "check", root, file.name, *over]
        said = subprocess.run(command, check=False, stdout=subprocess.PIPE, timeout=60)
    return said.returncode, said.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]


@contextmanager
def workspace() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize(("packer", "unpacker"), [("gnu", "gnu"), ("gnu", "busybox"), ("gnu", "bsd"), ("bsd", "gnu"), ("bsd", "busybox")])
@SLOW
@given(tree=TREES)
def test_what_arrives_is_what_was_packed(packer: str, unpacker: str, machines: dict[str, str], tree: Tree) -> None:
    with workspace() as folder:
        names = plant(folder / "build", tree)
        assume(names)
        assume(unpacker != "bsd" or not any(WINDOWS.match(name) for name in names))  # what it takes for a drive is not unpacked as it is
        found = manifest.read(pack(machines[packer], folder / "build", folder / "a", names))
        assert [lists.plain(path) for path, _ in found.items()] == names
        assert found.entries == len(names)
        there = unpack(machines[unpacker], folder / "a.tar.gz", folder / "release")
        assert printed(there) == text(found)
        assert compare(there, text(found)) == (0, [f"verified {len(names)}"])
        for path in (path for path in names if not (there / path).is_symlink()):
            runs = (folder / "build" / path).stat().st_mode & 0o100
            assert (there / path).stat().st_mode & 0o7777 == (0o755 if runs else 0o644)


@pytest.mark.parametrize("packer", ["gnu", "bsd"])
@settings(SLOW, max_examples=10)
@given(tree=TREES)
def test_the_same_entries_give_the_same_bytes(packer: str, machines: dict[str, str], tree: Tree) -> None:
    with workspace() as folder:
        names = plant(folder / "one", tree)
        assume(names)
        plant(folder / "two", dict(reversed(tree.items())))
        assume(entries(folder / "two") == names and printed(folder / "one") == printed(folder / "two"))
        for path in names:
            if not (folder / "two" / path).is_symlink():
                os.utime(folder / "two" / path, (1, 1))
        one, two = (pack(machines[packer], folder / name, folder / f"{name}-a", names) for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


@given(st.lists(st.sampled_from(["a", "b c", ".", "", ".git", "é"]), max_size=6))
def test_paths_are_what_pathlib_makes_of_them(parts: list[str]) -> None:
    path = "/".join(parts)
    assume(not path.startswith("/"))
    assert paths.normal(path) == str(PurePosixPath(path))
    assert [*paths.above(paths.normal(path)), "."] == ([str(parent) for parent in PurePosixPath(path).parents] or ["."])


def test_hard_links_are_packed_as_files(machines: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build/a").write_text("same")
    os.link(tmp_path / "build/a", tmp_path / "build/b")
    for kind in ("gnu", "bsd"):
        assert manifest.read(pack(machines[kind], tmp_path / "build", tmp_path / kind, ["a", "b"])).entries == 2


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A tree with one of everything, and its manifest."""
    root = tmp_path_factory.mktemp("sample") / "tree"
    files: Tree = {"file": (b"content", False), "run": (b"#!", True), "deep/er/file": (b"", False), "0": (b"", False)}
    plant(root, {**files, "it's é": (b"x", False), "folder": None, "link": "file"})
    return root, printed(root)


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def retarget(path: Path) -> None:
    path.unlink()
    path.symlink_to("run")


CHANGES = {
    "content": (lambda root: (root / "file").write_bytes(b"Content"), ["changed file"]),
    "one more byte": (lambda root: (root / "it's é").write_bytes(b"xx"), ["changed it's é"]),
    "executable": (lambda root: (root / "file").chmod(0o755), ["changed file"]),
    "not executable": (lambda root: (root / "run").chmod(0o644), ["changed run"]),
    "added": (lambda root: (root / "deep/new").touch(), ["added deep/new"]),
    "added folder": (lambda root: (root / "new").mkdir(), ["added new"]),
    "added pipe": (lambda root: os.mkfifo(root / "pipe"), ["added pipe"]),
    "removed": (lambda root: (root / "0").unlink(), ["removed 0"]),
    "removed folder": (lambda root: (root / "folder").rmdir(), ["removed folder"]),
    "link's target": (lambda root: retarget(root / "link"), ["changed link"]),
    "kind": (lambda root: replace_by_folder(root / "file"), ["changed file"]),
    "renamed": (lambda root: (root / "file").rename(root / "File"), ["added File", "removed file"]),
    "swapped": (lambda root: (root / "0").replace(root / "file"), ["changed file", "removed 0"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_any_change_is_reported(name: str, sample: tuple[Path, str], tmp_path: Path) -> None:
    root = shutil.copytree(sample[0], tmp_path / "tree", symlinks=True)
    change, report = CHANGES[name]
    change(root)
    code, lines = compare(root, sample[1])
    assert (code, sorted(lines[:-1])) == (1, report)
    assert lines[-1] == f"{len(report)} different of {sample[1].count(chr(10))}"


LATIN = "caf\udce9"  # as a server's archive may have brought it
ORDER = ["0", "00", "1", "10", "1e3", "a", "a-", "a-/x", "a b", "a.txt", "a/b", "a/b.c", "a/b/d", "a0", "b", "é", "日", "\U0001f600", LATIN]


def in_bytes(names: list[str]) -> list[str]:
    return sorted(names, key=lists.raw)


def test_a_tree_is_walked_in_the_order_of_its_paths_bytes(tmp_path: Path) -> None:
    plant(tmp_path / "tree", {path: None if path in ("a", "a/b", "a-") else (b"", False) for path in ORDER})
    found = printed(tmp_path / "tree")
    assert [line.split(" ", 4)[4] for line in found.split("\n")[:-1]] == in_bytes(ORDER) == entries(tmp_path / "tree")
    assert compare(tmp_path / "tree", found) == (0, [f"verified {len(ORDER)}"])


@pytest.mark.parametrize("without", [[], ["-d", "disable_functions=openssl_digest"]], ids=["with OpenSSL", "without"])
def test_small_and_large_files_have_the_same_kind_of_checksum(without: list[str], tmp_path: Path) -> None:
    need("php")
    root, limit = tmp_path / "root", 1 << 22
    root.mkdir()
    for size in (0, 1, limit - 1, limit, limit + 1):
        (root / f"{size:09}").write_bytes(bytes(range(251)) * (size // 251) + bytes(size % 251))
    command = ["php", *without, "--", "print", str(root)]
    said = subprocess.run(command, input=scripts.program("engine/manifest.php"), text=True, check=True, capture_output=True).stdout
    assert said.splitlines() == [f"F 644 {manifest.digest(path)} {path.stat().st_size} {path.name}" for path in sorted(root.iterdir())]


@SLOW
@given(tree=TREES, other=TREES)
def test_two_trees_differ_in_what_they_differ(tree: Tree, other: Tree) -> None:
    """Also where a folder became a file, or a file a folder."""
    with workspace() as folder:
        plant(folder / "one", tree)
        plant(folder / "two", {**dict(list(tree.items())[::2]), **other})
        one, two = ({line.split(" ", 4)[4]: line for line in printed(folder / name).split("\n")[:-1]} for name in ("one", "two"))
        wrong = {f"removed {path}" for path in one.keys() - two.keys()} | {f"added {path}" for path in two.keys() - one.keys()}
        wrong |= {f"changed {path}" for path in one.keys() & two.keys() if one[path] != two[path]}
        code, lines = compare(folder / "two", printed(folder / "one"))
        assert (code, set(lines[:-1])) == (bool(wrong), wrong)
        assert lines[-1] == (f"{len(wrong)} different of {len(one)}" if wrong else f"verified {len(one)}")


@SLOW
@given(tree=TREES, dice=st.randoms())
def test_a_list_in_another_order_verifies_nothing(tree: Tree, dice: Random) -> None:
    with workspace() as folder:
        assume(len(plant(folder / "tree", tree)) > 1)
        lines = printed(folder / "tree").split("\n")[:-1]
        mixed = dice.sample(lines, len(lines))
        code, said = compare(folder / "tree", "".join(f"{line}\n" for line in mixed))
        assert (code, any(line.startswith("out-of-order ") for line in said)) == (mixed != lines, mixed != lines)


@pytest.mark.parametrize("spoil", [lambda lines: [*lines, lines[-1]], lambda lines: ["", *lines], lambda lines: [*lines, "F 644"]])
def test_neither_does_one_with_a_line_twice_or_without_a_path(spoil: Callable, sample: tuple[Path, str]) -> None:
    code, said = compare(sample[0], "".join(f"{line}\n" for line in spoil(sample[1].split("\n")[:-1])))
    assert code == 1
    assert said[-2].startswith("out-of-order ")
    assert said[-1].startswith("1 different of ")


def test_the_first_release_that_is_whole(sample: tuple[Path, str], tmp_path: Path) -> None:
    lines = sample[1].split("\n")[:-1]
    lists_of = {"5": lines[::-1], "4": [], "3": [line.replace("644", "755") for line in lines], "2": lines}
    (tmp_path / "releases").mkdir()
    for id, its in lists_of.items():
        shutil.copytree(sample[0], tmp_path / "releases" / id, symlinks=True)
        (tmp_path / f"{id}.manifest").write_text("".join(f"{line}\n" for line in its))
    command = [
        "/bin/sh",
        "-c",
        php("engine/manifest.php"),
        "sh",
        "php",
        "-n",
        "--",
        "first",
        tmp_path / "releases",
        tmp_path,
        "6 5 4 3 2 1",
    ]
    said = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()
    assert said[0] == "broken 6 no manifest"
    assert said[1].startswith("broken 5 ")
    assert "out-of-order " in said[1]
    assert said[2:] == [*("broken 4 an empty manifest", "broken 3 changed 0, changed deep/er/file, changed file and 1 more", "whole 2")]


def test_what_is_passed_over_is_neither_missed_nor_found(sample: tuple[Path, str], tmp_path: Path) -> None:
    root = shutil.copytree(sample[0], tmp_path / "tree", symlinks=True)
    shutil.rmtree(root / "deep")
    (root / "deep").symlink_to("elsewhere")
    (root / "folder/new").touch()
    (root / "deeper").touch()
    assert compare(root, sample[1], "deep", "folder") == (1, ["added deeper", "1 different of 5"])


def test_a_long_list_of_changes_is_complete_and_counted(tmp_path: Path) -> None:
    plant(tmp_path / "tree", {str(n): (b"", False) for n in range(120)})
    code, lines = compare(tmp_path / "tree", "")
    assert (code, len(lines), lines[-1]) == (1, 121, "120 different of 0")


@pytest.mark.parametrize("part", [1, 2, 4096])
def test_members_may_come_in_any_order(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is sorted no more than a part is in memory."""
    monkeypatch.setattr(lists, "PART", part)
    plant(tmp_path / "tree", {path: None if path in ("a", "a/b", "a-") else (b"", False) for path in ORDER})
    names = [path for path in reversed(in_bytes(ORDER)) if path != "a"]
    (tmp_path / "list").write_bytes(b"".join(lists.raw(f"{name}\n") for name in names))
    tar = [
        "tar",
        "-C",
        tmp_path / "tree",
        "--no-recursion",
        "-czf",
        tmp_path / "a.tar.gz",
        "--verbatim-files-from",
        "-T",
        tmp_path / "list",
    ]
    subprocess.run(tar, check=True)
    assert text(manifest.read(tmp_path / "a.tar.gz")) == printed(tmp_path / "tree")


def test_folders_that_no_member_stands_for_are_listed(tmp_path: Path) -> None:
    plant(tmp_path / "tree", {"a/b/c": (b"", False), "a b/c": (b"", False)})
    subprocess.run(["tar", "-C", tmp_path / "tree", "-czf", tmp_path / "a.tar.gz", "a/b/c", "a b/c"], check=True)
    assert text(manifest.read(tmp_path / "a.tar.gz")) == printed(tmp_path / "tree")


@pytest.mark.parametrize("at", [3, 30, -9, -1], ids=["header", "deflate", "checksum", "length"])
def test_a_damaged_artifact_is_refused(at: int, sample: tuple[Path, str], tmp_path: Path, machines: dict[str, str]) -> None:
    artifact = pack(machines["gnu"], sample[0], tmp_path / "a", entries(sample[0]))
    data = bytearray(artifact.read_bytes())
    data[at] ^= 0xFF
    artifact.write_bytes(data)
    with pytest.raises(manifest.BadArtifact, match="cannot be read"):
        manifest.read(artifact)


@pytest.mark.parametrize("keep", [0, 1, 20, -1])
def test_a_truncated_artifact_is_refused(keep: int, sample: tuple[Path, str], tmp_path: Path, machines: dict[str, str]) -> None:
    artifact = pack(machines["gnu"], sample[0], tmp_path / "a", entries(sample[0]))
    artifact.write_bytes(artifact.read_bytes()[:keep])
    with pytest.raises(manifest.BadArtifact, match="cannot be read"):
        manifest.read(artifact)
