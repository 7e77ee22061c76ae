"""Modules of the project's own: deploy.toml's ``modules`` name Python files that add, replace or extend tasks."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from invoke.collection import Collection

from .engine import project
from .engine.errors import USAGE, Failure, SettingsError

_modules: list[ModuleType] = []


class TeamError(Failure):
    """A module of the project's own cannot be used."""

    exit_code = USAGE


def load() -> None:
    """Import the modules that deploy.toml names. A deploy.toml that cannot be read is left to the task that needs it, and whatever
    it says, ``local.init`` can write another."""
    with suppress(SettingsError, *((TeamError,) if "local.init" in sys.argv else ())):
        loaded = project.loaded()
        folder = loaded.file.parent if loaded.file else Path.cwd()
        _modules.extend(_import(folder / name, loaded.origins["modules"]) for name in loaded.settings.modules)


def _import(file: Path, said: str) -> ModuleType:
    file = file if file.suffix == ".py" else file.with_suffix(".py")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise TeamError(f"{said}: modules: there is no file {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise TeamError(
            f"{file}: {type(error).__name__}: {error}", "the module that deploy.toml names in modules cannot be imported"
        ) from error
    return module


def collections() -> list[Collection]:
    """One namespace for each module that has tasks, named after it (or what its ``ns`` says)."""
    found = [Collection.from_module(module) for module in _modules]
    return [space for space in found if space.task_names]
