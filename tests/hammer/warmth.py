"""How much longer the first visitor of a new release waits, where its pool has met the page before the switch and where it has not."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.deployment import World
from tests.support.php_web import NginxFpm

from .visitors import Visitor

ROUNDS, WARM = 3, 20
# Nobody but us comes after the switch, and nothing is cleared: with $realpath_root there is no need to.
ALONE = {"url": "", "opcache": "none"}


def sentence(world: World, made: Mapping[str, Path]) -> str:
    """The medians of a few deployments, without and with ``warm_paths``, as multiples of what a warm page takes."""
    assert isinstance(world.web, NginxFpm)
    cold, usual = first(world, list(made.values()), ALONE)
    met, usual_too = first(world, list(made.values()), {**ALONE, "fpm_socket": str(world.web.socket), "warm_paths": ["/"]})
    return (
        f"The first visitor after a switch waited {cold / usual:.1f} times as long as later ones, and {met / usual_too:.1f} times as long "
        f'with `fpm_socket` and `warm_paths = ["/"]` '
        f"(`$realpath_root`; {usual * 1000:.0f} ms for a warm page, medians of {ROUNDS} deployments each)."
    )


def first(world: World, artifacts: list[Path], settings: dict[str, Any]) -> tuple[float, float]:
    """What the first page after a switch took, and later ones."""
    world.configure({"hosts": {"prod": settings}})
    firsts, later = [], []
    for artifact in (artifacts * ROUNDS)[:ROUNDS]:
        result = world.fab("deploy", "--host=prod", "--artifact", str(artifact))
        if result.code:
            raise RuntimeError(result.text)
        firsts.append(page(world))
        later += [page(world) for _ in range(WARM)]
    return statistics.median(firsts), statistics.median(later)


def page(world: World) -> float:
    visitor, start = Visitor(world.web.port, lasting=False), time.perf_counter()
    found = visitor.page()
    if found.problem:
        raise RuntimeError(found.problem)
    return time.perf_counter() - start
