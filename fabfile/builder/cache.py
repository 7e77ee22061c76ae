"""What an earlier build installed, for the next one with the same lock file."""

from __future__ import annotations

import shlex

from ..engine import console, project
from ..engine.scripts import php, source
from . import looking
from .workshop import Workshop

LISTED = f"listed() {{\n{php('engine/manifest.php')}\n}}\n"
RESTORE = source("builder/key.sh") + LISTED + source("builder/restore.sh")
KEEP = source("builder/key.sh") + source("builder/keep.sh")
SPARE = source("builder/key.sh") + LISTED + source("builder/spare.sh")


def used(shop: Workshop, folder: str) -> bool:
    """Whether ``folder`` is kept from build to build."""
    if not project.loaded().settings.build.cache or shop.shell.dry:
        return False
    return shop.composer != "none" if folder == "vendor" else looking.has_front_end(shop)


def restore(shop: Workshop, folder: str, *depends: str) -> bool:
    """Put back ``folder``, which ``depends`` on what key.sh takes; whether it was there, and whole."""
    looking.foresee(shop, looking.TOP)
    said = shop.shell.ask(RESTORE, shop.cache, folder, *depends, check=False, what=f"restore {folder}")
    shop.shell.seen.clear()
    if "damaged" in said.out:
        console.warn(f"the cached {folder} was damaged and has been thrown away")
    if said.code == 0 and "restored" in said.out:
        shop.restored.add(folder)
    return folder in shop.restored


def keep(shop: Workshop, folder: str, *depends: str) -> None:
    """After success only, so that a broken install is never restored."""
    if folder not in shop.restored:
        shop.shell.ask(KEEP, shop.cache, folder, *depends, what=f"cache {folder}")


def spare(shop: Workshop) -> None:
    """Have vendor ready for the next build, by a process that goes on when this run has ended."""
    if used(shop, "vendor"):
        shop.shell.do(SPARE, shop.cache, *shlex.split(shop.php), what="unpack vendor for the next build")
