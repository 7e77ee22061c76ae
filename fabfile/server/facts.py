"""What check.sh says of a server, and what of it stands in a deployment's way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..engine import validate
from ..engine.rows import Rows


class Problem(NamedTuple):
    """Why nothing can be deployed, and what to do about it."""

    text: str
    hint: str


@dataclass(frozen=True)
class ServerFacts:
    """``used`` is percent, ``free_kib`` KiB, ``inodes`` free inodes (0: not said), ``folder`` the nearest one that exists,
    ``really`` where the site's folder leads to, if it is there, ``env`` whether there is a shared/.env."""

    folder: str
    writable: bool
    used: int
    free_kib: int
    inodes: int
    php: str
    extensions: tuple[str, ...]
    missing: tuple[str, ...]
    blocked: bool
    foreign: tuple[str, ...]
    really: str = ""
    home: str = ""
    env: bool = False

    def problems(self, root: str, php: str) -> list[Problem]:
        """What has to be mended before anything can be deployed to ``root``."""
        found = []
        if php in self.missing or not self.php:
            found.append(Problem(f"its PHP, {php!r}, cannot be run", "set php for this host in deploy.toml"))
        if tools := [tool for tool in self.missing if tool != php]:
            found.append(Problem(f"{', '.join(tools)} cannot be found", "install it on the server"))
        if not self.writable:
            found.append(Problem(f"{self.folder} is not writable", f"create {root} and give it to the user who deploys"))
        if self.really and (why := self._no_place()):
            found.append(Problem(f"{root} leads to {self.really}, {why}", "give the site a folder of its own"))
        if self.blocked:
            found.append(Problem(f"{root}/current is a real folder, not a symlink", "move it away: mv current current.before"))
        if self.foreign:
            found.append(Problem(f"{root} already holds an application ({', '.join(self.foreign)})", "choose an empty path"))
        if 0 < self.inodes < 1000:
            found.append(Problem(f"only {self.inodes} inodes are free", "delete what is not needed"))
        return found

    def _no_place(self) -> str:
        """Why the folder that the site's path leads to cannot be ours alone; a link may hide what the settings refuse."""
        if self.really == self.home:
            return "which is the home of the user who deploys"
        try:
            validate.server_path(self.really)
        except validate.Bad as error:
            return f"which {error}"
        return ""


def parse(text: str) -> ServerFacts:
    """The facts in what check.sh printed."""
    rows = Rows(text)
    return ServerFacts(
        folder=rows.first("folder"),
        writable=rows.has("writable"),
        used=rows.number("used"),
        free_kib=rows.number("free"),
        inodes=rows.number("inodes"),
        php=rows.first("php"),
        extensions=tuple(rows.first("extensions").split()),
        missing=rows.all("missing"),
        blocked=rows.has("blocked"),
        foreign=rows.all("foreign"),
        really=rows.first("really"),
        home=rows.first("home"),
        env=rows.has("env"),
    )
