"""One visit to a release that nobody else can meet yet."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..engine.hosts import Host
from ..engine.scripts import php as php_script
from ..engine.scripts import program, source
from ..engine.wire import Answer
from . import common

BOOT = program("server/boot.php")
# PHP's built-in server is the nearest to a web server that is everywhere: the command line is another world to an application, which
# may do there what it does not for visitors. Where it cannot listen, the application is told at least that this is no console.
ALONE = f"""
{source("server/serve.sh")}
if [ -n "$port" ]; then
  echo 'by server'
  {php_script("server/knock.php", '"$@" -n -- "http://$host:$port$path" "$seconds"')}
else
  APP_RUNNING_IN_CONSOLE=false {php_script("server/boot.php", '"$@" -- "$release" "$path" "$host" "$scheme"')}
fi
"""


@dataclass(frozen=True)
class Visit:
    """What is asked to visit ``path`` of a release; the same again is the same question."""

    path: str
    values: tuple[object, ...]
    seconds: int


def visit(c: Host, release: str, path: str, seconds: int) -> Visit:
    """A visit to ``path`` of ``release`` by itself, that only the one who pays it can pay, and that may take so many ``seconds``."""
    token, (scheme, host) = secrets.token_hex(32), _site(c)
    site = (c.site.release(release), c.site.own, BOOT, token, hashlib.sha256(token.encode()).hexdigest(), scheme, host)
    return Visit(path, (*site, path, seconds, *common.php(c)), seconds + 10)


def foresee(c: Host, asked: Visit) -> None:
    """Let the visit take place beside what is asked next."""
    c.shell.foresee(ALONE, *asked.values, timeout=asked.seconds, beside=True)


def alone(c: Host, asked: Visit) -> tuple[str, Answer]:
    """Who answers, and the answer of the release by itself."""
    what = f"GET {asked.path} with the new release"
    answer = c.shell.ask(ALONE, *asked.values, check=False, timeout=asked.seconds, what=what)
    by = "by PHP's built-in server" if answer.out.startswith("by server\n") else "on PHP's command line"
    return f"the new release {by}", answer


def in_pool(c: Host, release: str, path: str, warm: bool = False) -> Answer:
    """The answer of the release in the pool that will serve it, as the web server would pass it on."""
    scheme, host = _site(c)
    values = (c.settings.fpm_socket, f"{c.site.release(release)}/public/index.php", path, host, scheme, *(["warm"] if warm else []))
    return c.shell.ask(
        php_script("server/fastcgi.php"), *common.bare(c), "--", *values,
        check=False, timeout=c.settings.health_timeout, what=f"GET {path} with the new release in {c.settings.fpm_socket}",
    )  # fmt: skip


def _site(c: Host) -> tuple[str, str]:
    """The scheme and the host name that visitors use."""
    url = urlsplit(c.settings.url)
    name = url.hostname or "localhost"
    return url.scheme, f"[{name}]" if ":" in name else name
