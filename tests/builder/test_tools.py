"""The versions of the tools that build, as they are asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fabfile.builder.source import parse_versions
from fabfile.builder.workshop import TOOLS
from fabfile.engine.quoting import bind


def asked(folder: Path, php: str, *more: str) -> subprocess.CompletedProcess[str]:
    script = bind(TOOLS, folder, php, *more)
    return subprocess.run(["sh", "-euc", script], check=False, text=True, capture_output=True, timeout=30)


def tool(folder: Path, name: str, script: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_php_and_composer_are_asked_at_once_and_named_in_order(tmp_path: Path) -> None:
    """Each waits until the other was asked."""
    meet = f'touch "{tmp_path}/$1"; n=0; until [ -e "{tmp_path}/$2" ] || [ $n = 100 ]; do sleep 0.1; n=$((n + 1)); done; [ $n -lt 100 ]'
    php = tool(tmp_path, "php", f"set -- one two; {meet} && sleep 0.2 && printf 'php 8.3.1\\nextensions a b\\n'")
    composer = tool(tmp_path, "composer", f"set -- two one; {meet} && echo 'Composer version 2.7.9'")
    node = tool(tmp_path, "node", "echo v20.1.0")
    said = asked(tmp_path, php, composer, node)
    assert said.returncode == 0, said.stderr
    assert [line.split(" ")[0] for line in said.stdout.splitlines()] == ["php", "extensions", "composer", node]
    assert list(parse_versions(said.stdout).values()) == ["8.3.1", "2.7.9", "20.1.0"]


@pytest.mark.parametrize("script", ["echo 'cannot load a library' >&2; exit 3", "kill -9 $$"])
def test_a_php_that_cannot_run_is_no_version(script: str, tmp_path: Path) -> None:
    said = asked(tmp_path, tool(tmp_path, "php", script), tool(tmp_path, "composer", "echo 'Composer version 2.7.9'"))
    assert said.returncode not in (0, 1)


def test_what_is_not_there_is_not_named(tmp_path: Path) -> None:
    said = asked(tmp_path, "/nowhere/php", "/nowhere/composer", "/nowhere/node")
    assert (said.returncode, said.stdout) == (0, "")
