"""What every start of ``fab`` costs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fab import PROJECT, environment, fab_command

LATE = ("asyncssh", "rich.progress", "pathspec", "urllib.request", "http.client")


@pytest.mark.parametrize("wanted", [True, False])
def test_the_collection_is_compiled_once_unless_python_is_told_not_to(wanted: bool, tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "fabfile", tmp_path / "fabfile", ignore=shutil.ignore_patterns("__pycache__"))
    env = environment({} if wanted else {"PYTHONDONTWRITEBYTECODE": "1"})
    subprocess.run([*fab_command(), "-r", str(tmp_path), "--list"], env=env, check=True, stdout=subprocess.DEVNULL, cwd=tmp_path)
    assert bool(list(tmp_path.glob("fabfile/engine/__pycache__/shell.*.pyc"))) == wanted


def test_make_compiles_it_even_so(tmp_path: Path) -> None:
    """Many images tell Python to cache nothing, and then each start would compile everything anew."""
    if not Path(sys.prefix, ".made-from").is_file():
        pytest.skip("this environment is not one that make made")
    for name in ("fabfile", "scripts"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in PROJECT.glob("requirements*.txt"):
        shutil.copy(file, tmp_path)
    env = environment({"PYTHONDONTWRITEBYTECODE": "1", "VENV": sys.prefix})
    subprocess.run(["sh", "scripts/venv.sh", "requirements.txt"], cwd=tmp_path, env=env, check=True)
    assert list(tmp_path.glob("fabfile/engine/__pycache__/shell.*.pyc"))


def test_what_few_runs_need_is_imported_late() -> None:
    script = f"import fabfile, sys; print(*[name for name in {LATE!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, env=environment(), check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
