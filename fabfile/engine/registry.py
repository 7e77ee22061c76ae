"""All tasks by the name one types, so that hooks and steps call what the team made of them."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import Task

from . import project
from .errors import SettingsError
from .foresight import look_again
from .nearest import task_meant

tasks: dict[str, Task[Any]] = {}


def group(name: str, module: ModuleType, names: tuple[str, ...]) -> Collection:
    """A namespace of ``module``'s tasks as they are now: a team's module may have replaced some."""
    space = Collection(name)
    for each in names:
        space.add_task(getattr(module, each), name=each.replace("_", "-"))
    return space


def remember(space: Collection) -> None:
    """Know every task of the composed namespace."""
    tasks.update({name: space[name] for name in space.task_names})


def name_of(task: Task[Any]) -> str:
    """The name one types for ``task``; its own where it is in no namespace. Invoke runs a copy of what was collected."""
    return next((name for name, known in tasks.items() if known.body is task.body), str(task.name))


def left(task: Task[Any]) -> None:
    """``task`` has ended: one of the team's may have done whatever it likes past our conversations."""
    if str(task.body.__module__).partition(".")[0] != __name__.partition(".")[0]:
        look_again()


def find(name: str) -> Task[Any]:
    """The task called ``name``. Raises SettingsError that names the nearest one, and the hook that asks for it."""
    if name not in tasks:
        raise SettingsError(f"{_said(name)}there is no task {name!r}{task_meant(name, tasks)}", "fab --list shows them all")
    return tasks[name]


def _said(name: str) -> str:
    """The start of an error about a task that a hook names: which file, line and key says so."""
    for point, listed in vars(project.loaded().settings.hooks).items():
        for number, hook in enumerate(listed):
            if hook.task == name:
                key = f"hooks.{point}"
                return f"{project.loaded().origins[key]}: {key}[{number}]: "
    return ""


def call(name: str, c: Context, **values: Any) -> Any:
    """Call the task ``name`` with those of ``values`` that it takes."""
    task = find(name)
    known = inspect.signature(task.body).parameters
    return task(c, **{key: value for key, value in values.items() if key in known})
