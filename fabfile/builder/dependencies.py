"""PHP packages and assets, from what the lock files say, with what an earlier build left."""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path

from invoke.context import Context

from ..engine import console, project
from ..engine.scripts import source
from ..engine.tasks import on_builder
from ..laravel import devuse, frontend
from .workshop import Workshop, manager, workshop

COMPOSER_ENV = "COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_NO_INTERACTION=1; export COMPOSER_ALLOW_SUPERUSER COMPOSER_NO_INTERACTION"
NODE_ENV = "CI=1; export CI; unset NODE_ENV"
# What a cached folder depends on: the lock file, the runtime's version, and how it was installed.
KEY = """
cd "$1"
{ cat "$2"; shift 2; for word; do echo "$word"; done; } | { sha256sum 2>/dev/null || shasum -a 256; } | cut -c1-40
"""
PHP_VERSION = '"$@" -r "echo PHP_VERSION;" 2>/dev/null || :'


@on_builder(flow="2.1-cache")
def restore_cache(c: Context) -> None:
    """Put back vendor and node_modules of an earlier build with the same lock files."""
    shop = workshop(c)
    done = [folder for folder in ("vendor", "node_modules") if _cached(shop, folder) and _restore(shop, folder)]
    console.done(f"Restored from cache: {', '.join(done)}" if done else "Nothing cached for these lock files")


def _cached(shop: Workshop, folder: str) -> bool:
    settings = project.loaded().settings.build
    if not settings.cache or shop.shell.dry:
        return False
    return shop.composer != "none" if folder == "vendor" else manager(shop) is not None


def _restore(shop: Workshop, folder: str) -> bool:
    if not (key := _key(shop, folder)):
        return False
    answer = shop.shell.ask(source("builder/restore.sh"), shop.cache, f"{folder}-{key}", shop.work, check=False, what=f"restore {folder}")
    if "damaged" in answer.out:
        console.warn(f"the cached {folder} was damaged and has been thrown away")
    return answer.code == 0


def _key(shop: Workshop, folder: str) -> str:
    """The cache key of ``folder``; empty where there is no lock file."""
    names = shop.files()
    if folder == "vendor":
        lock, words = "composer.lock", (shop.php, "dev" if needs_dev(shop) else "no-dev")
        version = shop.shell.ask(PHP_VERSION, *shlex.split(shop.php), what="PHP version").out
    else:
        lock = next((name for name in frontend.LOCK_FILES if name in names), "")
        words = ("node", "")
        version = shop.shell.ask("node --version 2>/dev/null || :", what="Node version").out
    if lock not in names:
        return ""
    return shop.shell.ask(KEY, shop.work, lock, *words, version.strip(), what="cache key").out.strip()


@on_builder(flow="2.2-deps", done="Dependencies installed")
def install(c: Context) -> None:
    """Install PHP packages from composer.lock, without development packages unless production needs them."""
    shop, build = workshop(c), project.loaded().settings.build
    if shop.composer == "none":
        console.done("Dependencies: vendor/ is committed, Composer is not used")
        return
    dev = needs_dev(shop)
    words = [*shlex.split(shop.php), _composer_path(shop)] if shop.php != "php" else shlex.split(shop.composer)
    options = ["install", "--no-interaction", "--no-progress", "--no-ansi", "--prefer-dist", "--optimize-autoloader"]
    options += [] if dev else ["--no-dev"]
    options += ["--classmap-authoritative"] if build.classmap_authoritative else []
    shop.run(*words, *options, *build.composer_options, env=COMPOSER_ENV, what="composer install")
    _keep(shop, "vendor")
    console.done(f"Dependencies installed {'WITH development packages (production code uses them)' if dev else '(production only)'}")


def _composer_path(shop: Workshop) -> str:
    """Composer's file, to be run by the PHP that the settings name."""
    return shop.shell.ask('command -v "$1" || echo "$1"', shop.composer, what="find Composer").out.strip()


@cache
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
    """After success only, so that a broken install is never restored."""
    if _cached(shop, folder) and (key := _key(shop, folder)):
        shop.shell.ask(source("builder/keep.sh"), shop.cache, f"{folder}-{key}", shop.work, folder, what=f"cache {folder}")


@on_builder(flow="2.3-assets")
def assets(c: Context) -> None:
    """Build the front end with the package manager whose lock file is there."""
    shop = workshop(c)
    if shop.shell.dry and not shop.files() and (project.root() / "package.json").is_file():
        console.done("Would build the front end, if there is one")
        return
    chosen = manager(shop)
    if chosen is None:
        console.done("No front end to build")
        return
    script = frontend.build_script(shop.read("package.json"), project.loaded().settings.build.script)
    if "node_modules" not in shop.files():
        shop.run(*frontend.install_command(chosen), env=NODE_ENV)
        _keep(shop, "node_modules")
    if script:
        shop.run(*frontend.build_command(chosen, script), env=NODE_ENV)
    if project.loaded().settings.build.keep_node_modules:
        shop.run(*frontend.prune_command(chosen), env=NODE_ENV)
    else:
        shop.shell.do('rm -rf -- "$1"', f"{shop.work}/node_modules", what="remove node_modules")
    console.done(f"Assets built: {chosen} run {script}" if script else f"{chosen}: package.json has no build script")
