"""PHP packages and assets, from what the lock files say, with what an earlier build left."""

from __future__ import annotations

import shlex

from invoke.context import Context

from ..engine import console, project
from ..engine.scripts import BARE
from ..engine.tasks import on_builder
from ..laravel import frontend
from . import cache, composer, development, looking
from .workshop import Workshop, no_build, workshop

NODE_ENV = "CI=1; export CI; unset NODE_ENV"
FOLDERS = ("vendor", "node_modules")


@on_builder(flow="2.1-cache")
def restore_cache(c: Context) -> None:
    """Put back vendor and node_modules of an earlier build with the same lock files."""
    shop = workshop(c)
    used, done = [folder for folder in FOLDERS if cache.used(shop, folder)], []
    if "vendor" in used:
        dev = development.needed(shop)
        if not shop.local and dev != development.likely():  # what was put back while it was cloned is another one
            shop.shell.do('rm -rf -- "$1/vendor" "$2"', shop.work, shop.taken, what="remove what was put back")
        done += ["vendor"] if cache.restore(shop, "vendor", *_vendor(shop, dev)) else []
    if "node_modules" in used:
        done += ["node_modules"] if cache.restore(shop, "node_modules", *_modules(shop)) else []
    console.done(f"Restored from cache: {', '.join(done)}" if done else "Nothing cached for these lock files")


def foresee(shop: Workshop) -> tuple[str, ...]:
    """Let vendor be put back beside the clone, where what that depends on is known before; what the clone is told for that."""
    if shop.shell.dry or shop.composer == "none":
        return ()
    dev = development.foresee(shop)
    return cache.foresee(shop, "vendor", *_vendor(shop, dev)) if cache.used(shop, "vendor") else ()


def _vendor(shop: Workshop, dev: bool) -> tuple[str, ...]:
    """What key.sh makes the cache's key of."""
    how = " ".join(("dev" if dev else "no-dev", shop.php, *project.loaded().settings.build.composer_options))
    return (shop.work, "composer.lock", how, *shlex.split(shop.php), *BARE)


def _modules(shop: Workshop) -> tuple[str, ...]:
    """The same for node_modules."""
    return (shop.work, " ".join((*frontend.LOCK_FILES, *frontend.INPUTS)), project.loaded().settings.build.package_manager, "node")


@on_builder(flow="2.2-deps", done="Dependencies installed")
def install(c: Context) -> None:
    """Install PHP packages from composer.lock, without development packages unless production needs them."""
    shop = workshop(c)
    if not shop.shell.dry and not looking.top(shop):
        raise no_build(f"nothing is cloned in {shop.work}")
    if shop.composer == "none":
        console.done("Dependencies: vendor/ is committed, Composer is not used")
        return
    dev, program = development.needed(shop), composer.words(shop)
    finished = not (shop.shell.dry or looking.has_front_end(shop) or project.loaded().settings.hooks.after_build)
    new = cache.waits(shop, "vendor")  # which takes another trip
    if finished and not new:
        looking.foresee_end(shop)
    composer.install(shop, program, dev)
    if finished and new:
        looking.foresee_end(shop)
    _keep(shop, "vendor", _vendor(shop, dev))
    console.done(f"Dependencies installed {'WITH development packages (production code uses them)' if dev else '(production only)'}")


def _keep(shop: Workshop, folder: str, depends: tuple[str, ...]) -> None:
    if cache.waits(shop, folder):
        cache.keep(shop, folder, *depends)


@on_builder(flow="2.3-assets")
def assets(c: Context) -> None:
    """Build the front end with the package manager whose lock file is there."""
    shop = workshop(c)
    if shop.shell.dry and not looking.top(shop) and (project.root() / "package.json").is_file():
        console.done("Would build the front end, if there is one")
        return
    chosen = looking.manager(shop)
    if chosen is None:
        console.done("No front end to build")
        return
    script = frontend.build_script(looking.read(shop, "package.json"), project.loaded().settings.build.script)
    if "node_modules" not in looking.top(shop):
        shop.run(*frontend.install_command(chosen), env=NODE_ENV)
        _keep(shop, "node_modules", _modules(shop))
    if script:
        shop.run(*frontend.build_command(chosen, script), env=NODE_ENV)
    if project.loaded().settings.build.keep_node_modules:
        shop.run(*frontend.prune_command(chosen), env=NODE_ENV)
    else:
        shop.shell.do('rm -rf -- "$1"', f"{shop.work}/node_modules", what="remove node_modules")
    console.done(f"Assets built: {chosen} run {script}" if script else f"{chosen}: package.json has no build script")
