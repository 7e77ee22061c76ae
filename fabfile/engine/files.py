"""patchwork's idempotent file helpers with their paths quoted, and the ones it lacks, in its manner.

The helpers that act are collected and travel together; those that ask (``exists``) are answered at once.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

from .errors import Failure
from .quoting import quote, words
from .shell import Shell

# patchwork 1.0.1 takes its string type from a module that Invoke 2 no longer carries.
sys.modules.setdefault("invoke.vendor.six", SimpleNamespace(string_types=(str,)))  # type: ignore[arg-type]

try:
    from patchwork import files
    from patchwork.util import set_runner
except ImportError as error:
    raise Failure("patchwork is missing", "pip install --no-deps patchwork==1.0.1", code=2) from error


class Runner:
    """What patchwork calls ``runner``: commands go to ``shell``; one whose result matters is asked, the rest collected."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def __call__(self, command: str, **options: Any) -> SimpleNamespace | None:
        if options.get("warn"):
            return SimpleNamespace(ok=self.shell.ask(command, check=False).code == 0)
        self.shell.do(command, what=str(options.get("what", "")))
        return None


def directory(shell: Shell, path: str, mode: str | None = None) -> None:
    """Make sure that folder ``path`` is there, with ``mode`` (octal digits) if given."""
    directories(shell, path, mode=mode)


def directories(shell: Shell, *paths: str, mode: str | None = None) -> None:
    """The same for several, at once."""
    files.directory(shell, words(*paths), mode=mode and quote(mode), runner=Runner(shell))


def exists(shell: Shell, path: str) -> bool:
    """Whether ``path`` is there."""
    return bool(files.exists(shell, quote(path), runner=Runner(shell)))


@set_runner  # type: ignore[untyped-decorator]
def _symlink(shell: Shell, runner: Any, target: str, link: str) -> None:
    new = quote(f"{link}.new")
    room = f"[ -L {quote(link)} ] || [ ! -d {quote(link)} ] || rmdir -- {quote(link)}"
    make = f"rm -f -- {new}; ln -s -- {quote(target)} {new}"
    move = f"mv -f -T -- {new} {quote(link)} 2>/dev/null || {{ rm -f -- {quote(link)}; mv -f -- {new} {quote(link)}; }}"
    runner(f"{room}\n{make}\n{move}", what=f"link {link} → {target}")


def symlink(shell: Shell, target: str, link: str) -> None:
    """Make ``link`` point at ``target``; it replaces a file, a link or an empty folder; at a full one it fails."""
    _symlink(shell, target, link, runner=Runner(shell))
