"""Where things are on a server."""

from __future__ import annotations

import re
from dataclasses import dataclass

RELEASE_ID = re.compile(r"[0-9]{14}")


@dataclass(frozen=True)
class Site:
    """The folder that holds ``releases``, ``shared`` and ``current``."""

    root: str

    @property
    def releases(self) -> str:
        return f"{self.root}/releases"

    @property
    def shared(self) -> str:
        return f"{self.root}/shared"

    @property
    def current(self) -> str:
        return f"{self.root}/current"

    @property
    def backups(self) -> str:
        return f"{self.root}/backups"

    @property
    def log(self) -> str:
        return f"{self.root}/deployment.log"

    @property
    def own(self) -> str:
        """What is ours: lock, records, journal, work in progress."""
        return f"{self.root}/.deploy"

    def release(self, id: str) -> str:
        return f"{self.releases}/{checked(id)}"

    def partial(self, id: str) -> str:
        return f"{self.releases}/.{checked(id)}.partial"

    def record(self, id: str) -> str:
        return f"{self.own}/releases/{checked(id)}.json"

    def manifest(self, id: str) -> str:
        return f"{self.own}/releases/{checked(id)}.manifest"

    def run(self, id: str) -> str:
        return f"{self.own}/run/{id}"


def checked(id: str) -> str:
    """``id`` if it is a release id: it becomes part of paths. Raises ValueError."""
    if not RELEASE_ID.fullmatch(id):
        raise ValueError(f"not a release id: {id!r}")
    return id
