"""Fabric's own flags, wherever they stand: each does here what it says, or it is refused with what to type instead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import options, registry
from .errors import SettingsError

OURS = __package__.partition(".")[0] if __package__ else ""
# What plain ``c.run`` obeys, and no step of ours: a script of theirs stops where something fails, and shows what it is asked to.
INSTEAD = {
    "warn-only": 'on_error = "warn" of an entry in [hooks] lets a deployment go on with a warning',
    "pty": "for a program that wants a terminal: ssh -t",
    "echo": "--dry-run --verbose prints the scripts, --verbose what they say",
    "hide": "--quiet says warnings, errors and the result only",
    "command-timeout": "--set command_timeout={}",
    "connect-timeout": "--set connect_timeout={}",
}


def heed(program: Any) -> None:
    """After the command line was read, before anything is done about it. Raises SettingsError."""
    args = program.args
    if args.help.value or args.list.value:
        return
    if program.core.remainder:
        hint = "fab runs tasks; ssh HOST COMMAND runs a command, and a module of your own can hold one"
        raise SettingsError(f"nothing runs what is behind --: {program.core.remainder}", hint)
    _hosts(args.hosts.value)
    if any(_is_ours(task.name) for task in program.tasks):
        _refuse(args)
    if args.dry.value:
        options.current = replace(options.current, dry_run=True)


def _hosts(given: str | None) -> None:
    """-H and --host mean the same: the host of deploy.toml."""
    if given is None:
        return
    if not all(name.strip() for name in given.split(",")):
        raise SettingsError(f"-H names no host{f' in {given!r}' if given else ''}", "fab -H NAME TASK; is a variable not set?")
    if options.current.host not in ("", given):
        raise SettingsError(f"-H {given} and --host={options.current.host} are two answers to one question", "give one of them")


def _is_ours(name: str) -> bool:
    return str(registry.tasks[name].body.__module__).startswith(f"{OURS}.") if name in registry.tasks else False


def _refuse(args: Any) -> None:
    for name, instead in INSTEAD.items():
        if (value := args[name].value) not in (None, False):
            raise SettingsError(f"--{name} means nothing to the steps of a deployment", instead.format(value))
