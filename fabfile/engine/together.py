"""What must be true of several keys of deploy.toml together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from . import validate
from .rules import USUAL
from .schema import Build, Hook, Hooks, Host, PublicHtml
from .validate import Bad


class Together(Exception):
    """Keys that do not go together: the key to name, and why."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key, self.reason = key, reason


def host(value: Host) -> None:
    """Raises Together for a host whose keys contradict each other."""
    apart("shared_folders", value.shared_folders + value.shared_files)
    apart("writable", value.writable)
    if value.opcache == "command" and not value.opcache_command:
        raise Together("opcache_command", 'must be set when opcache is "command"')
    if value.web_group and value.env_mode == "0600":
        raise Together("env_mode", f'must be "0640" for web_group {value.web_group!r} to read it')
    public_html(value.path, value.public_html)


def apart(key: str, paths: tuple[str, ...]) -> None:
    """No path is there twice or inside another: linking one would hide the other; raises Together."""
    try:
        validate.apart(paths)
    except Bad as reason:
        raise Together(key, str(reason)) from None


def public_html(path: str, docroot: PublicHtml) -> None:
    """The document root is replaced by a link, so neither may hold the other; raises Together."""
    if docroot.mode != "none" and not docroot.path:
        raise Together("public_html.path", f'must be set when public_html.mode is "{docroot.mode}"')
    if path and docroot.path and f"{docroot.path}/".startswith(f"{path}/"):
        raise Together("public_html.path", f"must not be inside the host's path {path!r}")
    if path and docroot.path and f"{path}/".startswith(f"{docroot.path}/"):
        raise Together("path", f"must not be inside public_html.path {docroot.path!r}, where the web server would show it")


def hook(value: Hook) -> None:
    """A hook is one thing; raises Together."""
    if bool(value.task) == bool(value.command.strip()):
        raise Together("command" if value.command else "task", "needs exactly one of task and command")


def hooks(value: Hooks) -> None:
    """The usual steps are not run twice; raises Together."""
    for name, entries in vars(value).items():
        if [entry.task for entry in entries].count(USUAL) > 1:
            raise Together(name, f'must not hold "{USUAL}" twice')


def placed(value: Build, given: bool) -> Build:
    """``build`` with the place its strategy stands for, unless a place is ``given``."""
    match value.strategy:
        case "local" | "builder" | "server" as place if not given:
            return replace(value, place=place)
        case _:  # a CI service makes the artifact elsewhere; what is built by hand meanwhile is built at ``place``
            return value


TOGETHER: dict[type, Callable[[Any], None]] = {Host: host, Hook: hook, Hooks: hooks}
