"""How much longer the first visitor of a new release waits, where its pool has met the page before the switch and where it has not."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.deployment import World
from tests.support.php_web import NginxFpm

from .visitors import Visitor

ROUNDS, WARM = 3, 20
PAGES = ("/", "/release", "/health")
# Nobody but us comes after the switch, and nothing is cleared: with $realpath_root there is no need to.
ALONE = {"url": "", "opcache": "none"}
HEAD = "| page | cold: first visitor | later ones | ratio | warmed: first visitor | later ones | ratio |\n|" + " --- |" * 7


class Waits(NamedTuple):
    """Seconds of the first visitor after a switch, and of later ones: medians."""

    first: float
    later: float

    @property
    def ratio(self) -> float:
        return self.first / self.later

    def __str__(self) -> str:
        return f"{self.first * 1000:.1f} ms | {self.later * 1000:.1f} ms | {self.ratio:.1f}"


def sentence(world: World, made: Mapping[str, Path]) -> str:
    """The medians of a few deployments, without and with ``warm_paths``, as multiples of what a warm page takes."""
    cold, met = both(world, list(made.values()), "/")
    return (
        f"The first visitor after a switch waited {cold.ratio:.1f} times as long as later ones, and {met.ratio:.1f} times as long "
        f'with `fpm_socket` and `warm_paths = ["/"]` '
        f"(`$realpath_root`; {cold.later * 1000:.0f} ms for a warm page, medians of {ROUNDS} deployments each)."
    )


def table(world: World, artifacts: Sequence[Path], pages: Sequence[str] = PAGES, rounds: int = ROUNDS) -> Iterator[str]:
    """The same for several pages, as lines of Markdown."""
    yield HEAD
    for path in pages:
        cold, met = both(world, artifacts, path, rounds)
        yield f"| `{path}` | {cold} | {met} |"


def both(world: World, artifacts: Sequence[Path], path: str, rounds: int = ROUNDS) -> tuple[Waits, Waits]:
    """What the page takes where the pool has not met it, and where it has."""
    assert isinstance(world.web, NginxFpm)
    warmed = {**ALONE, "fpm_socket": str(world.web.socket), "warm_paths": [path]}
    return waits(world, artifacts, {**ALONE, "fpm_socket": "", "warm_paths": []}, path, rounds), waits(
        world, artifacts, warmed, path, rounds
    )


def waits(world: World, artifacts: Sequence[Path], settings: dict[str, Any], path: str, rounds: int) -> Waits:
    """What the first page after a switch took, and later ones."""
    world.configure({"hosts": {"prod": settings}})
    firsts, later = [], []
    for number in range(rounds):
        result = world.fab("deploy", "--host=prod", "--artifact", str(artifacts[number % len(artifacts)]))
        if result.code:
            raise RuntimeError(result.text)
        firsts.append(page(world, path))
        later += [page(world, path) for _ in range(WARM)]
    return Waits(statistics.median(firsts), statistics.median(later))


def page(world: World, path: str) -> float:
    visitor, start = Visitor(world.web.port, lasting=False), time.perf_counter()
    status, text = visitor.get(path)
    if status != 200:
        raise RuntimeError(f"{path}: {status}: {text[:300]}")
    return time.perf_counter() - start
