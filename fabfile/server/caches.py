"""Laravel's caches in the new release."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..engine import console
from ..engine.hosts import Host
from ..engine.tasks import on_host
from . import common, configure

# Which file each artisan command must have left: the commands end with 0 even when they failed
# (laravel/framework: OptimizeCommand, Console/View/Components/Task).
PRODUCES = {"config": "config.php", "route": "routes-v7.php", "event": "events.php"}
# The first one by itself: each artisan reads the configuration that is cached, and the list of packages that whoever is first makes. Then
# the others side by side. config.php holds every secret of .env, and Laravel writes it for everybody to read: it gets the mode and the
# group of .env. $5: "name:file" of each cache.
CACHES = """
cd "$1"
views=$2 mode=$3 group=$4 wanted=$5 current=$6 literal=$7
shift 7
real=$(cd ../.. && pwd -P)/current
made() { # "NAME:FILE" ARTISAN…
  name=${1%%:*} file=${1#*:} code=0
  shift
  "$@" "$name:cache" --no-interaction --no-ansi || code=$?
  if [ "$code" -gt 0 ]; then echo "php artisan $name:cache failed" >&2; return "$code"; fi
  [ -n "$file" ] && [ ! -s "bootstrap/cache/$file" ] || return 0
  full=$(df -P . | awk 'NR == 2 { print $5 }')
  echo "artisan $name:cache reported success but did not write bootstrap/cache/$file; the disk is $full full" >&2
  return 1
}
for each in $wanted; do file=${each#*:}; [ -z "$file" ] || rm -f -- "bootstrap/cache/$file"; done
if [ -n "$views" ]; then VIEW_COMPILED_PATH=$views; export VIEW_COMPILED_PATH; mkdir -p -- "$views"; fi
first=${wanted%% *} config=bootstrap/cache/config.php
([ "$first" != config:config.php ] || [ -z "$mode" ] || umask 027; made "$first" "$@")
if [ "$first" = config:config.php ]; then
  [ -z "$mode" ] || chmod "$mode" "$config"
  [ -z "$mode" ] || [ -z "$group" ] || chgrp "$group" "$config"
  CURRENT=$current REAL=$real awk "$literal" "$config"
fi
all='' code=0
for each in $wanted; do
  [ "$each" = "$first" ] || { made "$each" "$@" & all="$all $!"; }
done
for each in $all; do wait "$each" || code=$?; done
exit "$code"
"""
# Keys of a cached configuration (var_export: two blanks a level) whose values lead through current: they change with every switch
# while the code does not, and PHP remembers where they led. The site's folder may be reached by a link: its own path counts as well.
LITERAL = r"""
match($0, /^ +/) {
  depth = RLENGTH / 2
  key = $0
  if (sub(/ =>.*/, "", key)) { gsub(/^ +|'/, "", key); keys[depth] = key }
  line = $0 "/"
  gsub(/'/, "/", line)
  if (index(line, ENVIRON["CURRENT"] "/") || index(line, ENVIRON["REAL"] "/")) {
    path = keys[1]
    for (level = 2; level <= depth; level++) path = path "." keys[level]
    print "through current: " path
  }
}
"""
THROUGH = re.compile(r"^through current: ([\w.-]+)$", re.MULTILINE)


@on_host(flow="6.2-cache")
def optimize(c: Host, release: str = "") -> None:
    """Build the caches in the release itself, with the server's .env, and check that they are there."""
    record = common.release_of(c, release)
    if c.settings.caches:
        _cache(c, c.site.release(record.id))
    console.done(f"Caches prepared: {', '.join(c.settings.caches) or 'none wanted'}")


def wanted(names: Iterable[str]) -> str:
    """What CACHES takes for these caches: the configuration's first."""
    return " ".join(f"{name}:{PRODUCES.get(name, '')}" for name in sorted(names, key=lambda name: name != "config"))


def _cache(c: Host, root: str) -> None:
    """The artisan NAME:cache of each. Views are compiled inside the release, also where a folder around them is shared:
    view:cache begins with view:clear, which would take them from the release that serves (ViewCacheCommand)."""
    around = any(f"{configure.VIEWS}/".startswith(f"{folder}/") for folder in c.settings.shared_folders if folder != configure.VIEWS)
    views = f"{root}/bootstrap/cache/views" if around else ""
    private = (c.settings.env_mode, c.settings.web_group)
    values = (root, views, *private, wanted(c.settings.caches), c.site.current, LITERAL, *common.php(c), "artisan")
    names = ", ".join(f"{name}:cache" for name in c.settings.caches)
    with common.unchanged(c):
        said = c.shell.work(CACHES, *values, timeout=c.settings.command_timeout * len(c.settings.caches), what=f"php artisan {names}").out
    if keys := THROUGH.findall(said):
        console.warn(f"{c.name}: cached settings lead through {c.site.current}: {', '.join(keys)}; spell them without it in shared/.env")
