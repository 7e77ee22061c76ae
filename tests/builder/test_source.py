"""What a build is cloned from: one commit, whole, whatever an earlier run left behind, and nothing twice."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from fabfile.builder.composer import INSTALL
from fabfile.builder.source import CLONE
from fabfile.builder.workshop import Workshop
from fabfile.engine import project
from fabfile.engine.pipes import BOOT, ProcessPipe
from fabfile.engine.quoting import bind
from fabfile.engine.settings import Loaded, Settings
from fabfile.engine.shell import Shell
from tests.conftest import need
from tests.support.git import AUTHOR, git


class Place:
    """A repository of one application, and a builder that clones it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.origin, self.repo, self.work = folder, folder / "origin", folder / "base/repo.git", folder / "base/work"
        git("init", "-q", "-b", "main", str(self.origin))
        self.first = self.commit("one")

    def commit(self, text: str | bytes, name: str = "dir/file", where: str = "origin") -> str:
        path = self.folder / where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.git("add", "-A", where=where)
        self.git(*AUTHOR, "commit", "-q", "-m", "change", where=where)
        return self.git("rev-parse", "HEAD", where=where)

    def git(self, *words: str, where: str = "origin") -> str:
        return git("-C", str(self.folder / where), *words)

    def clone(self, commit: str, config: dict[str, str] | None = None, env: dict[str, str] | None = None, before: str = "") -> None:
        """Run CLONE; ``told`` is what it says of what goes wrong. Raises CalledProcessError where it fails."""
        wanted = config or {}
        words = {f"GIT_CONFIG_{what}_{n}": pair[at] for n, pair in enumerate(wanted.items()) for at, what in enumerate(("KEY", "VALUE"))}
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        script = bind(CLONE, self.repo, f"file://{self.origin}", commit, "", self.work, "main")
        whole = {**os.environ, **words, "GIT_CONFIG_COUNT": str(len(wanted)), **(env or {})}
        with (self.folder / "told").open("w") as err:  # a pipe would wait for whoever is left behind
            subprocess.run(["sh", "-euc", before + script], check=True, stdout=subprocess.DEVNULL, stderr=err, env=whole, timeout=60)

    def told(self) -> str:
        return (self.folder / "told").read_text()

    def text(self) -> str:
        return (self.work / "dir/file").read_text()

    def kept(self) -> list[str]:
        return self.git("for-each-ref", "--format=%(objectname)", "refs/kept", where="base/repo.git").splitlines()

    def lose(self, kind: str) -> None:
        """The builder has the first commit as ``unpack-objects`` leaves it which is killed: without what it writes last."""
        git("init", "-q", "--bare", str(self.repo))
        for id in {self.git("rev-parse", f"{self.first}{path}") for path in ("", "^{tree}", ":dir", ":dir/file")}:
            if self.git("cat-file", "-t", id) not in ("blob", kind):
                (self.repo / "objects" / id[:2]).mkdir(exist_ok=True)
                shutil.copy(self.origin / ".git/objects" / id[:2] / id[2:], self.repo / "objects" / id[:2])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    need("git")
    return Place(tmp_path)


@pytest.mark.parametrize("kind", ["blob", "tree"])
def test_what_a_killed_fetch_left_is_fetched_again(kind: str, place: Place) -> None:
    place.lose(kind)
    place.clone(place.first)
    assert place.text() == "one"


def test_what_is_not_whole_is_never_built(place: Place) -> None:
    """Not even where a ref says that it is: a disk may lose what was whole once. The next build begins anew."""
    place.lose("blob")
    (place.repo / "refs/kept").mkdir()
    (place.repo / "refs/kept" / place.first).write_text(place.first)
    with pytest.raises(subprocess.CalledProcessError):
        place.clone(place.first)
    said = place.told()
    assert "could not be checked out whole; the next build fetches all of it again" in said
    assert "empty repository" not in said
    place.clone(place.first)
    assert place.text() == "one"


@pytest.mark.parametrize("broken", ["", "HEAD", "refs/kept/{}"])
def test_a_repository_that_a_power_cut_left_half_made_stops_nobody(broken: str, place: Place) -> None:
    if broken:
        place.clone(place.first)
        (place.repo / broken.format(place.first)).write_bytes(b"")
    else:
        place.repo.mkdir(parents=True)
    place.clone(place.first)
    assert place.text() == "one"


def test_a_new_commit_is_all_that_is_fetched(place: Place) -> None:
    place.commit(random.Random(1).randbytes(200_000), "large")
    second = place.commit("two")
    place.clone(second)
    place.clone(place.commit("three"))
    assert place.text() == "three"
    sizes = sorted(path.stat().st_size for path in place.repo.glob("objects/pack/*.pack"))
    assert len(sizes) == 2
    assert sizes[0] < 5_000
    assert sizes[1] > 200_000
    place.origin.rename(place.folder / "away")
    place.clone(second)  # it is there
    assert place.text() == "two"


def test_the_newest_few_commits_are_remembered(place: Place) -> None:
    commits = [place.first, *(place.commit(str(number)) for number in range(2, 12))]
    for commit in [*commits, place.first]:
        place.clone(commit)
        assert commit in place.kept()
        assert len(place.kept()) <= 9
    assert place.text() == "one"
    assert commits[-1] in place.kept()


def test_a_repository_of_an_earlier_version_goes_on(place: Place) -> None:
    git("init", "-q", "--bare", str(place.repo))
    git("-C", str(place.repo), "fetch", "-q", f"file://{place.origin}", "+refs/heads/*:refs/heads/*")
    second = place.commit("two")
    for commit, text in ((place.first, "one"), (second, "two")):
        place.clone(commit)
        assert place.text() == text


def test_without_ids_all_branches_come_and_those_that_are_gone_make_way(place: Place) -> None:
    def stingy(commit: str) -> None:
        place.clone(commit, {"protocol.version": "0"})

    place.commit("two")
    place.git("branch", "feature")
    stingy(place.first)
    place.git("branch", "-m", "feature", "feature/x")
    third, _ = place.commit("three"), place.commit("four")
    stingy(third)
    assert place.text() == "three"
    away = place.git(*AUTHOR, "commit-tree", "-m", "on no branch", f"{third}^{{tree}}")
    with pytest.raises(subprocess.CalledProcessError):
        stingy(away)
    assert away in place.told()


def test_what_git_tidies_up_holds_no_lock_afterwards(place: Place) -> None:
    need("flock")
    place.clone(place.first)
    slow, lock = place.folder / "slow", place.folder / "lock"
    real = git("--exec-path")
    slow.mkdir()
    for path in Path(real).iterdir():
        if path.name != "git":
            (slow / path.name).symlink_to(path)
    (slow / "git").write_text(f'#!/bin/sh\n[ "$1" != repack ] || {{ echo >>{place.folder}/repacked; sleep 2; }}\nexec {real}/git "$@"\n')
    (slow / "git").chmod(0o755)
    hold = f"exec 9>>'{lock}'; flock -n 9\n"
    place.clone(place.commit("two"), {"gc.auto": "1", "gc.autoPackLimit": "1"}, {"GIT_EXEC_PATH": str(slow)}, hold)
    assert (place.folder / "repacked").exists()
    subprocess.run(["flock", "-n", str(lock), "true"], check=True)


@pytest.mark.parametrize("of", ["composer", "npm"])
def test_nor_does_what_it_tidies_up_for_those_who_build(of: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What else git is configured with by its environment stays."""
    for name, value in {"COUNT": "1", "KEY_0": "user.name", "VALUE_0": "somebody"}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    script = f"git config gc.autoDetach >'{place.folder}/told'; git config user.name >>'{place.folder}/told'"
    if of == "composer":
        subprocess.run(["sh", "-euc", bind(INSTALL, place.origin, "", "", "sh", "-c", script)], check=True)
    else:
        monkeypatch.setattr(project, "loaded", lambda: Loaded(Settings(), None, {}, frozenset(), {}))  # type: ignore[arg-type]
        shell = Shell("here", lambda command=BOOT: ProcessPipe(command), silence=0)
        place.work.mkdir(parents=True)
        Workshop(shell, str(place.work.parent), "php", "composer").run("sh", "-c", script)
        shell.close()
    assert place.told() == "false\nsomebody\n"


def test_a_submodule_is_found_from_where_the_repository_is(place: Place) -> None:
    git("init", "-q", "-b", "main", str(place.folder / "lib"))
    place.commit("of the library", "text", where="lib")
    place.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", "../lib", "lib")
    place.clone(place.commit("two"), {"protocol.file.allow": "always"})
    assert (place.work / "lib/text").read_text() == "of the library"
