"""Any tree made from another one and what it lacked is the tree that was built, byte for byte; nothing damaged is carried over."""

from __future__ import annotations

import os
import shutil
import subprocess
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.engine import delta, lists, manifest
from fabfile.engine.scripts import php
from tests.engine.test_manifest import PATHS, SLOW, TREES, Tree, compare, pack, plant, printed, sh, text, workspace

CHANGED = st.fixed_dictionaries({"gone": st.sets(st.integers(0, 7)), "moved": st.dictionaries(st.integers(0, 7), PATHS), "new": TREES})
PATH = os.environ["PATH"]


def changed(tree: Tree, how: dict[str, object]) -> Tree:
    """``tree`` with entries removed, renamed and added or replaced, and the mode of every file that moved turned."""
    gone, moved, new = how["gone"], how["moved"], how["new"]
    assert isinstance(gone, set)
    assert isinstance(moved, dict)
    assert isinstance(new, dict)
    after: Tree = {}
    for number, (path, leaf) in enumerate(tree.items()):
        if number not in gone:
            after[moved.get(number, path)] = (leaf[0], not leaf[1]) if number in moved and isinstance(leaf, tuple) else leaf
    return {**after, **new}


def assemble(folder: Path, patch: str) -> str:
    """Run assemble.php as the server does: from ``old``, ``old.manifest`` and ``patch`` into ``new``."""
    (folder / "patch").write_bytes(patch.encode("utf-8", "surrogateescape"))
    places = [folder / name for name in ("old", "old.manifest", "new", "new.manifest", "patch")]
    said = subprocess.run(
        ["/bin/sh", "-c", php("engine/assemble.php"), "sh", "php", "-n", "--", *places], check=True, stdout=subprocess.PIPE
    )
    return said.stdout.decode().strip()


def artifacts(folder: Path, trees: dict[str, Tree]) -> dict[str, lists.Manifest]:
    """Pack both trees; ``old`` is left as it is on a server, ``new`` only as an artifact."""
    found = {}
    for name, tree in trees.items():
        names = plant(folder / name, tree)
        found[name] = manifest.read(pack(PATH, folder / name, folder / f"{name}-artifact", names))
    shutil.rmtree(folder / "new")
    (folder / "new").mkdir()
    (folder / "old.manifest").write_bytes(b"".join(found["old"].lines()))
    return found


def arrive(folder: Path, paths: frozenset[str] | list[str]) -> None:
    delta.pack(folder / "new-artifact.tar.gz", paths, folder / "parcel")
    sh(PATH, "engine/unpack.sh", str(folder / "parcel"), str(folder / "new"))


@SLOW
@given(tree=TREES, how=CHANGED)
def test_any_tree_from_any_other(tree: Tree, how: dict[str, object]) -> None:
    with workspace() as folder:
        found = artifacts(folder, {"old": tree, "new": changed(tree, how)})
        change = delta.between(found["old"], found["new"])
        arrive(folder, change.send)
        assert assemble(folder, change.patch) == found["new"].digest
        assert (folder / "new.manifest").read_bytes() == b"".join(found["new"].lines())
        assert printed(folder / "new") == text(found["new"])
        assert printed(folder / "old") == text(found["old"])
        assert all(path.stat().st_nlink == 1 for path in (folder / "new").rglob("*") if path.is_file() and not path.is_symlink())


@SLOW
@given(tree=TREES, how=CHANGED, damage=st.sets(st.integers(0, 12), min_size=1))
def test_what_was_damaged_is_seen_and_can_be_sent_again(tree: Tree, how: dict[str, object], damage: set[int]) -> None:
    with workspace() as folder:
        found = artifacts(folder, {"old": tree, "new": changed(tree, how)})
        files = [path for path in sorted((folder / "old").rglob("*")) if path.is_file() or path.is_symlink()]
        for path in (path for number, path in enumerate(files) if number in damage):
            path.unlink()
            if len(path.name) % 2:
                path.write_text("hot fix")
        change = delta.between(found["old"], found["new"])
        arrive(folder, change.send)
        assert assemble(folder, change.patch) == found["new"].digest
        _, lines = compare(folder / "new", text(found["new"]))
        lacking = [line.partition(" ")[2] for line in lines[:-1]]
        for path in lacking:
            (folder / "new" / path).unlink(missing_ok=True)
        arrive(folder, lacking)
        assert printed(folder / "new") == text(found["new"])


def listed(*lines: str) -> lists.Manifest:
    """In the order of paths."""
    return lists.of(sorted((lists.raw(f"{line}\n") for line in lines), key=lists.path))


def test_only_new_content_is_sent() -> None:
    same = "F 644 aa 1 same"
    old = listed(same, "F 644 bb 1 old name", "F 644 cc 1 mode", "F 644 dd 1 edited")
    new = listed(same, "F 755 cc 1 mode", "F 644 ee 1 edited", "F 644 bb 1 new name", "D 755 - 0 folder")
    change = delta.between(old, new)
    assert change.send == {"edited"}
    assert change.patch.split("\n")[:-1] == [
        *("F 644 ee 1 edited\t", "D 755 - 0 folder\t", "F 755 cc 1 mode\tmode", "F 644 bb 1 new name\told name", "- - - - old name\t")
    ]
    assert delta.between(old, old) == delta.Delta("", frozenset())


def test_a_list_in_another_order_is_of_no_use(tmp_path: Path) -> None:
    """Neither here nor on the server, where nothing else can be made of it either."""
    sorted_ones, mixed = listed("F 644 aa 1 a", "F 644 bb 1 b"), lists.of([b"F 644 bb 1 b\n", b"F 644 aa 1 a\n"])
    for old, new in ((mixed, sorted_ones), (sorted_ones, mixed)):
        with pytest.raises(lists.Disorder, match="not in order"):
            delta.between(old, new)
    (tmp_path / "new").mkdir()
    (tmp_path / "old.manifest").write_bytes(b"".join(mixed.lines()))
    with pytest.raises(subprocess.CalledProcessError) as refused:
        assemble(tmp_path, "")
    assert refused.value.output == b"out-of-order a\n"


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a"), ("0", "0/00"), ("1/1e3", "1"), ("a/b/c", "a/b")])
def test_a_folder_for_a_file_and_a_file_for_a_folder(names: tuple[str, str], tmp_path: Path) -> None:
    beside: Tree = {"a-": (b"1", False), "a.b": (b"2", True), "10": (b"3", False), "a0": "a-"}
    found = artifacts(tmp_path, {"old": {**beside, names[0]: (b"same", False)}, "new": {**beside, names[1]: (b"same", False)}})
    change = delta.between(found["old"], found["new"])
    assert change.send == set()
    assert assemble(tmp_path, change.patch) == found["new"].digest
    assert printed(tmp_path / "new") == text(found["new"])


@pytest.mark.parametrize("entries", [2_000, 20_000])
def test_what_is_held_is_what_changed(entries: int) -> None:
    lines = [b"F 644 %064x 1 folder/%07d.php\n" % (number, number) for number in range(entries)]
    old = lists.of(lines)
    new = lists.of([*lines[:-1], lines[-1].replace(b"644", b"755")])
    tracemalloc.start()
    change = delta.between(old, new)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert change.patch == lists.plain(lines[-1]).replace("644", "755").replace("\n", f"\tfolder/{entries - 1:07}.php\n")
    assert peak < 300_000
