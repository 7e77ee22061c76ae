"""The version lock is data: written, read, compared, never run."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.engine.errors import Failure
from fabfile.laravel.versionlock import VersionLock, dump, load, mismatches

LOCK = VersionLock("8.2.10", "2.5.5", "18.20.4", "9.2.0", ("gd", "mbstring"), datetime(2026, 11, 22, 9, 30, tzinfo=timezone.utc))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20).filter(lambda text: not text.startswith("v"))
MOMENTS = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, timezone.utc))


def test_it_looks_like_toml() -> None:
    assert dump(LOCK) == (
        'php = "8.2.10"\ncomposer = "2.5.5"\nnode = "18.20.4"\nnpm = "9.2.0"\nextensions = ["gd", "mbstring"]\n'
        "analyzed_at = 2026-11-22T09:30:00Z\n"
    )


@given(st.builds(VersionLock, TEXTS, TEXTS, TEXTS, TEXTS, st.sets(TEXTS).map(lambda names: tuple(sorted(names))), MOMENTS))
def test_what_is_written_comes_back(lock: VersionLock) -> None:
    assert load(dump(lock)) == lock


@pytest.mark.parametrize(
    "text", ["PHP_VERSION=8.2.10\nANALYZED_AT=Mon Nov 22 09:30:00 UTC 2026\n", 'php = "8.2"', "", 'analyzed_at = "yesterday"']
)
def test_the_flows_shell_file_is_refused_and_not_run(text: str) -> None:
    with pytest.raises(Failure, match="not a version lock"):
        load(text)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (LOCK, ()),
        (VersionLock("8.2.36", "2.7.1", "18.0.0", "9.9.9", ("MBString", "gd", "intl")), ()),
        (VersionLock("8.3.1", "2.5.5", "18.1.0", "9.0.0", ("gd", "mbstring")), ("php is 8.3.1, 8.2.10 is wanted",)),
        (
            VersionLock("8.2.1", "1.10.0", "20.1.0", "", ("gd",)),
            ("composer is 1.10", "node is 20.1.0", "npm is missing", "the PHP extension mbstring"),
        ),
    ],
)
def test_what_differs_is_said(found: VersionLock, said: tuple[str, ...]) -> None:
    given_sentences = mismatches(LOCK, found)
    assert len(given_sentences) == len(said)
    assert all(sentence.startswith(start) for sentence, start in zip(given_sentences, said, strict=True))


def test_a_shortened_version_is_enough() -> None:
    assert mismatches(VersionLock(php="8", node="18"), LOCK) == ()
    assert mismatches(VersionLock(php="8.10"), VersionLock(php="8.1.0")) == ("php is 8.1.0, 8.10 is wanted",)
