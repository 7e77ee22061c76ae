"""What a person types in a project that has no server yet, and the least of an application."""

from __future__ import annotations

from pathlib import Path

from .fab import Result, run_fab

LARAVEL = {"artisan": "#!/usr/bin/env php\n", "composer.json": '{"name": "acme/notes"}', ".env.example": "APP_NAME=Notes\nAPP_KEY=\n"}


def fab(cwd: Path, *args: str, **env: str) -> Result:
    """Run fab, which may fail but never with a traceback."""
    result = run_fab(args, cwd, env)
    assert "Traceback" not in result.text
    return result


def refused(cwd: Path, *args: str) -> str:
    """What is said to a setting or flag that cannot be used."""
    result = fab(cwd, *args)
    assert result.code == 2, result.text
    return result.err
