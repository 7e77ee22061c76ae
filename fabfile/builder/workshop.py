"""Where the build runs, and the folders it has there."""

from __future__ import annotations

import secrets
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path

from invoke.context import Context

from ..engine import console, lock, project
from ..engine.errors import Failure, Locked, Unreachable
from ..engine.hosts import Host
from ..engine.scripts import source
from ..engine.shell import Shell

TOOLS = source("engine/tools.sh")
# What git tidies up after a fetch, for Composer or npm too, ends with it: later on it would hold the lock.
TIDILY = """
n=${GIT_CONFIG_COUNT:-0}
export GIT_CONFIG_COUNT=$((n + 1)) "GIT_CONFIG_KEY_$n=gc.autoDetach" "GIT_CONFIG_VALUE_$n=false"
"""
CACHE = 'printf %s "${XDG_CACHE_HOME:-$HOME/.cache}/laravel-fab"'


@dataclass(frozen=True)
class Workshop:
    """``shell`` is the place, ``base`` the folder there that is ours: repo.git, work, cache, artifacts; its PHP and Composer.

    ``place`` is "server" where the server builds what it will run; ``restored`` are the folders of this run's build that came from the
    cache; ``told`` is what TOOLS said, where that was asked already.
    """

    shell: Shell
    base: str
    php: str
    composer: str
    local: bool = False
    place: str = "local"
    restored: set[str] = field(default_factory=set, compare=False)
    told: list[str] = field(default_factory=list, compare=False)

    @property
    def work(self) -> str:
        return f"{self.base}/work"

    @property
    def taken(self) -> str:
        """Where what comes from the cache waits for a build that is being cloned."""
        return f"{self.base}/taken"

    @property
    def repo(self) -> str:
        return f"{self.base}/repo.git"

    @property
    def cache(self) -> str:
        return f"{self.base}/cache"

    @property
    def artifacts(self) -> str:
        return f"{self.base}/artifacts"

    def run(self, *words: str, env: str = "", what: str = "") -> None:
        """Run a long command in the build. ``env`` is a line of constant shell that sets its environment."""
        limit = project.loaded().settings.build.timeout
        self.shell.work(f'cd "$1"; shift{TIDILY}{env}\nexec "$@"', self.work, *words, timeout=limit, what=what or " ".join(words))


def tools(shop: Workshop) -> tuple[str, ...]:
    """What TOOLS tells the versions of: Node and npm, which are slow to say it, only where something needs them."""
    wanted = project.loaded().settings.versions
    node = wanted.node or wanted.npm or (project.root() / "package.json").is_file()
    return (shop.base, shop.php, shop.composer, *(("node", "npm") if node else ()))


_workshops: dict[str, Workshop] = {}


def foresee(host: Host) -> None:
    """Let a server that will build for itself tell its tools' versions, which takes a while, while this machine looks at the code."""
    build = project.loaded().settings.build
    if build.place == "server" and build.path:
        host.shell.foresee(TOOLS, *tools(_at_server(host)), beside=True)


def workshop(c: Context) -> Workshop:
    """The place settings ask for, locked for this run; on this machine if the builder cannot be reached and that is allowed."""
    build = project.loaded().settings.build
    if build.place not in _workshops:
        _workshops[build.place] = shop = _open(c, build.place)
        project.building = f"{shop.shell.place}:{shop.base}"
    return _workshops[build.place]


def _open(c: Context, place: str) -> Workshop:
    build = project.loaded().settings.build
    if place == "server":
        host = project.host(c)
        shop = _at_server(host)
        host.shell.builds = shop.base
        if not host.run_id:  # a build begins with their versions
            shop.told.append(host.shell.ask(TOOLS, *tools(shop), what="ask for versions").out)
        lock.hold(host, "build")  # the site's own lock too: other sites may build in that folder
        return shop
    if place == "builder":
        try:
            builder = project.host(c, build.builder, site=False)  # may be the server: a conversation has only one lock
            return _locked(builder.conversation(), build.path, build.php, build.composer)
        except Unreachable as error:
            if not build.fallback:
                raise Unreachable(error.text, 'set build.fallback = true to build here instead, or build.place = "local"') from error
            console.warn(f"the builder cannot be used, building on this machine: {error.text}")
    return _locked(project.local(), "" if place == "builder" else build.path, build.php, build.composer, local=True)


def _at_server(host: Host) -> Workshop:
    build = project.loaded().settings.build
    composer = build.composer if build.composer == "none" else host.settings.composer
    return replace(_shop(host.shell, build.path, host.settings.php, composer), place="server")


def _shop(shell: Shell, path: str, php: str, composer: str, local: bool = False) -> Workshop:
    name = project.loaded().settings.project.name or project.root().name
    base = str(Path(path).expanduser()) if path and local else path or shell.ask(CACHE, what="find the cache folder").out
    return Workshop(shell, f"{base}/{name}", php, composer, local)


def _locked(shell: Shell, path: str, php: str, composer: str, local: bool = False) -> Workshop:
    shop = _shop(shell, path, php, composer, local)
    if shell.dry:
        return shop
    code = lock.take(shell, f"{shop.base}/.deploy", secrets.token_hex(8), "build", shlex.split(php)[0])
    if code != lock.HELD:
        raise Locked(f"{shell.place}: another build is running in {shop.base}", "wait for it, or give this project another build.path")
    return shop


def leave() -> None:
    """Give the workshop back: what follows a build does not need it. A server's locks stay, as what it has built does, until that is
    tidied up."""
    for place, shop in list(_workshops.items()):
        shop.shell.builds = ""
        if place != "server" and not shop.shell.dry:
            shop.shell.own("exec 9>&-; status=0")
        del _workshops[place]


def clean(shop: Workshop) -> None:
    """An empty work folder. Only inside a base that bears our mark: nothing else is ever removed."""
    shop.restored.clear()
    script = """
    mark=$1/.laravel-fab-build
    [ -f "$mark" ] || [ ! -e "$1/work" ] || { echo "$1/work is there but was not made by laravel-fab" >&2; exit 1; }
    mkdir -p -- "$1/cache" "$1/artifacts"
    : >"$mark"
    rm -rf -- "$1/work" "$1/taken"
    mkdir -- "$1/work"
    """
    shop.shell.do(script, shop.base, what=f"clean {shop.work}")


def no_build(what: str) -> Failure:
    return Failure(what, "fab builder.build does all of it in order")
