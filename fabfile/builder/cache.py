"""What an earlier build installed, for the next one with the same lock file."""

from __future__ import annotations

import shlex

from ..engine import console, project
from ..engine.scripts import BARE, php, source
from . import looking
from .workshop import Workshop

LISTED = f"listed() {{\n{php('engine/manifest.php')}\n}}\n"
KEY, RESTORED = source("builder/key.sh"), source("builder/restore.sh")
RESTORE = KEY + LISTED + RESTORED
# While a build is fetched: is what lies ready in cache $1 for folder $2 whole? For RESTORE to find in folder $3. And while it is cloned:
# commit $2's lock file in repository $1 says what can be put into folder $5 meanwhile, for RESTORE to find.
AHEAD = f"""
{LISTED}
checked() {{
  mkdir -- "$3"
  cd "$1" 2>/dev/null || return 0
  folder=$2 taken=$3
  shift 5
  for spare in "$folder"-*.spare; do
    [ -d "$spare/$folder" ] || continue
    digest=$(listed "$@" -- write "$spare/$folder" "$spare/list" "$folder.seen") || return 0
    printf '%s %s\\n' "$spare" "$digest" >"$taken/checked"
    return 0
  done
}}
ahead() {{
  git --git-dir="$1" show "$2:$6" >"$5/$6" 2>/dev/null || return 0
  shift 2
  ({KEY}{RESTORED}) >"$3/said"
}}
"""
KEEP = KEY + source("builder/keep.sh")
SPARE = KEY + LISTED + source("builder/spare.sh")
PRUNE = """
[ -f "$1/.laravel-fab-build" ] || exit 0
rm -rf -- "$1/work"
cd "$1/artifacts" 2>/dev/null || exit 0
ls -1t | grep '\\.tar\\.gz$' | tail -n "+$(($2 + 1))" | while IFS= read -r old; do rm -f -- "$old" "$old.json"; done
# Built where it will run, it is a folder until a deployment takes it.
ls -1t | grep -E '^[0-9a-f]+-[0-9]{14}$' | tail -n "+$(($2 + 1))" | while IFS= read -r old; do rm -rf -- "$old" "$old.manifest"; done
"""
END = f'({PRUNE})\nbase=$1 spare=$3\nshift 3\n[ -n "$spare" ] || exit 0\nset -- "$base/cache" "$@"\n{SPARE}'


def used(shop: Workshop, folder: str) -> bool:
    """Whether ``folder`` is kept from build to build."""
    if not project.loaded().settings.build.cache or shop.shell.dry:
        return False
    return shop.composer != "none" if folder == "vendor" else looking.has_front_end(shop) and looking.reusable(shop)


def foresee(shop: Workshop, folder: str, work: str, *depends: str) -> tuple[str, ...]:
    """Let ``restore`` travel with the trip that makes the build's folder; what AHEAD takes there besides repository and commit."""
    shop.shell.foresee(RESTORE, shop.cache, folder, work, *depends)
    return shop.cache, folder, shop.taken, *depends


def restore(shop: Workshop, folder: str, *depends: str) -> bool:
    """Put back ``folder``, which ``depends`` on what key.sh takes; whether it was there, and whole."""
    said = shop.shell.ask(RESTORE, shop.cache, folder, *depends, check=False, what=f"restore {folder}")
    if "damaged" in said.out:
        console.warn(f"the cached {folder} was damaged and has been thrown away")
    if said.code == 0 and "restored" in said.out:
        shop.restored.add(folder)
    return folder in shop.restored


def waits(shop: Workshop, folder: str) -> bool:
    """Whether the cache has no ``folder`` yet for these lock files, and takes the one that this build makes."""
    return used(shop, folder) and folder not in shop.restored


def keep(shop: Workshop, folder: str, *depends: str) -> None:
    """After success only, so that a broken install is never restored."""
    shop.shell.ask(KEEP, shop.cache, folder, *depends, what=f"cache {folder}")


def tidy(shop: Workshop) -> None:
    """Nothing stays of the build but its caches and the newest artifacts. Vendor is made ready for the next one, by a process that goes
    on when this run has ended."""
    keep = project.loaded().settings.build.keep_artifacts
    shop.shell.act(END, *_values(shop), what=f"remove {shop.work}, keep {keep} artifacts")


def foresee_tidy(shop: Workshop) -> None:
    """Let ``tidy`` travel with the next trip."""
    shop.shell.foresee(END, *_values(shop))


def _values(shop: Workshop) -> tuple[object, ...]:
    build = project.loaded().settings.build
    return (shop.base, build.keep_artifacts, "spare" if used(shop, "vendor") else "", *shlex.split(shop.php), *BARE)
