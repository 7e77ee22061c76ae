"""docs/traps.md promises a test for each trap: they are there."""

from __future__ import annotations

import ast
import re

from tests.support.fab import PROJECT

PAGE = (PROJECT / "docs/traps.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def functions(file: str) -> set[str]:
    return {node.name for node in ast.parse((PROJECT / file).read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


def test_every_trap_is_on_the_page_once_with_a_test() -> None:
    rows = re.findall(r"^\| (\d+) \|.*\| ([^|]*) \|$", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 51))
    assert [number for number, tests in rows if "::test_" not in tests] == []


def test_every_test_on_the_page_exists() -> None:
    assert len(NAMED) >= 50
    assert [f"{file}::{name}" for file, name in NAMED if name not in functions(file)] == []


def test_every_test_of_a_trap_is_on_the_page_or_beside_one_that_is() -> None:
    files = ("tests/traps/test_server_traps.py", "tests/traps/test_build_traps.py")
    ours = {name for file in files for name in functions(file) if name.startswith("test_")}
    shown = {number for _, name in NAMED for number in re.findall(r"_(\d\d)(?=_)", name)}
    assert [name for name in ours if not set(re.findall(r"_(\d\d)(?=_)", name)) & shown] == []
