"""What a failed command printed is shown by both its ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fabfile.engine.errors import CommandFailed, excerpt


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
