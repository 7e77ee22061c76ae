"""docs/security.md promises something for each number of the checklist, and tests that keep it: they are there."""

from __future__ import annotations

import re

from tests.support.fab import PROJECT
from tests.traps.test_traps_page import functions

PAGE = (PROJECT / "docs/security.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \| (.*) \| ([^|]*) \|$", PAGE, re.MULTILINE)
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_every_number_is_there_once_and_in_order() -> None:
    assert [int(number) for number, _, _ in ROWS] == list(range(1, 38))
    assert len(ROWS) == len(re.findall(r"^\| *\d", PAGE, re.MULTILINE))


def test_each_says_what_holds_and_has_a_test_or_a_reason() -> None:
    assert [number for number, holds, _ in ROWS if len(holds.split()) < 5] == []
    assert [number for number, _, tests in ROWS if "::test_" not in tests and len(tests.split()) < 5] == []


def test_every_test_on_the_page_exists() -> None:
    assert len(NAMED) >= 60
    assert [f"{file}::{name}" for file, name in NAMED if not (PROJECT / file).is_file() or name not in functions(file)] == []


def test_every_file_of_the_folder_is_on_the_page() -> None:
    files = {f"tests/security/{path.name}" for path in (PROJECT / "tests/security").glob("test_*.py")}
    assert files - {file for file, _ in NAMED} == {"tests/security/test_security_page.py"}
