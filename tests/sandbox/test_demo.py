"""`make demo`, as whoever tries it first runs it: on a machine that may have no PHP."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fabfile.sandbox import interpreter

ROOT = Path(__file__).resolve().parents[2]

WITHOUT = ("php", "composer", "node", "npm")


@pytest.fixture
def bare(tmp_path):
    """A PATH with all that this machine has but PHP and what builds with it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for place in reversed(os.environ["PATH"].split(os.pathsep)):
        for program in Path(place).glob("*"):
            if not program.name.startswith(WITHOUT):
                (folder / program.name).unlink(missing_ok=True)
                (folder / program.name).symlink_to(program)
    return str(folder)


def test_the_demo_is_as_expected_where_there_is_no_php(bare, tmp_path):
    try:
        importlib.metadata.version(interpreter.PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{interpreter.PACKAGE} is not installed: there was a PHP when the environment was made")
    assert shutil.which("php", path=bare) is None
    settings = {**os.environ, "PATH": bare, "FAB_SANDBOX_DIR": str(tmp_path / "box"), "HOME": str(tmp_path)}
    try:
        ran = subprocess.run(
            [sys.executable, "scripts/demo.py"], cwd=ROOT, env=settings, capture_output=True, text=True, timeout=300, check=False
        )
        assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
        assert "== All as expected." in ran.stdout
        assert ran.stdout.count(" requests: 0 failed, 0 mixed two releases, 0 stale") == 2
    finally:
        subprocess.run([Path(sys.executable).parent / "fab", "sandbox.stop"], cwd=ROOT, env=settings, capture_output=True, check=False)
