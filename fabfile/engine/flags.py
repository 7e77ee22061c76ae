"""A task's flags: Invoke's arguments, but for values that it would take as they come, or end in a traceback over."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

from invoke.parser import Argument

from .errors import SettingsError

# What names a thing: given empty, as by a variable of a script that is not set, it would silently mean the default.
NAMES = ("host", "set", "branch", "commit", "artifact", "to", "release", "file", "source", "keep", "output", "event", "status")
FLAG = re.compile(r"-[^\d.]")  # what a number does not begin with


class Value(Argument):
    """A flag with a text: neither the next flag of the line nor, where it names something, nothing."""

    def set_value(self, value: Any, cast: bool = True) -> None:
        if value == "" and self.name in NAMES:
            raise SettingsError(f"{spelt(self)} is empty", f"is a variable not set? Without {spelt(self)} it is the default that is meant")
        if isinstance(value, str) and FLAG.match(value) and value in sys.argv:  # as a word of its own
            raise SettingsError(
                f"{spelt(self)} needs a value, and {value} is the next flag", f"{spelt(self)}=VALUE, whatever it begins with"
            )
        super().set_value(value, cast)


class Number(Argument):
    """A flag with a number that Invoke would otherwise end in a traceback over."""

    def set_value(self, value: Any, cast: bool = True) -> None:
        try:
            super().set_value(value, cast)
            if self.value < 0:
                raise ValueError
        except ValueError:
            kind = "a whole number" if self.kind is int else "a number"
            raise SettingsError(f"{spelt(self)} must be {kind} of 0 or more; it is {value!r}") from None


def strict(found: Iterable[Argument]) -> list[Argument]:
    """``found`` with a Number or a Value in place of each that wants one."""
    kinds = {int: Number, float: Number, str: Value, list: Value}
    return [each if each.incrementable or each.kind not in kinds else _as(kinds[each.kind], each) for each in found]


def spelt(flag: Argument) -> str:
    """As one types it."""
    return "--" + str(flag.name).replace("_", "-")


def _as(kind: type[Argument], plain: Argument) -> Argument:
    about: dict[str, Any] = {"help": plain.help, "positional": plain.positional, "optional": plain.optional, "attr_name": plain.attr_name}
    return kind(names=plain.names, kind=plain.kind, default=plain.default, **about)
