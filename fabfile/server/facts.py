"""What check.sh says of a server, and what of it stands in a deployment's way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..engine import layout, validate
from ..engine.owners import Problem, closed
from ..engine.rows import Rows


@dataclass(frozen=True)
class ServerFacts:
    """``used`` and ``filled`` (of the inodes) are percent, ``free_kib`` KiB, ``inodes`` free inodes (0: not said).

    ``folder`` is the nearest one that exists, ``really`` where the site's folder leads to, if it is there, ``env`` whether there is a
    shared/.env, ``current`` what that link says. ``odd`` is what should be a folder, ``closed`` what may not be used, ``outside`` who is
    not in the web server's group, ``docroot`` why the document root cannot be used.
    """

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
    current: str = ""
    odd: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    outside: str = ""
    docroot: str = ""
    filled: int = 0

    @property
    def serves(self) -> str:
        """The id of the release that ``current`` leads to, empty where it is none of ours."""
        folder, _, id = self.current.partition("/")
        return id if folder == "releases" and layout.RELEASE_ID.fullmatch(id) else ""

    def full(self, limit: int) -> list[str]:
        """What of the disk is used to more than ``limit`` percent."""
        found = {f"the disk is {self.used} % full": self.used, f"{self.filled} % of the disk's inodes are used": self.filled}
        return [text for text, used in found.items() if used > limit]

    def problems(self, root: str, php: str, group: str = "") -> list[Problem]:
        """What has to be mended before anything can be deployed to ``root``."""
        return [*self._programs(php), *self._places(root), *self._contents(root), *self._rights(group)]

    def _programs(self, php: str) -> Iterator[Problem]:
        if php in self.missing or not self.php:
            yield Problem(f"its PHP, {php!r}, cannot be run", "set php for this host in deploy.toml")
        if tools := [tool for tool in self.missing if tool != php]:
            yield Problem(f"{', '.join(tools)} cannot be found", "install it on the server")

    def _places(self, root: str) -> Iterator[Problem]:
        yield from (closed(said) for said in self.closed)
        if self.odd:
            yield Problem(f"'{self.odd[0]}' is a file or leads nowhere: it has to be a folder", "move it away, or choose another path")
        if not self.writable:
            yield Problem(f"{self.folder} is not writable", f"create {root} and give it to the user who deploys")
        if self.really and (why := self._no_place()):
            yield Problem(f"{root} leads to {self.really}, {why}", "give the site a folder of its own")
        if 0 < self.inodes < 1000:
            yield Problem(f"only {self.inodes} inodes are free", "delete what is not needed")

    def _contents(self, root: str) -> Iterator[Problem]:
        """What others have put there."""
        if self.blocked:
            yield Problem(f"{root}/current is a real folder, not a symlink", "move it away: mv current current.before")
        if self.current and not self.serves:
            hint = "choose another path, or see docs/servers.md: a site that another tool deploys"
            yield Problem(f"{root}/current leads to {self.current}: not one of our links", hint)
        if self.foreign:
            yield Problem(f"{root} already holds an application ({', '.join(self.foreign)})", "choose an empty path")

    def _rights(self, group: str) -> Iterator[Problem]:
        if self.outside:
            hint = f"usermod -aG {group} {self.outside}, as root on the server, then log in again; or another web_group"
            yield Problem(f"{self.outside} is not in the group {group} (web_group), or there is none", hint)
        if self.docroot:
            yield Problem(f"the document root cannot be used: {self.docroot}", "see docs/shared-hosting.md: the document root")

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
        current=rows.first("current"),
        odd=rows.all("odd"),
        closed=rows.all("closed"),
        outside=rows.first("outside"),
        docroot=rows.first("docroot"),
        filled=rows.number("filled"),
    )
