"""docs/fault-matrix.md promises for each fault a test that plays it, or says why there is none: it is so."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests.support.fab import PROJECT

PAGE = (PROJECT / "docs/fault-matrix.md").read_text(encoding="utf-8")
ROWS = [(int(number), cells) for number, cells in re.findall(r"^\| F(\d+) \| (.*) \|$", PAGE, re.MULTILINE)]


@cache
def functions(file: str) -> set[str]:
    return {node.name for node in ast.parse((PROJECT / file).read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


def last_cell(cells: str) -> str:
    return cells.rpartition(" | ")[2]


def test_every_fault_is_there_once_and_in_order() -> None:
    assert [number for number, _ in ROWS] == list(range(1, 83))


def test_every_fault_has_a_test_or_a_reason() -> None:
    without = [number for number, cells in ROWS if "::test_" not in last_cell(cells) and len(last_cell(cells).split()) < 5]
    assert without == []
    assert [number for number, cells in ROWS if cells.count(" | ") != 2] == []


def test_every_test_on_the_page_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) >= 82
    assert [f"{file}::{name}" for file, name in named if not (PROJECT / file).is_file() or name not in functions(file)] == []


def test_every_test_of_a_file_that_is_named_here_is_on_the_page() -> None:
    """As far as the first table goes: a test that holds a row nobody reads of is soon forgotten."""
    cells = " ".join(cells for number, cells in ROWS if number <= 45)
    shown = re.findall(r"`(tests/faults/\w+_faults\.py)::(\w+)`", cells)
    ours = {(file, name) for file, _ in shown for name in functions(file) if name.startswith("test_")}
    assert sorted(ours - set(shown)) == []
