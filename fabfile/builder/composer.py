"""Composer: called once for a build, spared the look for classes where an earlier build declared the same ones, and all of it where
nothing else is left to do."""

from __future__ import annotations

import shlex

from ..engine import project
from ..engine.scripts import php, source
from . import cache
from .workshop import TIDILY, Workshop

ENV = "COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_NO_INTERACTION=1; export COMPOSER_ALLOW_SUPERUSER COMPOSER_NO_INTERACTION"
INSTALL = f"{ENV}{TIDILY}{source('builder/key.sh')}{source('builder/composer.sh')}"
# Without a key Composer makes the autoloader.
KEY = f'to=$1\nshift\n{{\n{php("builder/declared.php")}\n}} >"$to" 2>/dev/null || : >"$to"'


def words(shop: Workshop) -> list[str]:
    """What calls Composer: as the settings name it, or its file by the PHP that they name."""
    if shop.php == "php":
        return shlex.split(shop.composer)
    path = shop.shell.ask('command -v "$1" || echo "$1"', shop.composer, what="find Composer").out.strip()
    return [*shlex.split(shop.php), path]


def install(shop: Workshop, program: list[str], dev: bool) -> None:
    """Install what composer.lock names with ``program``, as ``words`` says it. Raises CommandFailed with what Composer said."""
    build, kept = project.loaded().settings.build, cache.used(shop, "vendor")
    options = ["--no-interaction", "--no-progress", "--no-ansi", "--prefer-dist", "--optimize-autoloader"]
    options += [] if dev else ["--no-dev"]
    options += ["--classmap-authoritative"] if build.classmap_authoritative else []
    options += build.composer_options
    if kept:
        values = (f"{shop.cache}/autoload.key", *shlex.split(shop.php), "--", shop.work, program[-1], *options)
        shop.shell.do(KEY, *values, what="look for the classes of the application")
    values = (shop.work, shop.cache if kept else "", "restored" if "vendor" in shop.restored else "", *program, "install", *options)
    shop.shell.work(INSTALL, *values, timeout=build.timeout, what="composer install")
