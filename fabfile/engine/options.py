"""What every task understands besides its own flags, wherever on the command line it stands."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from typing import Any

from invoke.parser import Argument

from .errors import SettingsError
from .flags import Number, Value

FLAGS = {
    "dry_run": "show what would run and change nothing",
    "quiet": "only warnings, errors and the result",
    "verbose": "every line that commands print",
    "json": "one event a line, for programs",
}


@dataclass(frozen=True)
class Options:
    """The options of this run; ``set`` holds the KEY=VALUE texts of --set."""

    host: str = ""
    set: tuple[str, ...] = ()
    lock_wait: int = 0
    dry_run: bool = False
    quiet: bool = False
    verbose: bool = False
    json: bool = False


def arguments() -> list[Argument]:
    """The common options as arguments of an Invoke task."""
    host = Value(name="host", kind=str, default="", help="a host of deploy.toml, or sandbox")
    sets = Value(name="set", kind=list, default=[], help="KEY=VALUE: override a setting for this run; repeatable")
    wait = Number(name="lock_wait", kind=int, default=0, help="seconds to wait for a lock that somebody else has")
    return [host, sets, wait, *(Argument(name=name, kind=bool, default=False, help=text) for name, text in FLAGS.items())]


def from_command_line(words: list[str]) -> Options:
    """The common options found anywhere in ``words``, so that one --host serves a whole chain of tasks; none where they are wrong,
    which is told once it is known what is a task here (``insist``)."""
    try:
        return insist(words)
    except SettingsError:
        return Options(json="--json" in words)


def insist(words: list[str]) -> Options:
    """The same. Raises SettingsError for a flag without its value, which Invoke would take from what comes next, or not miss."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--host", default="")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--lock-wait", type=int, default=0)
    for name in FLAGS:
        parser.add_argument("--" + name.replace("_", "-"), action="store_true")
    try:
        found, _ = parser.parse_known_args(words)
    except argparse.ArgumentError as error:
        raise SettingsError(f"{error.argument_name} needs a value", "fab --help TASK says of what kind") from None
    return Options(**{**vars(found), "set": tuple(found.set)})


current = from_command_line(sys.argv[1:])


def take(given: dict[str, Any]) -> None:
    """Move the common options out of a task's keyword arguments into ``current``."""
    global current
    if given.get("host"):
        current = replace(current, host=given["host"])
    for name in FLAGS:
        if given.get(name):
            current = replace(current, **{name: True})  # type: ignore[arg-type]
    if given.get("lock_wait"):
        current = replace(current, lock_wait=given["lock_wait"])
    if given.get("set"):
        current = replace(current, set=tuple(given["set"]))
    for name in ("host", "set", "lock_wait", *FLAGS):
        given.pop(name, None)
