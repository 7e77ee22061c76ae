"""What is installed is what was looked at: pinned packages with the hashes of their files, none with a hole that is known."""

from __future__ import annotations

import re

import paramiko
import pytest

from fabfile.engine import trust
from tests.support.fab import PROJECT

FILES = ("requirements.txt", "requirements-dev.txt", "requirements-php.txt")
LOCK = (PROJECT / "uv.lock").read_text(encoding="utf-8").split("\n[[package]]\n")
# The first version without a hole that matters here.
SAFE = {"paramiko": (3, 4), "cryptography": (42, 0, 4), "asyncssh": (2, 14, 2), "fabric": (3, 2), "invoke": (2, 2)}


def pins(file: str) -> dict[str, tuple[str, set[str]]]:
    """Package -> version and hashes; of all lines, so that one without a hash has none."""
    text = re.sub(r"\\\n *", "", (PROJECT / file).read_text(encoding="utf-8"))
    rows = [line for line in text.splitlines() if line and not line.startswith("#")]
    split = [(re.fullmatch(r"([\w.-]+)==(\S+)(.*)", row), row) for row in rows]
    assert [row for match, row in split if match is None] == []
    return {match[1]: (match[2], set(re.findall(r"--hash=sha256:([0-9a-f]{64})", match[3]))) for match, _ in split if match}


@pytest.mark.parametrize("file", FILES)
def test_every_package_is_pinned_with_the_hashes_of_the_lock(file: str) -> None:
    for name, (version, hashes) in pins(file).items():
        [section] = [text for text in LOCK if text.startswith(f'name = "{name}"\nversion = "{version}"\n')]
        assert hashes == set(re.findall(r'hash = "sha256:([0-9a-f]{64})"', section)), name
        assert hashes, name


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def test_no_package_has_a_hole_that_is_known() -> None:
    found = pins("requirements.txt")
    assert {name: found[name][0] for name, least in SAFE.items() if number(found[name][0]) < least} == {}
    assert SAFE["paramiko"] == trust.OLDEST


def test_an_old_paramiko_is_refused() -> None:
    """Whoever installed it some other way."""
    trust.check_library(paramiko.__version__)
    with pytest.raises(trust.Failure, match=r"Paramiko 3\.3\.1 is too old"):
        trust.check_library("3.3.1")


def test_nothing_is_downloaded_to_a_server_and_run() -> None:
    sources = [path for path in (PROJECT / "fabfile").rglob("*") if path.suffix in (".py", ".sh", ".php")]
    fetching = re.compile(r"\b(curl|wget|fetch) +(-\w+ +)*['\"$h]|copy\('https?:|file_get_contents\('https?:")
    assert [path.name for path in sources if fetching.search(path.read_text(encoding="utf-8"))] == []
