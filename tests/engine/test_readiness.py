"""What check.sh sees of a server, and what of it stands in a deployment's way: told before anything is built."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from fabfile.engine import owners, schema, state
from fabfile.engine.scripts import source
from fabfile.engine.shell import Shell
from fabfile.server import facts, readiness
from tests.engine.conftest import MakeShell

ID = "20260101000000"


def problems(shell: Shell, site: Path, **settings: object) -> list[owners.Problem]:
    host = schema.Host(path=str(site), **settings)  # type: ignore[arg-type]
    return facts.parse(shell.ask(*readiness.question(str(site), "php", host)).out).problems(str(site), "php", host.web_group)


@pytest.fixture
def site(open_folder: Path) -> Path:
    """As a first deployment leaves it."""
    root = open_folder / "site"
    for folder in (f"releases/{ID}/public", "shared/storage/logs", "backups", ".deploy/releases"):
        (root / folder).mkdir(parents=True)
    (root / "current").symlink_to(f"releases/{ID}")
    (root / ".deploy/lock").touch()
    (root / "shared/.env").write_text("APP_KEY=base64:x\n")
    return root


def give(site: Path, *others: str) -> None:
    """The site to nobody, but for ``others``."""
    for path in (site, *site.rglob("*")):
        if not any(str(path.relative_to(site)).startswith(each) for each in others):
            os.lchown(path, 65534, 65534)


def test_every_userland_says_that_a_site_in_use_is_ready(shell: Shell, site: Path) -> None:
    assert problems(shell, site) == []
    assert problems(shell, site.with_name("new") / "one") == []


def a_file(at: Path) -> None:
    at.parent.mkdir(parents=True, exist_ok=True)
    at.touch()


def nowhere(at: Path) -> None:
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to("/nowhere/at/all")


@pytest.mark.parametrize("make", [a_file, nowhere])
@pytest.mark.parametrize("where", ["", "releases", "shared", "shared/storage", "shared/storage/logs", ".deploy", "backups"])
def test_what_has_to_be_a_folder_and_is_none(where: str, make: Callable[[Path], None], make_local: MakeShell, tmp_path: Path) -> None:
    site, at = tmp_path / "site", tmp_path / "site" / where
    make(at)
    assert problems(make_local(), site)[0].text == f"'{at}' is a file or leads nowhere: it has to be a folder"
    if not where:
        assert problems(make_local(), site / "below")[0].text.startswith(f"'{at}' is a file")


@pytest.mark.parametrize("link", ["releases/41", "releases/nosuch", "/elsewhere/releases/20260101000000", "../old", f"releases/{ID}/"])
def test_a_link_at_current_that_is_none_of_ours(link: str, shell: Shell, site: Path) -> None:
    (site / "current").unlink()
    (site / "current").symlink_to(link)
    (problem,) = problems(shell, site)
    assert problem.text == f"{site}/current leads to {link}: not one of our links"
    assert state.parse(shell.ask(source("engine/look.sh"), site, "php").out).others == link


def test_a_link_to_a_release_of_ours_that_is_lost_is_none_of_others(shell: Shell, site: Path) -> None:
    (site / "current").unlink()
    (site / "current").symlink_to("releases/20250101000000")
    assert problems(shell, site) == []
    assert not state.parse(shell.ask(source("engine/look.sh"), site, "php").out).others


@pytest.mark.root
@pytest.mark.parametrize("theirs", [".deploy", ".deploy/lock", ".deploy/releases", "releases", "backups", "shared/.env"])
def test_what_belongs_to_another_user_is_told_with_both_names(theirs: str, nobody: Shell, site: Path) -> None:
    (site / theirs).chmod(0o700 if (site / theirs).is_dir() else 0o600)
    give(site, theirs)
    found, me = problems(nobody, site), pwd.getpwuid(65534).pw_name
    assert [problem.text for problem in found] == [f"{site / theirs} belongs to root, you are {me}"]
    assert found[0].hint == f"everybody deploys as the same user: log in as root, or have it given to {me}"


@pytest.mark.root
@pytest.mark.parametrize("theirs", [".deploy", ".deploy/lock"])
def test_a_lock_of_another_user_is_not_taken_for_a_held_one(theirs: str, nobody: Shell, site: Path) -> None:
    (site / theirs).chmod(0o700 if (site / theirs).is_dir() else 0o600)
    give(site, theirs)
    found = state.parse(nobody.ask(source("engine/look.sh"), site, "php").out)
    assert not found.held
    assert owners.closed(found.closed).text.startswith(f"{site / theirs} belongs to root, you are ")


def test_of_a_site_that_is_ours_nothing_is_closed(shell: Shell, site: Path) -> None:
    assert not state.parse(shell.ask(source("engine/look.sh"), site, "php").out).closed


@pytest.mark.root
def test_a_group_that_may_not_be_given(nobody: Shell, make_local: MakeShell, site: Path) -> None:
    give(site)
    (problem,) = problems(nobody, site, web_group="root")
    me = pwd.getpwuid(65534).pw_name
    assert problem.text.startswith(f"{me} is not in the group root (web_group)")
    assert problem.hint.startswith(f"usermod -aG root {me}, as root on the server, then log in again")
    assert problems(nobody, site, web_group=grp.getgrgid(65534).gr_name) == []
    assert problems(make_local(), site, web_group="www-data") == []
    assert problems(make_local(), site, web_group="no-such-group")[0].text.startswith("root is not in the group no-such-group")
    site.chmod(0o2755)
    assert problems(nobody, site, web_group="root") == [], "what is made there has its group without anybody's doing"


def public_html(mode: str, path: Path) -> schema.PublicHtml:
    return schema.PublicHtml(mode=mode, path=str(path))  # type: ignore[arg-type]


@pytest.mark.parametrize(("mode", "file", "says"), [
    ("symlink", "index.html", "is a folder with files in it"),
    ("bridge", "index.php", "index.php is not ours: move it away first"),
])  # fmt: skip
def test_a_document_root_that_is_taken(mode: str, file: str, says: str, make_local: MakeShell, site: Path) -> None:
    root = site.with_name("public_html")
    assert problems(make_local(), site, public_html=public_html(mode, root)) == []
    root.mkdir()
    assert problems(make_local(), site, public_html=public_html(mode, root)) == []
    (root / file).touch()
    assert says in problems(make_local(), site, public_html=public_html(mode, root))[0].text
    assert [path.name for path in root.iterdir()] == [file]


@pytest.mark.root
def test_a_document_root_that_cannot_be_made_or_written(nobody: Shell, site: Path) -> None:
    give(site)
    home = site.with_name("home")
    root = home / "public_html"
    root.mkdir(parents=True)
    home.chmod(0o755)
    assert f"{home} is not writable" in problems(nobody, site, public_html=public_html("symlink", root))[0].text
    assert f"{root} is not writable" in problems(nobody, site, public_html=public_html("bridge", root))[0].text
    assert f"{home} is not writable" in problems(nobody, site, public_html=public_html("bridge", home / "a/b"))[0].text
    os.chown(root, 65534, 65534)
    assert problems(nobody, site, public_html=public_html("bridge", root)) == []
    root.rmdir()
    root.symlink_to(f"{site}/current/public")
    assert problems(nobody, site, public_html=public_html("symlink", root)) == []


@pytest.mark.parametrize(("rows", "says"), [
    ("used 91\nfilled 90", ["the disk is 91 % full"]),
    ("used 9\nfilled 91", ["91 % of the disk's inodes are used"]),
    ("used 90\nfilled -", []),
])  # fmt: skip
def test_disk_limit_is_about_blocks_and_inodes(rows: str, says: list[str]) -> None:
    assert facts.parse(rows).full(90) == says


def test_how_many_inodes_are_used_is_asked(make_local: MakeShell, tmp_path: Path) -> None:
    """As df says it, which may say "-"."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/df").write_text(
        "#!/bin/sh\ncase $1 in -Pi) echo; echo disk 100 97 3 97% / ;; *) echo; echo disk 100 9 91 9% / ;; esac\n"
    )
    (tmp_path / "bin/df").chmod(0o755)
    shell = make_local(path=f"{tmp_path}/bin:{os.environ['PATH']}")
    found = facts.parse(shell.ask(*readiness.question(str(tmp_path), "php", schema.Host())).out)
    assert (found.used, found.free_kib, found.inodes, found.filled) == (9, 91, 3, 97)
