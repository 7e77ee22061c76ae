"""What is in a build: questions to its place, each asked once until something may have changed the answer."""

from __future__ import annotations

import shlex

from ..engine import project
from ..laravel import frontend
from .workshop import Workshop

READ = '[ ! -f "$1" ] || cat "$1"'
TOP = 'cd "$1" 2>/dev/null || exit 0; ls -A'
ENTRIES = """
cd "$1" 2>/dev/null || exit 0
line='
'
odd=$(find . -name .git -prune -o -name "*$line*" -print)
[ -z "$odd" ] || { printf 'a file name with a line break cannot be deployed: %s\\n' "$odd" >&2; exit 1; }
find . -name .git -prune -o ! -name . -print | cut -c3-
"""
FOLDERS = 'cd "$1" 2>/dev/null || exit 0; find . -name .git -prune -o -type d ! -name . -print | cut -c3-'
# Its commit, when that was made (seconds since 1970: the shipped files bear it), and the branch it was taken from.
ABOUT = 'cd "$1" 2>/dev/null || exit 0; git log -1 --format="%H %ct" 2>/dev/null || exit 0; git config laravel-fab.branch || :'
# Leaves nothing of the environment that built it.
CACHES = " ".join(f"bootstrap/cache/{name}.php" for name in ("config", "routes-v7", "events", "packages", "services"))
FORGET = f"rm -f -- {CACHES}"
PLAIN = f'cd "$1"\n{FORGET} public/hot'
BOOTS = f'cd "$1"; shift; command -v "$1" >/dev/null 2>&1 || exit 0; code=0; "$@" || code=$?\n{FORGET}\nexit "$code"'
IGNORE = ".deployignore"
FRONT_END = ("package.json", "yarn.lock")  # what its package manager is told by, besides the names of lock files


def read(shop: Workshop, path: str) -> str:
    """The text of ``path`` in the build; empty if it is not there."""
    return shop.shell.see(READ, f"{shop.work}/{path}", what=f"read {path}")


def top(shop: Workshop) -> list[str]:
    """The names in the build's top folder, in which what came from the cache may have appeared since."""
    return sorted({*shop.shell.see(TOP, shop.work, what="list the build's top folder").splitlines(), *shop.restored})


def entries(shop: Workshop) -> set[str]:
    """The paths of everything in the build, folders too. Raises CommandFailed for a name with a line break."""
    return _lines(shop.shell.see(ENTRIES, shop.work, what="list the build"))


def folders(shop: Workshop) -> set[str]:
    """The paths of the build's folders."""
    return _lines(shop.shell.see(FOLDERS, shop.work, what="list folders"))


def about(shop: Workshop) -> tuple[str, int, str]:
    """The build's commit, when it was made (0: not known), its branch; empty where nothing was cloned."""
    commit, made, branch = [*shop.shell.see(ABOUT, shop.work, what="git log").split(), "", "0", ""][:3]
    return commit, int(made), branch


def foresee(shop: Workshop, *scripts: str, paths: tuple[str, ...] = ()) -> None:
    """Let these questions about the build, and the reading of ``paths``, travel with the next trip."""
    for script in scripts:
        shop.shell.foresee(script, shop.work)
    for path in paths:
        shop.shell.foresee(READ, f"{shop.work}/{path}")


def foresee_end(shop: Workshop) -> None:
    """Let all that is asked of a build that is finished travel with the trip that finishes it: last what takes longest, so that the rest
    can be thought about meanwhile."""
    foresee(shop, PLAIN, ENTRIES, ABOUT, FOLDERS, paths=(IGNORE,))
    shop.shell.foresee(BOOTS, *boots(shop))


def boots(shop: Workshop) -> tuple[str, ...]:
    """What BOOTS runs: the application's own command line, without any .env."""
    return (shop.work, *shlex.split(shop.php), "artisan", "--version", "--no-ansi")


def _lines(out: str) -> set[str]:
    """Not splitlines: a name may hold U+2028 and whatever else Python calls the end of a line."""
    return set(out.split("\n")) - {""}


def has_front_end(shop: Workshop) -> bool:
    return project.loaded().settings.front_end and "package.json" in top(shop)


def reusable(shop: Workshop) -> bool:
    """Whether another build may have this one's node_modules."""
    return frontend.reusable(top(shop), read(shop, "package.json"))


def manager(shop: Workshop) -> frontend.Manager | None:
    """The front end's package manager; None where there is no front end to build."""
    if not has_front_end(shop):
        return None
    chosen = project.loaded().settings.build.package_manager
    if chosen != "auto" and chosen != "none":  # noqa: PLR1714 mypy understands this one
        return chosen
    return frontend.package_manager(top(shop), read(shop, "package.json"), read(shop, "yarn.lock")[:2000])
