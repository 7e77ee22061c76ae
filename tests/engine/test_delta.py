"""Any tree made from another one and what it lacked is the tree that was built, byte for byte; nothing damaged is carried over."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fabfile.engine import delta, manifest
from fabfile.engine.scripts import php
from tests.engine.test_manifest import PATHS, SLOW, TREES, Tree, compare, pack, plant, printed, sh, workspace

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


def artifacts(folder: Path, trees: dict[str, Tree]) -> dict[str, manifest.Manifest]:
    """Pack both trees; ``old`` is left as it is on a server, ``new`` only as an artifact."""
    found = {}
    for name, tree in trees.items():
        names = plant(folder / name, tree)
        found[name] = manifest.read(pack(PATH, folder / name, folder / f"{name}-artifact", names))
    shutil.rmtree(folder / "new")
    (folder / "new").mkdir()
    (folder / "old.manifest").write_bytes(found["old"].text.encode("utf-8", "surrogateescape"))
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
        assert (folder / "new.manifest").read_bytes() == found["new"].text.encode("utf-8", "surrogateescape")
        assert printed(folder / "new") == found["new"].text
        assert printed(folder / "old") == found["old"].text
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
        _, lines = compare(folder / "new", found["new"].text)
        lacking = [line.partition(" ")[2] for line in lines[:-1]]
        for path in lacking:
            (folder / "new" / path).unlink(missing_ok=True)
        arrive(folder, lacking)
        assert printed(folder / "new") == found["new"].text


def test_only_new_content_is_sent() -> None:
    lines = {"same": "F 644 aa 1 same", "old name": "F 644 bb 1 old name", "mode": "F 644 cc 1 mode", "edited": "F 644 dd 1 edited"}
    old = manifest.of("".join(f"{line}\n" for line in lines.values()))
    lines |= {"mode": "F 755 cc 1 mode", "edited": "F 644 ee 1 edited", "new name": "F 644 bb 1 new name", "folder": "D 755 - 0 folder"}
    del lines["old name"]
    change = delta.between(old, manifest.of("".join(f"{line}\n" for line in lines.values())))
    assert change.send == {"edited"}
    assert sorted(change.patch.split("\n")[:-1]) == sorted(
        ["-old name", "+F 755 cc 1 mode", "+F 644 ee 1 edited", "+F 644 bb 1 new name", "+D 755 - 0 folder"]
    )
    assert delta.between(old, old) == delta.Delta("", frozenset())
