"""What every task understands besides its own flags, wherever on the command line it stands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from invoke.parser import Argument

from .errors import SettingsError

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


class Number(Argument):
    """A flag with a number that Invoke would otherwise end in a traceback over."""

    def set_value(self, value: Any, cast: bool = True) -> None:
        try:
            super().set_value(value, cast)
            if self.value < 0:
                raise ValueError
        except ValueError:
            flag, kind = str(self.name).replace("_", "-"), "a whole number" if self.kind is int else "a number"
            raise SettingsError(f"--{flag} must be {kind} of 0 or more; it is {value!r}") from None


def with_numbers(found: Iterable[Argument]) -> list[Argument]:
    """``found`` with a Number in place of each that wants one."""
    return [_number(each) if each.kind in (int, float) and not each.incrementable else each for each in found]


def _number(plain: Argument) -> Number:
    about: dict[str, Any] = {"help": plain.help, "positional": plain.positional, "optional": plain.optional, "attr_name": plain.attr_name}
    return Number(names=plain.names, kind=plain.kind, default=plain.default, **about)


def arguments() -> list[Argument]:
    """The common options as arguments of an Invoke task."""
    host = Argument(name="host", kind=str, default="", help="a host of deploy.toml, or sandbox")
    sets = Argument(name="set", kind=list, default=[], help="KEY=VALUE: override a setting for this run; repeatable")
    wait = Number(name="lock_wait", kind=int, default=0, help="seconds to wait for a lock that somebody else has")
    return [host, sets, wait, *(Argument(name=name, kind=bool, default=False, help=text) for name, text in FLAGS.items())]


def from_command_line(words: list[str]) -> Options:
    """The common options found anywhere in ``words``, so that one --host serves a whole chain of tasks."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--host", default="")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--lock-wait", type=int, default=0)
    for name in FLAGS:
        parser.add_argument("--" + name.replace("_", "-"), action="store_true")
    try:
        found, _ = parser.parse_known_args(words)
    except argparse.ArgumentError:  # Invoke says what is wrong with the flag
        return Options()
    return replace(Options(**{**vars(found), "set": tuple(found.set)}))


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
