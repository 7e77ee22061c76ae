"""Where on this machine the first .env of a server is."""

from __future__ import annotations

from pathlib import Path

from ..engine import project
from ..engine.errors import Failure
from ..engine.hosts import Host
from ..laravel import ignore

EXAMPLE = ".env.example"


def refuse_another(c: Host, live: str) -> None:
    """A site that serves had a key, and nobody but its owner can tell what was encrypted with it. Raises Failure if one is ``live``."""
    if live:
        raise Failure(
            f"{c.name}: shared/.env has no APP_KEY although {live} serves: with a new one, nothing encrypted so far could be read",
            "put the key back; it is also in bootstrap/cache/config.php of that release",
        )


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


def expect(c: Host) -> None:
    """Before minutes of building: raises Failure where there is nothing that a first shared/.env could be made of."""
    if named(c) or usual(c) or not c.builds:
        return
    rules = project.root() / ".deployignore"
    chosen = ignore.select([EXAMPLE], rules.read_text(encoding="utf-8") if rules.is_file() else "")
    if not (chosen.shipped and (project.root() / EXAMPLE).is_file()):
        raise nothing(c)


def nothing(c: Host) -> Failure:
    hint = f"{written(c)}, which is taken when it is filled in; or put one at {c.site.shared}/.env"
    return Failure(f"{c.name}: there is no shared/.env yet, and no {EXAMPLE} ships to begin one with", hint)


def written(c: Host) -> str:
    """The line that makes it."""
    return f"fab local.env --host={c.name} writes {c.settings.env_file or f'.env.{c.name}'}"


def _find(name: str) -> Path | None:
    return next((file for file in _places(name) if file.is_file()), None)


def _places(name: str) -> list[Path]:
    """Beside deploy.toml, and in the application's folder where that is another one."""
    return [folder / Path(name).expanduser() for folder in ((project.loaded().file or Path()).parent, project.root())]
