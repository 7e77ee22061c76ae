"""What the pages say is true of the code: commands, settings, ids, messages, links, and the examples."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from fabric.main import make_program
from invoke.collection import Collection
from invoke.parser import Parser

import fabfile
from fabfile import server
from fabfile.engine import errors, registry, settings
from fabfile.engine.tasks import Step
from tests.conftest import need

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
WORKFLOW = ROOT / "docs/examples/github-actions.yml"
PHASES = (
    *("build-prep", "build-app", "package-transfer", "configure", "5-pre-release", "6-mid-release"),
    *("7-switch", "8-post-release", "9-cleanup", "10-finalize"),
)
STEPS = (
    *("0-init-vars", "1-analyze-deps", "2-deploy-ignore", "3-env-setup", "4-git-prep"),
    *("1.1-prebuild", "1.2-versions", "1.3-clone", "2.1-cache", "2.2-deps", "2.3-assets", "2.4-optimize", "2.5-validate"),
    *("3.1-package", "3.2-connect", "3.3-release-dir", "3.4-transfer", "4.1-shared", "4.2-env", "5.1-backup", "5.2-maintenance"),
    *("6.1-migrate", "6.2-cache", "6.3-health", "7.1-symlink", "8.1-opcache", "8.2-workers", "8.3-validate", "8.4-up"),
    *("9.1-releases", "9.2-cache", "10.1-log", "10.2-notify"),
)


def name(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)[:60]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of ``language``."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def spans(text: str) -> list[str]:
    """The inline code of a page, outside its fenced blocks."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def section(page: str, heading: str) -> str:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return text.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def every(language: str) -> list[Any]:
    return [pytest.param(text, id=f"{name(page)}-{number}") for page in PAGES for number, text in enumerate(blocks(page, language))]


def missing(messages: list[str]) -> list[str]:
    """Which fixed parts of ``messages``, between "…", stand nowhere in the source."""
    source = "\n".join(file.read_text(encoding="utf-8") for file in ROOT.glob("fabfile/**/*") if file.suffix in (".py", ".sh", ".php"))
    parts = [part.strip(" :`") for text in messages for part in re.split(r"…|\d+|\$\{NAME\}", text)]
    return [part for part in parts if part not in source]


# commands


def commands(page: Path) -> Iterator[list[str]]:
    """The words after each ``fab`` that a page tells one to type."""
    text = page.read_text(encoding="utf-8")
    lines = text.splitlines() if page.suffix == ".yml" else spans(text)
    for language in ("sh", "yaml"):
        lines += [line for block in blocks(page, language) for line in block.replace("\\\n", " ").splitlines()]
    if page.suffix == ".yml":
        lines = text.replace("\\\n", " ").splitlines()
    for line in lines:
        for part in re.split(r"&&|\|\|", line):
            if match := re.match(r"\s*(?:- )?fab (.+)", part):
                yield shlex.split(match[1], comments=True)


@pytest.fixture(scope="module")
def example() -> Iterator[ModuleType]:
    """The complete module of docs/extending.md, imported; what it replaces is put back."""
    (text,) = (block for block in blocks(ROOT / "docs/extending.md", "python") if '"""Tasks of our own."""' in block)
    module = ModuleType("deploy_tasks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "migrate", server.migrate)
        exec(compile(text, "docs/extending.md", "exec"), module.__dict__)
        yield module


@pytest.fixture(scope="module")
def typed(example: ModuleType) -> Callable[[list[str]], object]:
    """Reads a command line as ``fab`` does, first its own options, then the tasks and theirs; those of the example too."""
    space = Collection.from_module(fabfile)
    space.add_collection(Collection.from_module(example, name="deploy-tasks"))
    initial, contexts = make_program().initial_context, space.to_contexts()

    def parse(words: list[str]) -> object:
        core = Parser(initial=initial, ignore_unknown=True).parse_argv(words)
        return Parser(contexts=contexts).parse_argv(core.unparsed)

    return parse


@pytest.mark.parametrize("page", [*PAGES, WORKFLOW], ids=name)
def test_commands_can_be_typed(page: Path, typed: Callable[[list[str]], object]) -> None:
    for words in commands(page):
        if words[-1:] != ["…"] and not {"TASK", "PATH"} & set(words):
            typed(words)


def test_commands_are_found() -> None:
    found = [words for page in PAGES for words in commands(page)]
    assert ["server.migrate", "--host=prod"] in found
    assert ["deploy", "--host=prod", "--artifact=artifact/release.tar.gz"] in [*commands(WORKFLOW), *commands(ROOT / "docs/ci.md")]


def test_a_command_with_a_typing_error_is_noticed(typed: Callable[[list[str]], object]) -> None:
    for words in (["deploi"], ["deploy", "--hots=prod"], ["server.migrate", "--to=1"]):
        with pytest.raises(Exception, match="No idea what"):
            typed(words)


# the flow


def rows() -> dict[str, str]:
    """Step id → its line in docs/flow.md."""
    text = (ROOT / "docs/flow.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `\[([^\]]+)\]` (\|.*)$", text, re.MULTILINE))


def tasks() -> dict[str, Step]:
    return {key: task for key, task in registry.tasks.items() if isinstance(task, Step)}


def test_the_flow_page_has_every_step_in_order_of_its_phase() -> None:
    assert sorted(rows()) == sorted(STEPS)


@pytest.mark.parametrize("id", PHASES)
def test_the_flow_page_has_every_phase(id: str) -> None:
    assert f"`[{id}]`" in (ROOT / "docs/flow.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("id", STEPS)
def test_a_step_of_the_flow_belongs_to_a_task(id: str) -> None:
    _, task_cell, where, result, *_ = rows()[id].split("|")
    named = [key for key in spans(task_cell) if key in tasks()]
    assert named
    assert {tasks()[key].flow for key in named} == {id}
    assert tasks()[named[0]].marker == where.strip()
    lines = [span.removeprefix("✅ ") for span in spans(result)]
    assert lines
    assert missing(lines) == []


def test_every_task_with_an_id_is_on_the_flow_page() -> None:
    wanted = {(task.flow, key) for key, task in tasks().items() if task.flow in STEPS}
    assert wanted == {(id, key) for id, row in rows().items() for key in spans(row.split("|")[1]) if key in tasks()}


@pytest.mark.parametrize("key", ["Critical pitfalls", "Build strategies", "Verification checklist"])
def test_the_flow_page_has_its_lists(key: str) -> None:
    assert len(section("flow.md", key).strip().splitlines()) >= 7


# settings


@pytest.mark.parametrize("text", every("toml"))
def test_a_snippet_is_a_deploy_toml(text: str, tmp_path: Path, example: ModuleType) -> None:
    file = tmp_path / "deploy.toml"
    file.write_text(text, encoding="utf-8")
    loaded = settings.load(file)
    for host in loaded.settings.hosts:
        loaded.host(host, site=False)
    for entries in vars(loaded.settings.hooks).values():
        for task in (entry.task for entry in entries if entry.task not in ("", "...")):
            assert task in registry.tasks or task.removeprefix("deploy-tasks.") in vars(example)


def test_braces_are_read_here_and_escaped_ones_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = (block for block in blocks(ROOT / "docs/extending.md", "toml") if "$${RELEASE}" in block)
    monkeypatch.delenv("PING_URL", raising=False)
    (tmp_path / "deploy.toml").write_text(text, encoding="utf-8")
    plain, braces, local = (entry.command for entry in settings.load(tmp_path / "deploy.toml").settings.hooks.post_release)
    assert "$RELEASE" in plain
    assert "-${RELEASE}.txt" in braces
    assert local.endswith("http://127.0.0.1/ping")


# words


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if file.name in ("traps.md", "security.md", "performance.md", "fault-matrix.md") and not file.exists():
            continue  # their own part of the documentation
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}, target


def test_every_exit_code_is_explained() -> None:
    known = {errors.LIVE, errors.USAGE, errors.WARNINGS, errors.FAILED, errors.ROLLED_BACK, errors.ROLLBACK_FAILED, errors.LOCKED}
    assert {int(code) for code in re.findall(r"^\| (\d) \|", section("recovery.md", "Exit codes"), re.MULTILINE)} == known | {1}


def test_the_messages_explained_are_those_of_the_code() -> None:
    first = [line.split("|")[1] for line in section("recovery.md", "What it said, and what to type").splitlines() if line.startswith("| `")]
    messages = [span for cell in first for span in spans(cell)]
    assert len(messages) > 50
    assert missing(messages) == []


# examples


def test_the_example_module_makes_tasks(example: ModuleType) -> None:
    names = set(Collection.from_module(example).task_names)
    assert names == {"reindex", "space", "uptime", "exports", "recent", "size", "migrate", "refresh"}
    assert server.migrate is example.migrate


def test_the_workflow_is_yaml_and_keeps_its_promises() -> None:
    found = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert found["concurrency"] == {"group": "deploy-prod", "cancel-in-progress": False}
    assert found["jobs"]["deploy"]["needs"] == "build"
    assert found["permissions"] == {"contents": "read"}


def test_the_workflows_scripts_are_shell() -> None:
    need("shellcheck")
    for script in re.findall(r"^ +run: \|\n((?: {10}.*\n)+)", WORKFLOW.read_text(encoding="utf-8"), re.MULTILINE):
        subprocess.run(["shellcheck", "-s", "bash", "-"], input=script, text=True, check=True)


def test_the_nginx_server_is_one(tmp_path: Path) -> None:
    need("nginx")
    (text,) = blocks(ROOT / "docs/servers.md", "nginx")
    shutil.copy("/etc/nginx/fastcgi_params", tmp_path)
    conf = tmp_path / "nginx.conf"
    conf.write_text(f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{text}}}\n", encoding="utf-8")
    found = subprocess.run([shutil.which("nginx") or "/usr/sbin/nginx", "-t", "-c", str(conf)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "$realpath_root" in text


def test_every_event_is_listed() -> None:
    said = {
        event
        for file in (ROOT / "fabfile").rglob("*.py")
        for event in re.findall(r'\bevent\("([a-z-]+)"', file.read_text(encoding="utf-8"))
    }
    assert len(said) > 10
    assert said <= set(spans(section("ci.md", "Exit codes")))
