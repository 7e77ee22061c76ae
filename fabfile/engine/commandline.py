"""What ``fab`` itself makes of the command line and of an error: the same exit codes and the same last word as everywhere here."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from invoke.exceptions import Exit, ParseError

from . import console, coreflags, mistakes, options, outlet, project, registry, starting
from .errors import INTERRUPTED, Failure, SettingsError
from .nearest import did_you_mean, task_meant

Stage = Callable[[], None]
HINT = "fab --list shows the tasks, fab --help TASK the flags of one"


def join() -> None:
    """Stand around what the ``fab`` that loads us does next: its own way ends a typing error with exit code 1 or a traceback."""
    program = getattr(sys.modules.get(starting.PROGRAM), "program", None)
    for name, around in STAGES.items():
        if program and name not in vars(program):
            setattr(program, name, _told(program, around, getattr(program, name)))


def _told(program: Any, around: Callable[[Any, Stage], None], stage: Stage) -> Stage:
    def told() -> None:
        with ended(), mistakes.told():
            try:
                around(program, stage)
            except ParseError as error:
                raise usage(error) from error
            except KeyboardInterrupt:  # outside all tasks
                raise Failure("interrupted", code=INTERRUPTED) from None

    return told


def _parsed(program: Any, parse: Stage) -> None:
    """What the line says is known, and nothing done about it yet."""
    try:
        parse()
    except ValueError as error:
        raise usage(error) from error
    if not program.args.complete.value:
        options.insist(program.argv[1:])
        coreflags.heed(program)


def _shown(program: Any, show: Stage) -> None:
    """--list, --help: whoever reads them may have seen enough."""
    with outlet.read():
        show()


def _executed(program: Any, execute: Stage) -> None:
    starting.over()
    execute()


# Of Invoke's Program, in this order, once the collection is loaded.
STAGES = {"parse_tasks": _parsed, "parse_cleanup": _shown, "execute": _executed}


@contextmanager
def ended() -> Iterator[None]:
    """The error that ends the run, as the last event for programs; a person reads it on standard error."""
    try:
        yield
    except Failure as error:
        console.event("error", code=error.code, text=error.text, hint=error.hint)
        raise
    except Exit:  # after --list and the like
        raise
    except Exception as error:
        console.event("error", code=1, text=mistakes.line(error), hint="")
        raise


def usage(error: Exception) -> SettingsError:
    """What is wrong on the command line, with the nearest task or flag."""
    text, context = str(error), getattr(error, "context", None)
    task = str(context.name) if context and context.name else "fab"
    if lacking := re.search(r"<\w+: ([\w-]+).*needed value", text):
        return SettingsError(f"{task}: --{lacking[1].replace('_', '-')} needs a value", HINT)
    if number := re.match(r"invalid literal for int\(\) .*: (.*)", text):
        return SettingsError(f"{number[1]} is no number", HINT)
    if not (unknown := re.match(r"No idea what '(.*)' is!", text)):
        return SettingsError(f"{task}: {text}", HINT)
    word = unknown[1]
    if word.startswith("-"):
        return _no_flag(word, task, list(context.flags) if context else [])
    if _is_host(word):
        return SettingsError(f"{word} is a host, not a task", f"fab {task if task != 'fab' else 'TASK'} --host={word}")
    return SettingsError(f"there is no task {word!r}{task_meant(word, registry.tasks)}", HINT)


def _no_flag(word: str, task: str, flags: list[str]) -> SettingsError:
    ours = ["--" + str(argument.name).replace("_", "-") for argument in options.arguments()]
    if word in ours and task == "fab":  # before any task
        return SettingsError(f"{word} belongs behind a task", f"fab TASK {word}")
    if word in ours:
        hint = "declared with here, on_host or on_builder of fabfile.engine.tasks it would"
        return SettingsError(f"{task} is a plain task of Fabric's, which takes no {word}", hint)
    return SettingsError(f"{task}: there is no flag {word}{did_you_mean(word, [*flags, *ours])}", HINT)


def _is_host(word: str) -> bool:
    """Whether deploy.toml has a host of that name; one that cannot be read is left to the task that needs it."""
    with suppress(SettingsError):
        return word in project.loaded().hosts
    return False
