"""Who sees what: the arguments and environments of every process, and the modes of every file, while a deployment runs."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterable
from pathlib import Path

from tests.support.process import find

# Programs that a deployment starts. A wrapper of each writes down what it was given, so that none is too quick to be seen.
PROGRAMS = (
    *("git", "php", "composer", "tar", "gzip", "mariadb-dump", "mariadb", "sed", "mv", "cp", "ln", "chmod", "chgrp", "mkdir", "rm", "cat"),
    *("mysqldump", "sha256sum", "readlink", "date", "setsid", "flock", "wc", "df", "awk", "find", "sh", "grep"),
)


def wrap(folder: Path, log: Path) -> Path:
    """Make ``folder`` hold the wrappers, to be put first in a PATH."""
    folder.mkdir(exist_ok=True)
    for name in PROGRAMS:
        if real := find(name):
            wrapper = folder / name
            note = f"{{ printf '%s\\n' '{name}' \"$@\"; /usr/bin/env; }} >>'{log}' 2>/dev/null"
            wrapper.write_text(f'#!/bin/sh\n{note}\nexec {real} "$@"\n')
            wrapper.chmod(0o755)
    return folder


class Watch:
    """``with Watch(base, folders) as watch``: looks at every process that has to do with ``base`` and at every file below
    ``folders``, over and over."""

    def __init__(self, base: Path, folders: Iterable[Path] = ()) -> None:
        self.mark, self.folders = str(base).encode(), list(folders)
        self.seen: set[bytes] = set()
        self.modes: dict[str, set[int]] = {}
        self.rounds = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._processes, self._files)]

    def __enter__(self) -> Watch:  # noqa: PYI034 nobody derives from it
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _processes(self) -> None:
        while not self._stop.is_set():
            for entry in Path("/proc").glob("[0-9]*"):
                try:
                    both = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                except OSError:
                    continue  # it ended, or is not ours to look at
                if self.mark in both:
                    self.seen.add(both)
            self.rounds += 1
            self._stop.wait(0.05)

    def _files(self) -> None:
        while not self._stop.is_set():
            for folder in self.folders:
                for path in folder.rglob("*"):
                    try:
                        self.modes.setdefault(path.name, set()).add(stat.S_IMODE(path.lstat().st_mode))
                    except OSError:
                        continue  # it was moved or removed
            self._stop.wait(0.05)


def readable_by_all(path: Path, below: Path) -> bool:
    """Whether every folder from ``below`` down lets a stranger through, and the file can be read."""
    folders = [folder for folder in path.parents if folder.is_relative_to(below)]
    return bool(path.stat().st_mode & stat.S_IROTH) and all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)
