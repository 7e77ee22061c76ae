"""A bare origin and a clone of it, filled from a folder: what a developer pushes from and a builder clones."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

IGNORED = shutil.ignore_patterns("vendor", "node_modules", "build", ".env", ".git", "*.sqlite")
AUTHOR = ("-c", "user.name=Test Author", "-c", "user.email=author@example.com", "-c", "commit.gpgsign=false")


class Origin:
    """``bare`` is the url to clone from, ``clone`` the work tree commits are made in."""

    def __init__(self, folder: Path, source: Path, branch: str = "main") -> None:
        self.bare, self.clone, self.branch = folder / "origin.git", folder / "clone", branch
        git("init", "-q", "--bare", "-b", branch, str(self.bare))
        git("clone", "-q", str(self.bare), str(self.clone))
        self.run("checkout", "-q", "-B", branch)
        shutil.copytree(source, self.clone, ignore=IGNORED, dirs_exist_ok=True)
        self.publish({}, "first")

    def publish(self, changes: Mapping[str, str | bytes | None], message: str = "change") -> str:
        """Write files (None removes one), commit, push, and return the commit's id."""
        for name, content in changes.items():
            change(self.clone / name, content)
        self.run("add", "-A")
        self.run(*AUTHOR, "commit", "-q", "--allow-empty", "-m", message)
        self.run("push", "-q", "-u", "origin", self.branch)
        return self.head()

    def head(self) -> str:
        """Return the id of the clone's newest commit."""
        return self.run("rev-parse", "HEAD")

    def run(self, *args: str) -> str:
        """Run git in the clone and return what it printed."""
        return git("-C", str(self.clone), *args)


def change(path: Path, content: str | bytes | None) -> None:
    """Write a file, keeping its mode if it is there already, or remove it."""
    if content is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def git(*args: str) -> str:
    """Run git and return what it printed; raise CalledProcessError with its message when it fails."""
    return subprocess.run(["git", *args], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
