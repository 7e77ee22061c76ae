"""Worlds that live as long as a test module, and artifacts that need no build."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import WEBS, need, need_web
from tests.security.conftest import packs, sample, sample_worlds
from tests.support.artifact import Artifacts, lean
from tests.support.deployment import World
from tests.support.php_web import Web
from tests.support.sshd import Sshd

__all__ = ["packs", "sample", "sample_worlds"]
NO_FRONTEND = {"build": {"package_manager": "none"}}


def open_world(stack: ExitStack, folder: Path, source: Path, web: str = "php", builder: bool = False, **options: Any) -> World:
    """Return a World whose servers end with ``stack``."""
    need("sshd", "ssh-keygen")
    need_web(web)

    def server(name: str) -> Sshd:
        sshd = Sshd(folder / name).start()
        stack.callback(sshd.stop)
        return sshd

    def website(docroot: Path, at: Path) -> Web:
        started = WEBS[web](docroot, at)
        stack.callback(started.stop)
        return started

    (folder / "world").mkdir()
    return World(folder / "world", source, server("sshd"), website, builder=server("builder") if builder else None, **options)


@pytest.fixture(scope="module")
def open_worlds(tmp_path_factory: pytest.TempPathFactory, laravel_source: Path) -> Iterator[Callable[..., World]]:
    """A function like ``make_world`` whose worlds last for all tests of a module."""
    with ExitStack() as stack:
        yield lambda **options: open_world(stack, tmp_path_factory.mktemp("module"), laravel_source, **options)


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory, laravel_source: Path, once: Callable[..., Path]) -> Artifacts:
    """Artifacts of the application, made from one that was really built, front end included."""
    need("npm")

    def built(folder: Path) -> Path:
        with ExitStack() as stack:
            world = open_world(stack, folder, laravel_source)
            result = world.fab("builder.build")
            assert result.code == 0, result.text
            return lean(next((world.folder / "build/notes/artifacts").glob("*.tar.gz")), folder / "original.tar.gz")

    return Artifacts(once("artifact", built), tmp_path_factory.mktemp("artifacts"))
