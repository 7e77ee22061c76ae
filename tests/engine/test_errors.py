"""What a failed command printed is shown by both its ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile import info
from fabfile.engine import options, pieces
from fabfile.engine.errors import CommandFailed, excerpt
from fabfile.engine.records import Record
from fabfile.engine.state import ServerState


@given(st.integers(0, 60))
def test_both_ends_are_shown_and_what_is_left_out_is_counted(count: int) -> None:
    lines = [f"line {number}" for number in range(count)]
    shown = excerpt(lines)
    kept = [line for line in shown if line in lines]
    assert (kept[:8], kept[-12:]) == (lines[:8], lines[-12:])
    assert len(shown) <= 21
    assert (kept == lines) or f"… {count - len(kept)} more lines …" in shown


def test_the_reason_that_npm_gives_first_is_not_lost() -> None:
    output = "npm error code EUSAGE\nnpm error Missing: vite from lock file\n" + "npm error   --help\n" * 40
    assert "Missing: vite" in CommandFailed("local", "npm ci", 1, output).text


def test_what_is_cut_says_so() -> None:
    assert pieces.title("x" * 120) == "x" * 120
    assert pieces.title("x" * 121) == "x" * 119 + "…"


def test_why_a_release_failed_is_cut_for_people_only(monkeypatch: pytest.MonkeyPatch) -> None:
    why = "a reason " * 20
    found = ServerState(records={"1": Record("1", reason=why)})
    monkeypatch.setattr(options, "current", options.Options())
    assert info._release(found, "1")[-1] == why[:59] + "…"
    monkeypatch.setattr(options, "current", options.Options(json=True))
    assert info._release(found, "1")[-1] == why
