"""PHP packages and assets, from what the lock files say, with what an earlier build left."""

from __future__ import annotations

import functools
import shlex
from pathlib import Path

from invoke.context import Context

from ..engine import console, project
from ..engine.scripts import BARE
from ..engine.tasks import on_builder
from ..laravel import devuse, frontend
from . import cache, composer, looking
from .workshop import Workshop, no_build, workshop

NODE_ENV = "CI=1; export CI; unset NODE_ENV"
FOLDERS = ("vendor", "node_modules")


@on_builder(flow="2.1-cache")
def restore_cache(c: Context) -> None:
    """Put back vendor and node_modules of an earlier build with the same lock files."""
    shop = workshop(c)
    used = [folder for folder in FOLDERS if cache.used(shop, folder)]
    done = [folder for folder in used if cache.restore(shop, folder, *_depends(shop, folder))]
    console.done(f"Restored from cache: {', '.join(done)}" if done else "Nothing cached for these lock files")


def foresee(shop: Workshop) -> tuple[str, ...]:
    """Let vendor be put back beside the clone, where what that depends on is known before; what the clone is told for that."""
    return cache.foresee(shop, "vendor", *_depends(shop, "vendor")) if cache.used(shop, "vendor") else ()


def _depends(shop: Workshop, folder: str) -> tuple[str, ...]:
    """What key.sh makes the cache's key of."""
    build = project.loaded().settings.build
    if folder == "vendor":
        how = " ".join(("dev" if needs_dev(shop) else "no-dev", shop.php, *build.composer_options))
        return (shop.work, "composer.lock", how, *shlex.split(shop.php), *BARE)
    return (shop.work, " ".join((*frontend.LOCK_FILES, *frontend.INPUTS)), build.package_manager, "node")


@on_builder(flow="2.2-deps", done="Dependencies installed")
def install(c: Context) -> None:
    """Install PHP packages from composer.lock, without development packages unless production needs them."""
    shop = workshop(c)
    if not shop.shell.dry and not looking.top(shop):
        raise no_build(f"nothing is cloned in {shop.work}")
    if shop.composer == "none":
        console.done("Dependencies: vendor/ is committed, Composer is not used")
        return
    dev, program = needs_dev(shop), composer.words(shop)
    finished = not (shop.shell.dry or looking.has_front_end(shop) or project.loaded().settings.hooks.after_build)
    new = cache.waits(shop, "vendor")  # which takes another trip
    if finished and not new:
        looking.foresee_end(shop)
    composer.install(shop, program, dev)
    if finished and new:
        looking.foresee_end(shop)
    _keep(shop, "vendor")
    console.done(f"Dependencies installed {'WITH development packages (production code uses them)' if dev else '(production only)'}")


@functools.cache
def needs_dev(shop: Workshop) -> bool:
    """Whether code that runs in production uses packages of require-dev (or the settings say so)."""
    wanted = project.loaded().settings.build.dev
    if wanted != "auto":
        return wanted == "always"
    tree = Path(shop.work) if shop.local else project.root()
    if not (tree / "composer.lock").is_file():
        return False
    found = [finding for finding in devuse.analyze(tree) if finding.severity == "production"]
    for package in sorted({finding.package for finding in found}):
        use = next(finding for finding in found if finding.package == package)
        text = f"{package} is in require-dev but {use.file}:{use.line} uses it in production: {devuse.fix_command(package)}"
        console.warn(text)
    return bool(found)


def _keep(shop: Workshop, folder: str) -> None:
    if cache.waits(shop, folder):
        cache.keep(shop, folder, *_depends(shop, folder))


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
        _keep(shop, "node_modules")
    if script:
        shop.run(*frontend.build_command(chosen, script), env=NODE_ENV)
    if project.loaded().settings.build.keep_node_modules:
        shop.run(*frontend.prune_command(chosen), env=NODE_ENV)
    else:
        shop.shell.do('rm -rf -- "$1"', f"{shop.work}/node_modules", what="remove node_modules")
    console.done(f"Assets built: {chosen} run {script}" if script else f"{chosen}: package.json has no build script")
