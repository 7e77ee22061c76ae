"""What went wrong in code that knows nothing of ours: a command of Fabric's own ``run``, or a line of Python."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType

from invoke.exceptions import CommandTimedOut, UnexpectedExit

from . import registry
from .errors import CommandFailed, Failure
from .shortened import shortened


@contextmanager
def told() -> Iterator[None]:
    """A command that failed in plain ``c.run`` is a failure like any other: its exit code is not what fab's mean. Raises CommandFailed."""
    try:
        yield
    except (UnexpectedExit, CommandTimedOut) as error:
        failure = _failed(error)
        if task := _task(error):
            failure.locate(task)
        raise failure from error


def _failed(error: UnexpectedExit | CommandTimedOut) -> CommandFailed:
    result = error.result
    connection = getattr(result, "connection", None)
    place = getattr(connection, "name", "") or getattr(connection, "host", "") or "local"
    command = (result.command.strip().splitlines() or [""])[0]
    return CommandFailed(place, shortened(command, 200), result.exited, result.stderr or result.stdout, getattr(error, "timeout", 0))


def line(error: BaseException) -> str:
    """``error`` for a person: what it says of itself, or for one of Python's the task, its name, and the line it happened in."""
    if isinstance(error, Failure):
        return error.text
    task = _task(error)
    return f"{task}{': ' if task else ''}{type(error).__name__}: {error}{_place(error.__traceback__)}"


def _task(error: BaseException) -> str:
    """The innermost task that was running."""
    names = {getattr(task.body, "__code__", None): name for name, task in registry.tasks.items()}
    running = [names[frame.f_code] for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code in names]
    return "".join(running[-1:])


@cache
def _foreign() -> tuple[Path, ...]:
    """Where no line of a team's is: this package, Python's own modules, what pip installed."""
    import sysconfig  # nearly nobody needs it

    return (Path(__file__).parents[1], *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")))


def _place(trace: TracebackType | None) -> str:
    """The innermost line of the team's, else the innermost of all."""
    lines = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(trace)]
    theirs = [at for at in lines if not any(at[0].is_relative_to(folder) for folder in _foreign())]
    return "".join(f" ({file}:{number})" for file, number in (theirs or lines)[-1:])
