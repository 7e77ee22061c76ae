"""One way to set up nginx and PHP-FPM, and what visitors saw during so many deployments and rollbacks there."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.deployment import World
from tests.support.php_web import NginxFpm

from .visitors import Crowd, Page, Visitor

KEPT = {"keep_releases": 3, "health_path": "/health"}


@dataclass(frozen=True)
class Cell:
    """What nginx tells PHP-FPM, and how that is set up."""

    realpath: bool
    validate: bool
    control: int

    @property
    def name(self) -> str:
        root = "$realpath_root" if self.realpath else "$document_root"
        return f"{root}, validate_timestamps={int(self.validate)}, process_control_timeout={self.control}"

    def web(self, docroot: Path, folder: Path) -> NginxFpm:
        return NginxFpm(docroot, folder, self.realpath, self.validate, self.control)

    def settings(self, web: NginxFpm) -> dict[str, Any]:
        """Where the path stays the same, the pool has to be told."""
        return {"hosts": {"prod": KEPT if self.realpath else KEPT | {"fpm_socket": str(web.socket)}}}


CELLS = [Cell(*values) for values in itertools.product((True, False), (False, True), (0, 10))]


@dataclass
class Outcome:
    """What the visitors of one cell saw. An empty list is what one hopes for, ``trouble`` is what ``fab`` had."""

    cell: Cell
    moves: int = 0
    seconds: float = 0.0
    requests: int = 0
    failed: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.failed or self.mixed or self.late or self.stale or self.trouble)


@dataclass(frozen=True)
class Served:
    """From when on, until when, nothing but this release was to answer."""

    since: float
    until: float
    release: str


class Hammer:
    """Deploys and goes back in ``world`` while a crowd visits it; ``made`` are artifacts by the version they show."""

    def __init__(self, world: World, cell: Cell, made: Mapping[str, Path]) -> None:
        assert isinstance(world.web, NginxFpm)
        self.world, self.cell, self.made = world, cell, made
        self.crowd, self.outcome = Crowd(world.web.port), Outcome(cell)
        self.numbers: dict[str, str] = {}  # release → version
        self.served: list[Served] = []
        world.configure(cell.settings(world.web))

    def play(self, deployments: int, rollbacks: int) -> Outcome:
        """So many of each, the rollbacks spread among the deployments."""
        start, names = time.monotonic(), itertools.cycle(self.made)
        for _ in range(2):  # to have one to go back to
            self._deploy(next(names))
        with self.crowd:
            self._pause()
            done = 0
            for number in range(1, deployments + 1):
                self._move(next(names))
                while done < number * rollbacks // deployments:
                    self._move("")
                    done += 1
            self._pause()
        self._judge()
        self.outcome.seconds = time.monotonic() - start
        return self.outcome

    def _move(self, version: str) -> None:
        """One deployment, or a rollback, with a page open across it."""
        visitor = Visitor(self.crowd.port, lasting=True)
        page, before = visitor.page(), time.monotonic()
        if self.served:
            self.served[-1] = Served(self.served[-1].since, before, self.served[-1].release)
        self._deploy(version) if version else self._fab("rollback")
        self.served.append(Served(time.monotonic(), float("inf"), self.world.current() or ""))
        if page.body:
            self.crowd.look(visitor, page)
        visitor.close()
        self.outcome.moves += 1
        self._pause()

    def _deploy(self, version: str) -> None:
        self._fab("deploy", "--artifact", str(self.made[version]))
        self.numbers[self.world.current() or ""] = version

    def _fab(self, *words: str) -> None:
        result = self.world.fab(words[0], "--host=prod", *words[1:])
        if result.code:
            self.outcome.trouble.append(f"fab {words[0]}: exit code {result.code}: {result.text[-600:]}")

    def _pause(self) -> None:
        self.crowd.more(12)

    def _judge(self) -> None:
        pages, outcome = self.crowd.pages, self.outcome
        outcome.requests, outcome.stale = self.crowd.requests, self.crowd.stale
        outcome.failed = [page.problem for page in pages if page.problem]
        good = [page for page in pages if not page.problem]
        outcome.mixed = [told(page) for page in good if page.numbers != {self.numbers.get(page.release)}]
        outcome.late = [
            f"{told(page)} instead of {served.release}"
            for served in self.served
            for page in good
            if served.since < page.sent < served.until and page.release != served.release
        ]


def told(page: Page) -> str:
    return f"release {page.release} with {', '.join(sorted(page.numbers)) or page.body[:200]}"
