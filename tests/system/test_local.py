"""The tasks of this machine, as a person types them in a clone of a project: real git, real files, no server."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import need
from tests.support.fab import PROJECT, environment, fab_command
from tests.support.git import AUTHOR, Origin, git
from tests.support.typed import LARAVEL, fab, refused

pytestmark = pytest.mark.system

DEPLOY_TOML = """\
[project]
name = "notes"

[hosts.prod]
address = "127.0.0.1"
path = "/srv/notes"
url = "https://www.notes.test"

[hosts.staging]
address = "127.0.0.1"
path = "/srv/staging"
branch = "develop"
"""
IDENTITY = {f"GIT_{who}_{what}": "author@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """A project with two hosts, of which one has a branch of its own."""
    need("git")
    (tmp_path / "source").mkdir()
    origin = Origin(tmp_path, tmp_path / "source")
    origin.publish({"deploy.toml": DEPLOY_TOML, "composer.lock": "{}", **LARAVEL})
    return origin


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["status", "--lock-wait=abc"], "--lock-wait must be a whole number of 0 or more; it is 'abc'"),
        (["status", "releases", "--lock-wait", "-1"], "--lock-wait must be a whole number of 0 or more; it is '-1'"),
        (["server.log", "--seconds=x"], "--seconds must be a number of 0 or more; it is 'x'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_flag_that_is_no_number_is_one_line(args: list[str], says: str, tmp_path: Path) -> None:
    assert refused(tmp_path, *args) == f"{says}\n"


def test_the_help_of_host_promises_no_more_than_it_takes(tmp_path: Path) -> None:
    text = " ".join(fab(tmp_path, "--help", "deploy").out.split())
    assert "--host=STRING a host of deploy.toml, or sandbox" in text
    assert "--lock-wait=INT seconds to wait" in text


@pytest.mark.parametrize("task", ["analyze", "check", "commit", "push", "deployignore", "env"])
def test_a_folder_that_is_not_there_is_named_with_its_key(task: str, origin: Origin) -> None:
    origin.publish({"deploy.toml": DEPLOY_TOML.replace("[project]", f'[project]\npath = "{origin.bare}/nowhere"')})
    said = refused(origin.clone, f"local.{task}", "--host=prod")
    assert f"deploy.toml:2: project.path leads to '{origin.bare}/nowhere', and there is no such folder on this machine" in said
    assert "→ set it to" in said


def test_what_needs_no_folder_here_does_without(origin: Origin) -> None:
    origin.publish({"deploy.toml": DEPLOY_TOML.replace("[project]", f'[project]\npath = "{origin.bare}/nowhere"')})
    for args in (["local.notify"], ["steps", "--host=prod"]):
        assert fab(origin.clone, *args).code == 0


@pytest.mark.parametrize("task", ["analyze", "check", "commit", "deployignore", "env"])
def test_without_a_deploy_toml_the_tools_own_folder_is_not_taken_for_the_application(task: str, tmp_path: Path) -> None:
    before = {path.name for path in PROJECT.iterdir()}
    said = refused(tmp_path, f"local.{task}")
    assert f"there is no deploy.toml in {tmp_path} or above it\n  → fab local.init" in said
    assert {path.name for path in PROJECT.iterdir()} == before


@pytest.mark.parametrize("args", [["deploy", "--host=prod"], ["status", "--host=prod"], ["steps"], ["config"]], ids=" ".join)
def test_nor_is_the_example_in_it_taken_for_its_settings(args: list[str], tmp_path: Path) -> None:
    assert f"there is no deploy.toml in {tmp_path} or above it\n  → fab local.init" in refused(tmp_path, *args)


def test_a_folder_that_is_no_repository_is_not_called_committed(tmp_path: Path) -> None:
    (tmp_path / "deploy.toml").write_text(DEPLOY_TOML)
    (tmp_path / "artisan").touch()
    checked = fab(tmp_path, "local.check", "--host=prod")
    assert (checked.code, "is no git repository with a commit" in checked.err, "→ git init" in checked.err) == (4, True, True), checked.text
    for task in ("commit", "push"):
        result = fab(tmp_path, f"local.{task}", "--host=prod")
        assert (result.code, "is not in a git repository" in result.err, "→ git init" in result.err) == (4, True, True), result.text


def test_a_repository_that_is_its_own_origin_is_not_called_pushed(origin: Origin) -> None:
    origin.run("remote", "remove", "origin")
    assert "Ready to deploy: main is committed  " in fab(origin.clone, "local.check", "--host=prod").out


@pytest.mark.parametrize("word", ["", "project.has_frontend=false", 'build.package_manager="none"'])
def test_a_front_end_that_nobody_builds_needs_no_lock_file(word: str, origin: Origin) -> None:
    """Laravel's own skeleton brings a package.json, also to an API that has no use for it."""
    origin.publish({"package.json": '{"scripts": {"build": "vite build"}}'})
    result = fab(origin.clone, "local.check", "--host=prod", *([f"--set={word}"] if word else []))
    if word:
        assert "Ready to deploy: main is committed" in result.out, result.text
    else:
        assert "package.json has no lock file beside it" in result.err
        assert "set project.has_frontend = false" in result.err


def test_a_commit_is_named_by_its_whole_id(origin: Origin) -> None:
    short = origin.head()[:7]
    result = fab(origin.clone, "builder.clone", "--host=prod", f"--commit={short}")
    assert f"no branch or tag '{short}'; a commit is named by its whole id\n  → git rev-parse {short}" in result.err


@pytest.mark.parametrize("repository", ["", "--set=project.repository=file://BARE"], ids=["a path", "file"])
@pytest.mark.parametrize("flags", [[], ["--force"]], ids=["", "forced"])
def test_a_commit_that_is_nowhere_is_refused_before_anything_is_built(flags: list[str], repository: str, origin: Origin) -> None:
    where = [repository.replace("BARE", str(origin.bare))] if repository else []
    origin.run(*AUTHOR, "commit", "-q", "--allow-empty", "-m", "not pushed")
    for commit in ("1234567890" * 4, origin.head()):
        result = fab(origin.clone, "local.check", "--host=prod", f"--commit={commit}", *flags, *where)
        assert (result.code, f"there is no commit {commit} in {origin.bare}" in result.err) == (2, True), result.text
    origin.run("push", "-q", "origin", "HEAD:main")
    assert fab(origin.clone, "local.check", "--host=prod", f"--commit={origin.head()}", *where).code == 0


def test_a_branch_that_is_nowhere_is_answered_with_the_nearest_that_is(origin: Origin) -> None:
    origin.run("push", "-q", "origin", "HEAD:develop")
    result = fab(origin.clone, "local.check", "--host=prod", "--branch=develp")
    assert (result.code, "--force" in result.err) == (4, False)
    assert f"branch 'develp' is not in {origin.bare}; did you mean develop?\n  → git push it" in result.err
    assert fab(origin.clone, "local.check", "--host=prod", "--branch=develp", "--force").code == 4
    assert "; known: develop, main\n" in fab(origin.clone, "local.check", "--host=prod", "--branch=nosuch").err


def test_a_tag_can_be_forced_where_a_branch_is_wanted(origin: Origin) -> None:
    origin.run("push", "-q", "origin", "HEAD:refs/tags/v1")
    result = fab(origin.clone, "local.check", "--host=prod", "--branch=v1")
    assert (result.code, "; or --force" in result.err) == (4, True)
    assert fab(origin.clone, "local.check", "--host=prod", "--branch=v1", "--force").code == 0


@pytest.mark.parametrize("at", ["deploy.toml", "backend/deploy.toml"])
def test_an_application_in_a_folder_of_its_repository_is_refused_at_once(at: str, origin: Origin) -> None:
    path = "." if "/" in at else "backend"
    files = {f"backend/{name}": text for name, text in {"composer.lock": "{}", **LARAVEL}.items()}
    origin.run("rm", "-q", "deploy.toml")
    origin.publish({**files, at: DEPLOY_TOML.replace("[project]", f'[project]\npath = "{path}"')})
    result = fab((origin.clone / at).parent, "local.check", "--host=prod", "--force")
    assert (result.code, "not the top of its git repository but backend/ in it" in result.err) == (2, True), result.text
    elsewhere = fab((origin.clone / at).parent, "local.check", "--host=prod", f"--set=project.repository={origin.bare}")
    assert elsewhere.code == 0, elsewhere.text


def test_a_repository_that_cannot_be_read_says_why_whatever_is_wanted_of_it(origin: Origin) -> None:
    result = fab(origin.clone, "builder.clone", "--host=prod", "--commit=facade", f"--set=project.repository=file://{origin.bare}/nowhere")
    assert "no branch or tag 'facade': fatal: " in result.err


def test_an_application_with_the_collection_in_it_is_meant_from_everywhere(origin: Origin, tmp_path: Path) -> None:
    """The tasks live in the application's repository: from outside it is named with -r."""
    shutil.copytree(PROJECT / "fabfile", origin.clone / "fabfile", ignore=shutil.ignore_patterns("__pycache__"))
    command = [*fab_command(), "-r", str(origin.clone), "local.deployignore"]
    subprocess.run(command, cwd=tmp_path, env=environment(), check=True, capture_output=True)
    assert (origin.clone / ".deployignore").is_file()


def tip(origin: Origin, branch: str) -> str:
    """The commit that a branch of the origin is at."""
    return git("-C", str(origin.bare), "rev-parse", "-q", "--verify", branch)


@pytest.fixture
def ahead(origin: Origin) -> Origin:
    """``develop``, which is deployed to staging, is checked out and has a commit that nobody has pushed."""
    origin.run("checkout", "-q", "-b", "develop")
    origin.run("push", "-q", "origin", "develop")
    origin.run(*AUTHOR, "commit", "-q", "--allow-empty", "-m", "not pushed")
    return origin


def about(host: list[str], task: str) -> list[str]:
    """The words that call a task for a host; -H is an option of fab's own and stands before it."""
    return [*host, task] if host[0] == "-H" else [task, *host]


@pytest.mark.parametrize("host", [["--host=staging"], ["--set=default_host=staging"], ["-H", "staging"]], ids=" ".join)
def test_check_and_push_are_about_the_branch_of_the_host(host: list[str], ahead: Origin) -> None:
    before = tip(ahead, "main")
    unpushed = fab(ahead.clone, *about(host, "local.check"))
    assert unpushed.code == 4
    assert "develop here is" in unpushed.err
    pushed = fab(ahead.clone, *about(host, "local.push"))
    assert pushed.code == 0, pushed.text
    assert (tip(ahead, "main"), tip(ahead, "develop")) == (before, ahead.head())
    assert "Ready to deploy: develop is committed and pushed" in fab(ahead.clone, *about(host, "local.check")).out


@pytest.mark.parametrize("host", [["--host=prod"], []], ids=" ".join)
def test_a_branch_that_is_not_the_deployed_one_is_not_pushed_there(host: list[str], ahead: Origin) -> None:
    before = tip(ahead, "main")
    result = fab(ahead.clone, "local.push", *host)
    assert result.code == 4, result.text
    assert "develop is checked out, but what is deployed" in result.err
    assert "git checkout main" in result.err
    assert tip(ahead, "main") == before
    assert "main is committed and pushed" in fab(ahead.clone, "local.check", *host).out


def test_what_is_forced_is_not_called_committed_and_pushed(ahead: Origin) -> None:
    result = fab(ahead.clone, "local.check", "--host=staging", "--force")
    assert result.code == 0, result.text
    assert "develop here is" in result.out
    assert "Deployed as it is (--force): develop" in result.out
    assert "committed and pushed" not in result.out


def test_commit_names_what_it_committed_and_nothing_else(origin: Origin) -> None:
    assert "Nothing to commit" in fab(origin.clone, "local.commit").out
    (origin.clone / "composer.lock").write_text('{"packages": []}')
    (origin.clone / "artisan").write_text("changed")
    origin.run("add", "artisan")
    hook = origin.clone / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho looks fine\n")
    hook.chmod(0o755)
    result = fab(origin.clone, "local.commit", **IDENTITY)
    assert f"Committed composer.lock; at {origin.head()[:12]}" in result.out
    assert origin.run("show", "--name-only", "--format=", "HEAD") == "composer.lock"


def test_commit_leaves_alone_what_was_added_where_nothing_is_ours(origin: Origin) -> None:
    before = origin.publish({"composer.lock": None, "deploy.toml": None})
    (origin.clone / "artisan").write_text("changed")
    origin.run("add", "artisan")
    result = fab(origin.clone, "local.commit", FAB_DEPLOY_FILE=str(deploy_toml_elsewhere(origin)), **IDENTITY)
    assert "Nothing to commit" in result.out
    assert origin.head() == before


def deploy_toml_elsewhere(origin: Origin) -> Path:
    """The settings in a file that is not the project's."""
    file = origin.clone.parent / "elsewhere.toml"
    file.write_text(DEPLOY_TOML.replace("[project]", f'[project]\npath = "{origin.clone}"'))
    return file


def test_a_receiver_that_cannot_be_reached_is_named_and_is_not_nobody(origin: Origin) -> None:
    result = fab(origin.clone, "local.notify", "--set=notify.webhook=http://127.0.0.1:9/")
    assert result.code == 0, result.text
    assert "⚠️  webhook could not be told" in result.out
    assert "Nobody to notify" not in result.out
    assert "Nobody to notify" in fab(origin.clone, "local.notify").out


def test_a_dry_run_of_env_changes_nothing(origin: Origin) -> None:
    result = fab(origin.clone, "local.env", "--host=prod", "--dry-run")
    assert result.code == 0, result.text
    assert f"would: add /.env.prod to {origin.clone}/.gitignore" in result.out
    assert origin.run("status", "--porcelain", "--ignored", "--untracked-files=all") == ""


@pytest.mark.parametrize(
    ("rules", "after"),
    [
        (".env.*\n!.env.example\n", ".env.*\n!.env.example\n"),
        ("/vendor", "/vendor\n/.env.prod\n"),
        (".env.*\n!.env.prod\n", ".env.*\n!.env.prod\n/.env.prod\n"),
        (None, "/.env.prod\n"),
    ],
)
def test_a_rule_is_added_only_where_none_covers_the_file(rules: str | None, after: str, origin: Origin) -> None:
    if rules:
        origin.publish({".gitignore": rules})
    assert fab(origin.clone, "local.env", "--host=prod").code == 0
    assert (origin.clone / ".gitignore").read_text() == after
    assert ".env.prod" not in origin.run("status", "--porcelain", "--untracked-files=all")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment in which the sandbox is the test's own; it ends with the test."""
    need("php")
    env = {"FAB_SANDBOX_DIR": str(tmp_path / "box")}
    yield env
    fab(tmp_path, "sandbox.stop", **env)


@pytest.mark.parametrize("words", [["--host=sandbox"], ["--set=default_host=sandbox"]], ids=" ".join)
def test_env_for_the_sandbox_has_its_url_and_its_paths(words: list[str], origin: Origin, sandbox: dict[str, str]) -> None:
    origin.publish({".env.example": "APP_URL=\nDB_CONNECTION=sqlite\n"})
    result = fab(origin.clone, "local.env", *words, **sandbox)
    assert result.code == 0, result.text
    values = dict(line.split("=", 1) for line in (origin.clone / ".env.sandbox").read_text().splitlines())
    assert values["APP_URL"].startswith("http://127.0.0.1:")
    assert values["DB_DATABASE"] == f"{sandbox['FAB_SANDBOX_DIR']}/srv/sample/shared/storage/app/database.sqlite"


def test_a_dry_run_of_env_starts_no_sandbox(origin: Origin, tmp_path: Path) -> None:
    result = fab(origin.clone, "local.env", "--host=sandbox", "--dry-run", FAB_SANDBOX_DIR=str(tmp_path / "box"))
    assert f"would: write {origin.clone}/.env.sandbox" in result.out
    assert not (tmp_path / "box").exists()


def test_env_writes_the_file_that_a_deployment_takes(origin: Origin) -> None:
    """Whatever project.path is, a host's env_file is counted from deploy.toml."""
    settings = DEPLOY_TOML.replace("[project]", '[project]\npath = "app"').replace("[hosts.prod]", '[hosts.prod]\nenv_file = "env/prod"')
    origin.publish({"deploy.toml": settings, "app/.env.example": "APP_KEY=\n"})
    assert fab(origin.clone, "local.env", "--host=prod").code == 0
    assert (origin.clone / "env/prod").is_file()


@pytest.mark.parametrize("said_by", ["deploy.toml", "git"])
def test_a_relative_repository_is_the_same_for_every_task(said_by: str, origin: Origin, tmp_path: Path) -> None:
    if said_by == "git":
        origin.run("remote", "set-url", "origin", "../origin.git")
    else:
        origin.publish({"deploy.toml": DEPLOY_TOML.replace("[project]", '[project]\nrepository = "../origin.git"')})
    (origin.clone / "app").mkdir()
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    result = fab(origin.clone / "app", "local.check", "local.push", "builder.prepare", "builder.clone", "--host=prod", **env)
    assert result.code == 0, result.text
    assert f"Repository cloned at commit: {origin.head()[:12]}" in result.out


@pytest.mark.parametrize(
    ("hooks", "says"),
    [
        (
            '[hooks]\npost_release = ["...", "server.migrat"]',
            "hooks.post_release[1]: there is no task 'server.migrat'; did you mean server.migrate?",
        ),
        ('[[hooks.mid_release]]\ntask = "team.warm-up"', "hooks.mid_release[0]: there is no task 'team.warm-up'"),
    ],
)
def test_a_hook_without_its_task_is_named_with_line_and_key(hooks: str, says: str, origin: Origin) -> None:
    origin.publish({"deploy.toml": f"{DEPLOY_TOML}\n{hooks}\n"})
    line = len(DEPLOY_TOML.splitlines()) + 1 + (2 if hooks.startswith("[hooks]") else 1)
    assert f"deploy.toml:{line}: {says}" in refused(origin.clone, "steps", "--host=prod")
