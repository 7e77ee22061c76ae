"""PHP's code cache after a switch: which release answers decides what is done, and whether it was enough."""

from __future__ import annotations

import json
import secrets
from typing import Any

from ..engine import console, lock
from ..engine.errors import Failure
from ..engine.hosts import Host
from ..engine.logins import apart
from ..engine.quoting import bind
from ..engine.scripts import php as php_script
from ..engine.scripts import source
from ..engine.tasks import on_host
from . import common, reloading, which

LADDER = which.TELL + source("server/opcache.sh") + php_script("server/opcache.php")
NOTHING = "nothing needed, PHP is handed the release's own path, as with $realpath_root"
# What opcache.php ends with: 3, an old release answers; 4, nobody tells, and nothing was done.
AFTER = """
code=0
(
set -eu
{ladder}
) || code=$?
case $code in 0) ;; 4) {unasked} ;; *) {last} ;; esac
"""


@on_host(flow="8.1-opcache")
def opcache(c: Host) -> None:
    """Make PHP forget the previous release, by the least that works here."""
    kind = c.settings.opcache
    if kind == "none":
        console.done("OPcache: left alone, as the settings say")
    elif kind == "command":
        if why := reloading.cuts(c, c.settings.opcache_command):
            console.warn(f"{c.name}: {why}")
        _command(c)
    elif kind == "fpm" and not c.settings.fpm_socket:
        raise Failure(f'{c.name}: opcache = "fpm" needs fpm_socket', "set hosts.NAME.fpm_socket to the pool's socket or host:port")
    elif kind == "web" and not c.settings.url:
        raise Failure(f'{c.name}: opcache = "web" needs url', "set hosts.NAME.url to where the site answers")
    elif c.shell.dry:
        console.would(
            c.name, f"ask {c.settings.url or 'nobody, as there is no url'} which release answers; clear OPcache if it is an old one"
        )
    elif rungs := _rungs(c):
        _ladder(c, rungs)
    else:
        _unasked(c)


def _rungs(c: Host) -> list[str]:
    """What to try through PHP, in this order; nothing where neither a site nor a pool can be spoken to."""
    if c.settings.opcache in ("fpm", "web"):
        return [c.settings.opcache]
    socket, asked = bool(c.settings.fpm_socket), bool(c.settings.url and c.settings.health_release)
    rungs = {"look": asked, "fpm": asked and socket, "web": asked, "blind": socket and not c.settings.opcache_command}
    return [name for name, wanted in rungs.items() if wanted]


def _ladder(c: Host, rungs: list[str]) -> None:
    record = common.release_of(c)
    said = _climb(c, record.id, record.previous, rungs)
    old = ", ".join(id for id in said["now"]["ids"] if id != record.id)
    tried = said["done"][-1] if said["done"] else {}
    if not tried and not said["found"]["ids"]:
        _unasked(c)
    elif not tried:
        console.done(f"OPcache: {NOTHING}")
    elif old and c.settings.opcache == "auto" and c.settings.opcache_command:
        if why := reloading.cuts(c, c.settings.opcache_command):
            raise which.stale(c, record.id, old, f"; {c.settings.opcache_command} was not run: {why}")
        _command(c)
        if _climb(c, record.id, record.previous, ["look"])["now"]["ids"] != [record.id]:
            raise which.stale(c, record.id, old, f", not even after {c.settings.opcache_command}")
        console.done(f"It is release {record.id} that answers now")
    elif old and c.settings.health_release:
        raise which.stale(c, record.id, old, "".join(f"; {_trouble(c, one)}" for one in said["done"]))
    elif not said["now"]["ids"] and not _worked(tried):
        raise Failure(f"{c.name}: {_trouble(c, tried)}")
    else:
        _cleared(c, said)


def _climb(c: Host, release: str, before: str, rungs: list[str]) -> dict[str, Any]:
    """Asks, and tries the rungs: what opcache.php found, did, and found then."""
    limit = c.settings.health_timeout + 60
    answer = c.shell.ask(LADDER, *_values(c, release, before, rungs), check=False, timeout=limit, what="ask which release PHP runs")
    try:
        said = json.loads(answer.out.strip().rpartition("\n")[2])
        return {"found": said["found"], "done": said["done"], "now": said["now"]}
    except (ValueError, KeyError, TypeError):
        raise Failure(f"{c.name}: OPcache could not be asked about: {(answer.out + answer.err).strip()[-300:]}") from None


def _values(c: Host, release: str, before: str, rungs: list[str], login: bool = True) -> list[object]:
    site, socket = apart(c.settings.url), c.settings.fpm_socket if {"fpm", "blind"} & {*rungs} else ""
    asked = bool(c.settings.url and c.settings.health_release)
    page = which.page() if asked or "web" in rungs else ""
    token, values = which.preamble(c, release, before, php=bool(page), page=page)
    script = f"opcache-{secrets.token_hex(16)}.php" if socket else ""
    url, once = (site.url.rstrip("/") + path if c.settings.url else "" for path in (c.settings.health_path or "/", f"/{page}"))
    wanted, seconds = c.settings.health_successes, c.settings.health_timeout
    php = (*common.visitor(c), "--", c.settings.resolve, release, wanted, seconds, socket, ",".join(rungs))
    return [*values, token, site.basic if login else "", script, which.PHP if socket else "", url, once, *php]


def _worked(rung: dict[str, Any]) -> bool:
    return not rung["why"] and rung["reset"] is not False


def _trouble(c: Host, rung: dict[str, Any]) -> str:
    how = f"through {c.settings.fpm_socket}" if rung["way"] == "fpm" else "by way of the site"
    if _worked(rung):
        return f"OPcache was reset {how}, in vain"
    return f"OPcache could not be reset {how}: {rung['why'] or 'opcache_reset() is refused there (opcache.restrict_api)'}"


def _cleared(c: Host, said: dict[str, Any]) -> None:
    for rung in said["done"]:
        if not _worked(rung):
            console.say(f"   {_trouble(c, rung)}", console.YELLOW)
    rung, ids = said["done"][-1], said["now"]["ids"]
    if rung.get("busy"):
        console.warn(f"{c.name}: {rung['busy']} of PHP's workers were busy all the time: until all have ended, they may run old code")
    how, answers = f"through {c.settings.fpm_socket}" if rung["way"] == "fpm" else "by way of the site", f"release {', '.join(ids)} answers"
    if _worked(rung):
        console.done(f"OPcache cleared {how}: {rung['workers']} workers forgot old paths, then it was reset{f'; {answers}' if ids else ''}")
    else:
        console.done(f"OPcache: {answers}")


def _unasked(c: Host) -> None:
    """Nobody tells which release answers: what the settings name is done all the same, unless it would harm visitors."""
    if not c.settings.opcache_command or c.settings.opcache != "auto":
        console.done("OPcache: left alone, since nobody tells which release answers and neither fpm_socket nor opcache_command is set")
    elif why := reloading.cuts(c, c.settings.opcache_command):
        console.warn(f'{c.name}: {c.settings.opcache_command} was not run: {why}; or opcache = "command", to run it all the same')
    else:
        _command(c)


def _command(c: Host) -> None:
    c.shell.work(lock.ASIDE + c.settings.opcache_command, what=c.settings.opcache_command)
    console.done(f"OPcache: ran {c.settings.opcache_command}")


def after_going_back(c: Host, release: str, other: str) -> str:
    """What the server itself has to run when it goes back from ``other`` to ``release``: shell, empty where nothing is needed."""
    kind, command, rungs = c.settings.opcache, c.settings.opcache_command, _rungs(c)
    if kind == "none":
        return ""
    if kind == "command":
        return command
    careful = reloading.careful(command) if kind == "auto" else ""
    if not rungs:
        return careful
    # What a log-in to the site would need is not left lying on the server.
    ladder = bind(LADDER, *_values(c, release, other, rungs, login=False))
    return AFTER.format(ladder=ladder, unasked=careful or (":" if kind == "auto" else "exit 1"), last=careful or "exit 1")
