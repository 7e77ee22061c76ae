"""A sample of the sweep: other cases each time, the same for the same FAB_SEED. ``make sweep`` runs them all."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.conftest import need
from tests.support.load import Answer

from . import invariants
from .stage import FLOWS, Outcome
from .sweep import BEGIN, END, cases, indent, matrix, publish, section, staged

CASES = 5
pytestmark = [pytest.mark.slow, pytest.mark.system]


def test_whatever_dies_the_site_serves_and_the_next_deployment_works(capsys: pytest.CaptureFixture[str]) -> None:
    need("sshd", "ssh-keygen", "php", "flock")
    seed = int(os.environ.get("FAB_SEED") or random.randrange(10**6))
    with capsys.disabled():  # pytest shows nothing else of a test that passes
        print(f"\nFAB_SEED={seed}", flush=True)
    with staged() as stage:
        every = cases({flow: stage.commands(flow) for flow in FLOWS}, stage.small_disk)
        for case in random.Random(seed).sample(every, CASES):
            outcome = stage.play(*case)
            assert not outcome.broken, f"FAB_SEED={seed} {case}: {outcome.broken}\n{indent(outcome.text)}"


def test_one_run_writes_all_of_its_part_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}by hand\n{END}after\n")
    table = matrix({("first", "fail", 1): Outcome(4), ("redeploy", "hang", 2): Outcome(0, ["I6"])}, {"first": 44, "redeploy": 41})
    publish(page, section(table, 7, ["--write", "page.md"]))
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}Made in one run of `python -m tests.faults.sweep --write page.md`, seed 7. Exit codes: ")
    assert text.endswith(f"2 cases, 1 survived, 1 broken. Commands: first 44, redeploy 41.\n{END}after\n")
    assert "by hand" not in text
    publish(page, section(table, 7, ["--write", "page.md"]))
    assert page.read_text() == text


PAGE = '{"version":2,"release":"20260102000000"}'
FINE = "current      A\nstate        live\nlock         free\n"
NOTICED = {
    "a failed request": invariants.answers([Answer(0, 502, "")], {}, "2"),
    "an answer of two releases": invariants.answers([Answer(0, 200, PAGE)], {"20260102000000": "1"}, "2"),
    "success, and the old release serves": invariants.end(0, "fail", "A", "A"),
    "live with warnings, and the old release serves": invariants.end(3, "fail", "A", "A"),
    "a failure, and the new release serves": invariants.end(4, "fail", "A", "B"),
    "nothing begun, and the new release serves": invariants.end(130, "interrupt", "A", "B"),
    "an exit code of nobody's": invariants.end(1, "fail", "A", "A"),
    "a signal that nobody sent": invariants.end(-9, "fail", "A", "A"),
    "a secret on the screen": invariants.words(0, invariants.KEY),
    "a traceback": invariants.words(4, "Traceback (most recent call last)\n  → fab deploy"),
    "a failure with nothing to type": invariants.words(6, "THE ROLLBACK FAILED"),
    "a warning that is none": invariants.words(3, "live"),
    "status names another release": invariants.status(FINE, 0, "A", "B"),
    "status calls it prepared": invariants.status(FINE.replace("live", "prepared"), 0, "", "A"),
    "status calls it unconfirmed": invariants.status(FINE.replace("live", "live, not confirmed"), 3, "B", "A"),
    "status knows of a lock": invariants.status(FINE.replace("free", "held: who ann"), 4, "A", "A"),
}
QUIET = {
    "one release an answer": invariants.answers([Answer(0, 200, PAGE)], {"20260101000000": "1"}, "2"),
    "killed": invariants.end(-9, "kill-after", "A", "B"),
    "a first release that stays": invariants.end(4, "fail", "", "A"),
    "told what to type": invariants.words(4, "failed\n  → mend it and run it again: fab deploy --host=prod"),
    "status": invariants.status(FINE, 0, "B", "A"),
    "status of a first release": invariants.status(FINE.replace("live", "live, not confirmed"), 4, "", "A"),
}


@pytest.mark.parametrize("case", NOTICED)
def test_the_sweep_notices(case: str) -> None:
    assert NOTICED[case]


@pytest.mark.parametrize("case", QUIET)
def test_the_sweep_lets_pass(case: str) -> None:
    assert QUIET[case] == []
