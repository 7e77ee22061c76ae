"""The project's real command line, run as a person's script would: no terminal, a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import prefork

PROJECT = Path(__file__).parents[2]
# What would let the developer's own machine show through.
FOREIGN = ("SSH_", "GIT_", "FAB", "INVOKE_", "COMPOSER", "LARAVEL_", "APP_", "DB_", "PYTHONDONTWRITE")


@dataclass(frozen=True)
class Result:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Return everything it printed."""
        return self.out + self.err


def run_fab(args: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 300) -> Result:
    """Run ``fab`` with this project's fabfile in ``cwd`` to its end; raise TimeoutExpired when that does not come."""
    whole = environment(env)
    if (runner := _runner()) and runner.suits(whole):
        return Result(*runner.run([fab_command()[0], "-r", str(PROJECT), *args], cwd, whole, timeout))
    with start_fab(args, cwd, env) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Result(process.returncode, out, err)


@cache
def _runner() -> prefork.Runner | None:
    return prefork.Runner(environment()) if sys.platform == "linux" else None  # where such sockets hand over files


def start_fab(args: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start ``fab`` and return at once: for tests that kill it, or that talk to the server meanwhile."""
    command = [*fab_command(), "-r", str(PROJECT), *args]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=cwd, env=environment(env), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)


def fab_command() -> list[str]:
    """Return the ``fab`` that belongs to the running Python."""
    script = Path(sys.executable).with_name("fab")
    return [str(script)] if script.exists() else [sys.executable, "-m", "fabric"]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment without what belongs to the developer, plus ``extra``."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**own, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "PYTHONUTF8": "1", **(extra or {})}
