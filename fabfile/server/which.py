"""Which release answers? Releases are let tell it themselves: what PHP runs, not what the document root leads to."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from ..engine.errors import Failure
from ..engine.hosts import Host
from ..engine.logins import apart
from ..engine.scripts import php as php_script
from ..engine.scripts import source
from . import asking, common

TELL = source("server/inside.sh") + source("server/which.sh")
PHP = source("server/which.php")
PAGE = source("server/page.php")
# How it is asked, the best first: public/index.php tells; a page of ours beside it does, for as long as it is asked; or (which only
# proves what the document root leads to) a file is there for that long.
WAYS = ("php", "page", "file")
ASK = """
how=$1 url=$2 file=$3 login=$4 token=$5 wanted=$6 tries=$7 most=$8 address=$9 needle="\\"laravel-fab\\":\\"$release\\""
shift 9
case $how in
  php) code=$told ;;
  page) code=$paged ;;
  *)
    wanted=1 needle=${file##*/} code=1
    if [ -n "$file" ]; then
      code=0
      trap 'hush "$release" "$before"; rm -f -- "$file"' EXIT
      (umask 022; printf '%s\\n' "$needle" 2>/dev/null >"$file") || code=73
    fi
    ;;
esac
case $code in 0) ;; 73) how=full ;; *) how=none ;; esac
printf 'how %s\\n' "$how"
case $how in full | none) exit 0 ;; esac
exec 3<<END-OF-LOGIN
$login
X-Laravel-Fab: $token
END-OF-LOGIN
set -- "$@" -- "$url" "$tries" "$most" "$address" "$wanted" "$needle"
"""


@dataclass(frozen=True)
class Said:
    """``how`` it was asked: one of WAYS, "none" (it cannot be asked so), or "full" (no file can be written); the status, the body's
    beginning, and the release that answers, as far as that told."""

    how: str
    status: int
    text: str
    release: str


def asked(c: Host, path: str) -> str:
    """The URL of ``path``, as nobody has asked for it before: caches on the way have no answer to it."""
    url = apart(c.settings.url).url.rstrip("/") + path
    return f"{url}{'&' if '?' in url else '?'}laravel-fab={secrets.token_hex(6)}"


def page() -> str:
    """The name of a page that nobody can guess."""
    return f"fab-{secrets.token_hex(16)}.php"


def preamble(c: Host, release: str, before: str, php: bool = True, page: str = "") -> tuple[str, tuple[object, ...]]:
    """A token for whoever asks, and the values that ``TELL`` begins with. What a client that died leaves behind soon says nothing."""
    token = secrets.token_hex(32)
    digest = hashlib.sha256(token.encode()).hexdigest()
    seconds = 2 * c.settings.health_timeout + 60
    fixed = c.settings.public_html.path if c.settings.public_html.mode == "bridge" else ""
    before = "" if before == release else before
    return token, (c.site.root, PHP if php else "", digest, seconds, release, before, page, PAGE if page else "", fixed)


def answers(c: Host, release: str, before: str, way: str) -> Said:
    """Asked as often in a row as the settings want, in one of the WAYS."""
    name = page() if way == "page" else f"fab-{secrets.token_hex(16)}.txt"
    token, values = preamble(c, release, before, way == "php", name if way == "page" else "")
    # a bridge has links to what was there when it was made
    file = "" if c.settings.public_html.mode == "bridge" else f"{c.site.release(release)}/public/{name}"
    site, seconds = apart(c.settings.url), c.settings.health_timeout
    url = asked(c, c.settings.health_path or "/" if way == "php" else f"/{name}")
    answer = c.shell.ask(
        f"{TELL}{ASK}{php_script('server/http.php')}", *values,
        way, url, file, site.basic, token,
        c.settings.health_successes, c.settings.health_tries, seconds, c.settings.resolve, *common.visitor(c),
        check=False, timeout=seconds + 30, what=f"ask {c.settings.url} which release answers",
    )  # fmt: skip
    how, _, rest = answer.out.removeprefix("how ").partition("\n")
    status, text = asking.status(rest)
    told = re.search(r'"laravel-fab":"(\w+)"', text) if how in ("php", "page") else None
    found = told[1] if told else release if how == "file" and name in text else ""
    return Said(how, status, (text + answer.err[-800:]).strip(), found)


def stale(c: Host, release: str, old: str, tried: str = "") -> Failure:
    """Another release answers, and nothing that we may do changes that."""
    return Failure(
        f"{c.name}: {c.settings.url} is answered by release {old or 'another than ours'}, not by {release}{tried}",
        f"point the document root at {c.site.current}/public and hand PHP $realpath_root (docs/servers.md), or set "
        f"hosts.{c.name}.fpm_socket, or opcache_command to a reload of PHP-FPM",
    )
