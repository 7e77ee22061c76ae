"""Maintenance mode: only when asked for, never with a secret that anybody knows, and always ended by whoever began it."""

from __future__ import annotations

import secrets

from ..engine import console, guard, options, redact, state
from ..engine.hosts import Host
from ..engine.quoting import words
from ..engine.scripts import source
from ..engine.tasks import on_host
from . import common

FILES = ("storage/framework/down", "storage/framework/maintenance.php")
# The copy is made where only we can write, and takes its place in one rename: what stands there may be a link to anything.
CARRY = f"""
{source("server/inside.sh")}
for file in "$3" "$4"; do
  if [ -f "$1/$file" ] && ! [ "$1/$file" -ef "$2/$file" ]; then
    rm -f -- "$2/.carried"
    cp -pP -- "$1/$file" "$2/.carried"
    (inside "$2" "${{file%/*}}" && rm -f -- "./${{file##*/}}" && mv -f -- "$2/.carried" "./${{file##*/}}")
  fi
done
"""


# artisan as it is, with one word more that is in no argument: arguments are anybody's to read while it runs.
HANDED_OVER = """
$argv = ['artisan', ...array_slice($argv, 1), '--secret=' . trim(file_get_contents('php://stdin'))];
[$_SERVER['argv'], $_SERVER['argc']] = [$argv, count($argv)];
require getcwd() . '/artisan';
"""
# The file holds the secret: it gets the mode and the group of .env, and the web server can read it as it can read that.
DOWN = f"""
{source("server/inside.sh")}
exec <<END-OF-SECRET
$1
END-OF-SECRET
cd "$2"
mode=$3 group=$4
shift 4
umask 027
"$@"
(
  inside . storage/framework
  for file in ./down ./maintenance.php; do
    if [ -f "$file" ] && [ ! -L "$file" ]; then
      chmod "$mode" "$file"
      [ -z "$group" ] || chgrp "$group" "$file"
    fi
  done
)
"""


@on_host(flow="5.2-maintenance")
def down(c: Host, retry: int = 60) -> None:
    """Put the current release into maintenance mode; who watches is told a URL that leads past it, new each time."""
    record = common.release_of(c)
    if c.shell.dry:
        console.would(c.name, f"php artisan down --retry={retry} --secret=…")
        return
    if c.purpose.get("what"):  # a chain, which ends what it begins, also where it does not live to
        guard.owe(c, _up_again(c, record.id))
    secret = secrets.token_hex(16)
    command = (*common.php(c), "-r", HANDED_OVER, "--", "down", f"--retry={retry}", "--no-interaction", "--no-ansi")
    values = (secret, c.site.release(record.id), c.settings.env_mode, c.settings.web_group)
    _show(c, secret)
    redact.remember([secret])
    state.forget(c)
    said = c.shell.ask(DOWN, *values, *command, what=f"php artisan down --retry={retry}").out
    console.done("It was in maintenance mode already" if "already down" in said else "Maintenance mode enabled")


def _show(c: Host, secret: str) -> None:
    """To a person at a terminal, never to a log, a pipe or a program."""
    if console.terminal() and not options.current.json and not options.current.quiet:
        console.say(f"   past it: {c.settings.url.rstrip('/') or 'https://…'}/{secret}", console.YELLOW)


def _up_again(c: Host, release: str) -> str:
    """Shell: in the release that served, and in the one that serves by then."""
    up = words(*common.php(c), "artisan", "up", "--no-interaction")
    return f'for folder in {words(c.site.release(release), c.site.current)}; do (cd "$folder" && {up}) || :; done'


@on_host(flow="8.4-up")
def up(c: Host) -> None:
    """Leave maintenance mode, if the site is in it."""
    found = state.look(c)
    if not found.down and not found.unseen:
        console.done("Application is live")
        return
    release = common.release_of(c).id
    said = common.artisan_work(c, release, "up").out
    if found.down and "already up" in said:  # the application keeps it elsewhere since somebody wrote that file, and reads it no more
        forget(c, release)
    if c.settings.maintenance and found.live and found.live.previous in found.releases:
        forget(c, found.live.previous)  # who goes back to it goes back to a site that is up
    guard.quits(c)
    console.done("Application is live" if "already up" in said else "Application is live: maintenance mode lifted")


def carry(c: Host, old: str, new: str) -> None:
    """A site that is down stays down across the switch, also where each release has its own storage/framework."""
    c.shell.do(CARRY, c.site.release(old), c.site.release(new), *FILES, what="carry maintenance mode over")


def forget(c: Host, release: str) -> None:
    """A release that comes back to a site that is up does not bring the maintenance mode it was left in."""
    c.shell.do('cd "$1"; shift; rm -f -- "$@"', c.site.release(release), *FILES, what="forget maintenance mode")
