"""Where on this machine the first .env of a server is."""

from __future__ import annotations

from pathlib import Path

from ..engine import project
from ..engine.errors import Failure
from ..engine.hosts import Host


def named(c: Host) -> Path | None:
    """The file that env_file names; None where it is not set. Raises Failure when there is no such file."""
    if not c.settings.env_file:
        return None
    if file := _find(c.settings.env_file):
        return file
    raise Failure(f"hosts.{c.name}.env_file: there is no file {_places(c.settings.env_file)[0]}", f"{written(c)}, to fill in")


def usual(c: Host) -> Path | None:
    """What fab local.env wrote where env_file is not set, if it did."""
    return _find(f".env.{c.name}")


def written(c: Host) -> str:
    """The line that makes it."""
    return f"fab local.env --host={c.name} writes {c.settings.env_file or f'.env.{c.name}'}"


def _find(name: str) -> Path | None:
    return next((file for file in _places(name) if file.is_file()), None)


def _places(name: str) -> list[Path]:
    """Beside deploy.toml, and in the application's folder where that is another one."""
    return [folder / Path(name).expanduser() for folder in ((project.loaded().file or Path()).parent, project.root())]
