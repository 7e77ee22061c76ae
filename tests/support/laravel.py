"""The example application in the three states tests need: locked, installed, and running."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from . import composer_repo
from .fab import PROJECT
from .git import IGNORED

EXAMPLE = PROJECT / "examples" / "laravel"


def locked(folder: Path, repository: Path) -> Path:
    """Return a copy of the application with a composer.lock that points to the local repository."""
    shutil.copytree(EXAMPLE, folder, ignore=IGNORED)
    composer_repo.inject(folder, repository)
    run(folder, "composer", "update", "--no-install", "--no-scripts", "--no-interaction", "--quiet")
    return folder


def installed(folder: Path, source: Path, dev: bool = True) -> Path:
    """Return a copy of a locked application with vendor/, an .env and an empty, migrated database."""
    shutil.copytree(source, folder)
    run(folder, "composer", "install", "--no-interaction", "--quiet", *([] if dev else ["--no-dev"]))
    database = folder / "database" / "database.sqlite"
    database.touch()
    (folder / ".env").write_text(f"APP_KEY=\nDB_DATABASE={database}\nQUEUE_CONNECTION=database\n")
    artisan(folder, "key:generate", "--force")
    artisan(folder, "migrate", "--force")
    return folder


def build_assets(folder: Path) -> Path:
    """Run what package.json's lock file and build script say, and leave nothing but their result in ``folder``, which is returned."""
    run(folder, "npm", "ci", "--no-audit", "--no-fund")
    run(folder, "npm", "run", "build")
    shutil.rmtree(folder / "node_modules")
    return folder


def artisan(folder: Path, *args: str) -> str:
    """Run artisan and return what it printed; raise RuntimeError with that when it fails."""
    return run(folder, "php", "artisan", *args)


def run(folder: Path, *command: str) -> str:
    """Run a program in a folder and return what it printed; raise RuntimeError with that when it fails."""
    env = {**os.environ, "COMPOSER_ALLOW_SUPERUSER": "1"}
    done = subprocess.run(command, cwd=folder, env=env, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout
