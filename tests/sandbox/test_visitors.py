"""The demo's judgement: it has to see a failed, a mixed and a stale answer."""

from __future__ import annotations

import pytest

from scripts.visitors import Answer, Load

ONE, TWO = (1, "r1"), (2, "r2")


def answers(*rows):
    return [Answer(sent, sent + 1, status, version, release) for sent, status, (version, release) in rows]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([(0, 200, ONE), (2, 200, ONE), (4, 200, TWO)], ""),
        ([(0, 200, ONE), (4, 200, TWO), (4.5, 200, ONE), (6, 200, TWO)], ""),  # sent before the new one was known
        ([(0, 200, ONE), (2, 200, TWO), (4, 200, ONE), (6, 200, TWO)], "the old release answered after the new one"),
        ([(0, 200, ONE), (2, 502, (0, "")), (4, 200, TWO)], "a request failed: 502"),
        ([(0, 200, ONE), (2, 200, (1, "r2")), (4, 200, TWO)], "an answer mixed two releases"),
        ([(0, 200, ONE), (2, 200, (2, "r1")), (4, 200, TWO)], "an answer mixed two releases"),
        ([(0, 200, ONE), (2, 200, ONE)], "nothing was switched while the load ran"),
        ([], "nothing was switched while the load ran"),
    ],
)
def test_report(rows, problem):
    found = Load(0, answers(*rows)).report()
    assert (problem in found) if problem else (found == [])
