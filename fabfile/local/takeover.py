"""What local.init takes over from the flow's deployment-config.json, and what it says about the rest."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from ..engine import console, expand, settings, tomlfile
from ..engine.errors import SettingsError
from ..laravel import flowconfig


def imported(file: Path, root: Path) -> dict[str, Any]:
    """The settings in ``file`` for the application in ``root``; a warning names each thing that does not come along."""
    text = tomlfile.read_text(file)
    for sentence in flowconfig.left_out(text):
        console.warn(f"{file.name}: {sentence}")
    found = flowconfig.import_flow_json(text)
    project = found.get("project", {})
    if isinstance(path := project.get("path"), str) and "${" not in path and not _elsewhere(root, path):
        del project["path"]
    return found


def _elsewhere(root: Path, path: str) -> bool:
    """Whether ``path`` leads to another folder than ``root``; one that is not on this machine is said to be none."""
    try:
        folder = root / Path(path).expanduser()
        if folder.is_dir():
            return not folder.samefile(root)
    except (OSError, RuntimeError, ValueError):  # a name too long, a user unknown, a NUL byte
        pass
    console.warn(f"paths.local_machine {path!r} is not on this machine: the application is taken to be where deploy.toml is")
    return False


def check(file: Path, text: str, source: Path | None) -> None:
    """Raises SettingsError when ``text`` as the deploy.toml ``file`` cannot be used because of ``source``; a warning without one."""
    try:
        with suppress(expand.Unset):  # it may be set where it is deployed from
            settings.load(file, text=text).host("prod")
    except SettingsError as error:
        if source is None:
            console.warn(f"{error.text}: correct it there")
            return
        key = flowconfig.source_of(error.text)
        raise SettingsError(
            f"{source} cannot become a deploy.toml: {error.text}", f"correct {key or 'it'} there; nothing was written"
        ) from None
