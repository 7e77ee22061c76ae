"""Whole deployments whose every name is hostile: path, project, branch, commit, shared folders, files, .env, hooks, messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fabfile.engine import manifest
from tests.support.deployment import World
from tests.support.fab import Result
from tests.support.git import AUTHOR
from tests.support.site import log_blocks, records

from .conftest import pack
from .hostile import EVERYTHING, FOLDER, RUN

BAD = f"'\"`{RUN}`$({RUN});*ü\\$x #&|"
SHARED = f"public/a b'ü$({RUN});`{RUN}`&\"*"
SHARED_FILE = f"conf'ig/$({RUN}) x;y.php"
FILES = [f"app/$({RUN}).php", f"app/`{RUN}`;'x' \"y\"", "app/ü\u2028日\x85本.txt", "-rf", "--help", "app/back\\slash", "app/*"]
FILES += ["END-OF-LIST", f"zz; {RUN}"]  # the second is a command where the first ends a list
VARIABLES = {"DB_PASSWORD": "'pa$$w#rd \"$(touch $CANARY)\" \\n `x`'", "PLAIN": '"a#b $HOME \\\\ \\" ü"'}


class Site:
    """The world, its canary, and the runs so far."""

    def __init__(self, make: Callable[..., World], folder: Path) -> None:
        self.canary = folder / "sang"
        self.world = make(FOLDER, env={"CANARY": str(self.canary)})
        self.world.configure(
            {
                "project": {"name": f"My 'App'; $({RUN}) ü"},
                "hosts": {"prod": {"shared_folders": ["storage/app", "storage/logs", SHARED], "shared_files": [".env", SHARED_FILE]}},
                "hooks": {"post_release": [f'printf "%s\\n" "$PWD" "$RELEASE" "$COMMIT" "$HOST" "$PHASE" >../../shared/told # {BAD}']},
            }
        )
        with self.world.env_file.open("a") as env:
            env.write("".join(f"{name}={value}\n" for name, value in VARIABLES.items()))
        self.world.commit({name: f"this is {name}" for name in (*FILES, f"{SHARED}/kept.txt", SHARED_FILE)}, f"{EVERYTHING}\n\n{BAD}")

    def fab(self, *args: str, **env: str) -> Result:
        result = self.world.fab(*args, CANARY=str(self.canary), **env)
        assert not self.canary.exists(), result.text
        assert "Traceback" not in result.text
        return result


@pytest.fixture(scope="module")
def site(sample_worlds: Callable[..., World], tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(sample_worlds, tmp_path_factory.mktemp("canary"))
    first = site.fab("deploy", "--host=prod", GITHUB_ACTOR=BAD)
    assert first.code == 0, first.text
    return site


def test_it_is_live(site: Site) -> None:
    assert site.world.get("/up").status == 200
    assert site.world.get("/up").body != ""
    assert (site.world.site / "current/artisan").is_file()
    assert site.world.site.parent.name == FOLDER


def test_every_file_arrived_under_its_own_name(site: Site) -> None:
    release = site.world.site / "current"
    assert {name: (release / name).read_text() for name in FILES} == {name: f"this is {name}" for name in FILES}


def test_shared_names_are_links_and_their_first_content_is_kept(site: Site) -> None:
    shared, release = site.world.site / "shared", site.world.site / "current"
    for path, kept in ((SHARED, f"{SHARED}/kept.txt"), (SHARED_FILE, SHARED_FILE)):
        assert (release / path).is_symlink()
        assert (release / path).resolve() == (shared / path).resolve()
        assert (shared / kept).read_text() == f"this is {kept}"


def test_the_env_is_byte_for_byte_the_persons(site: Site) -> None:
    text = site.world.env_file.read_text()
    assert text.endswith("".join(f"{name}={value}\n" for name, value in VARIABLES.items()))


def test_hooks_are_told_the_truth(site: Site) -> None:
    folder, release, commit, host, phase = (site.world.site / "shared/told").read_text().splitlines()
    assert Path(folder).resolve() == (site.world.site / "current").resolve()
    assert (release, host, phase) == (site.world.current(), "prod", "post_release")
    assert commit == records(site.world.site)[release]["commit"]


def test_the_next_one_and_the_way_back(site: Site) -> None:
    before = site.world.current()
    site.world.commit({"app/more.txt": "more"}, BAD)
    assert site.fab("deploy", "--host=prod").code == 0
    assert site.world.current() != before
    assert site.fab("rollback", "--host=prod").code == 0
    assert site.world.current() == before
    assert site.fab("status", "--host=prod").code == 0
    assert site.fab("releases", "--host=prod").code == 0


def test_who_deploys_is_a_name_in_log_and_record(site: Site) -> None:
    assert BAD in [block["By"] for block in log_blocks(site.world.site)]
    assert BAD in [record["who"] for record in records(site.world.site).values()]


def test_a_message_on_the_lock(site: Site) -> None:
    message = f"{BAD}\n{RUN}\n{EVERYTHING}"
    assert site.fab("lock", "--host=prod", f"--message={message}").code == 0
    try:
        assert json.loads((site.world.site / ".deploy/manual.json").read_text())["message"] == message
        assert BAD in site.fab("status", "--host=prod").out
        assert site.fab("deploy", "--host=prod").code == 7
    finally:
        assert site.fab("unlock", "--host=prod").code == 0


def test_why_it_failed_is_told_and_kept(site: Site) -> None:
    command = f"false '{BAD.replace(chr(39), '')}'"
    before = site.world.current()
    result = site.fab("deploy", "--host=prod", "--set", f"hooks.mid_release={json.dumps([command], ensure_ascii=False)}")
    assert result.code == 4, result.text
    assert command in result.err
    newest = max(records(site.world.site).items())[1]
    assert (newest["state"], command in newest["reason"]) == ("failed", True)
    assert command in log_blocks(site.world.site)[-1]["Note"]
    assert site.world.current() == before


def test_an_artifacts_note_is_data_too(site: Site, tmp_path: Path) -> None:
    file = pack(tmp_path / f"{FOLDER}.tar.gz")
    note = {"path": str(file), "digest": manifest.digest(file), "commit": BAD, "branch": BAD}
    file.with_name(file.name + ".json").write_text(json.dumps(note))
    result = site.fab("deploy", "--host=prod", f"--artifact={file}")
    assert result.code == 0, result.text
    newest = records(site.world.site)[str(site.world.current())]
    assert (newest["commit"], newest["branch"]) == (BAD, BAD)
    assert (site.world.site / "shared/told").read_text().splitlines()[2] == BAD
    assert log_blocks(site.world.site)[-1]["Commit"] == BAD
    assert site.fab("releases", "--host=prod").code == 0


@pytest.mark.parametrize("branch", ["feature/a+b@c_1.2-3", "UPPER", "v1.0.0"])
def test_a_branch_of_a_name_that_is_allowed(branch: str, site: Site) -> None:
    site.world.origin.run("branch", "-f", branch)
    site.world.origin.run("push", "-q", "-f", "origin", branch)
    result = site.fab("builder.prepare", "builder.clone", "--host=prod", f"--branch={branch}")
    assert result.code == 0, result.text
    assert f"({branch})" in result.out


@pytest.mark.parametrize("name", [f"$({RUN})", f"`{RUN}`", "a;b", "a'b", "ü", "-x", "--upload-pack=x", "a b"])
def test_a_branch_of_a_name_that_is_not(name: str, site: Site) -> None:
    """Git itself would take most of these."""
    result = site.fab("deploy", "--host=prod", f"--branch={name}")
    assert result.code == 2, result.text
    assert "branch" in result.err


def test_a_tag_is_a_branchs_equal(site: Site) -> None:
    site.world.origin.run(*AUTHOR, "tag", "-f", "-m", BAD, "release-1")
    site.world.origin.run("push", "-q", "-f", "origin", "release-1")
    assert site.fab("builder.prepare", "builder.clone", "--host=prod", "--branch=release-1").code == 0


def test_a_file_name_with_a_line_break_is_refused_before_anything_is_packed(site: Site) -> None:
    (site.world.clone / f"x\n{RUN}").write_text("")
    site.world.commit({})
    try:
        result = site.fab("deploy", "--host=prod")
        assert result.code == 4
        assert "a file name with a line break cannot be deployed" in result.err
    finally:
        (site.world.clone / f"x\n{RUN}").unlink()
        site.world.commit({})
