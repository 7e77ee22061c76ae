"""Asking the site over HTTP, from its own server."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..engine.hosts import Host
from ..engine.logins import apart
from ..engine.scripts import php as php_script
from ..engine.wire import Answer
from . import common, exposure

STATUS = re.compile(r"^status (\d+)$", re.MULTILINE)  # the first: what follows is the site's own words
ELSEWHERE = re.compile(r"\Aelsewhere (\S+)$", re.MULTILINE)
CURE = "set the document root to current/public, then change what that gave away"
# A login in the URL travels on descriptor 3, since arguments are anybody's to read.
LOGIN = """
exec 3<<END-OF-LOGIN
$1
END-OF-LOGIN
shift
"""


class Reply(NamedTuple):
    """``status`` is 0 where there was no answer, ``elsewhere`` the address that was asked where that is another machine's."""

    status: int
    detail: str
    elsewhere: str


def get(c: Host, path: str, tries: int = 1, successes: int = 1) -> tuple[int, str]:
    """Status and beginning of what the site answers for ``path``, asked from the server; 0: no answer within health_timeout seconds.

    Asked until it was good so many times in a row, or not good ``tries`` times.
    """
    return reply(c, path, tries, successes)[:2]


def reply(c: Host, path: str, tries: int = 1, successes: int = 1) -> Reply:
    """As ``get``, and who was asked."""
    answer = _ask(c, path, tries, successes)
    number, detail = status(answer.out)
    found = ELSEWHERE.search(answer.out)
    return Reply(number, (detail + answer.err[-800:]).strip(), found[1] if found else "")


def exposed(c: Host) -> tuple[list[str], list[str]]:
    """Which private paths the web server hands out to anybody, and which it did not answer."""
    return exposure.served(_ask(c, "/", 1, 1, "", exposure.nobody(), *exposure.PRIVATE).out)


def _ask(c: Host, path: str, tries: int, successes: int, *more: str) -> Answer:
    url, seconds = c.settings.url.rstrip("/") + path, c.settings.health_timeout
    site = apart(url)
    return c.shell.ask(
        f"{LOGIN}{php_script('server/http.php')}", site.basic,
        *common.visitor(c), "--", site.url, tries, seconds, c.settings.resolve, successes, *more,
        check=False, timeout=seconds + 30, what=f"GET {url}",
    )  # fmt: skip


def status(out: str) -> tuple[int, str]:
    """The status in what http.php or boot.php printed, and the rest; 0 where there is none."""
    found = STATUS.search(out)
    return (int(found[1]), out[found.end() :].strip()) if found else (0, out.strip())
