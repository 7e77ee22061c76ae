"""From a finished build to one file, checked before it leaves."""

from __future__ import annotations

import shlex
import time
from pathlib import Path, PurePosixPath

from invoke.context import Context

from ..engine import artifacts, console, manifest, project, transfer
from ..engine.errors import Failure
from ..engine.scripts import php as php_script
from ..engine.scripts import source as script_text
from ..engine.tasks import on_builder
from ..laravel import frontend, ignore
from .source import commit_time
from .workshop import Workshop, no_build, workshop

BAKED = """
cd "$1"
rm -f -- public/hot
for name in config routes-v7 events packages services; do rm -f -- "bootstrap/cache/$name.php"; done
"""
ENTRIES = """
cd "$1"
line='
'
odd=$(find . -name .git -prune -o -name "*$line*" -print)
[ -z "$odd" ] || { printf 'a file name with a line break cannot be deployed: %s\\n' "$odd" >&2; exit 1; }
find . -name .git -prune -o ! -name . -print | cut -c3-
"""
FOLDERS = 'cd "$1"; find . -name .git -prune -o -type d ! -name . -print | cut -c3-'
BOOTS = 'cd "$1"; shift; command -v "$1" >/dev/null 2>&1 || exit 0; "$@"'
MANIFESTS = {
    "public/build/manifest.json": "public/build",
    "public/build/.vite/manifest.json": "public/build",
    "public/mix-manifest.json": "public",
}


@on_builder(flow="2.4-optimize", done="Laravel optimizations complete: autoloader here, caches on the server, with its .env")
def optimize(c: Context) -> None:
    """Leave nothing of this machine's environment in the build."""
    shop = workshop(c)
    shop.shell.do(BAKED, shop.work, what="remove this machine's caches")
    shop.shell.flush()


@on_builder(flow="2.5-validate", done="Build validation passed")
def validate(c: Context) -> None:
    """Check that the build is whole and boots without any .env."""
    shop = workshop(c)
    if shop.shell.dry:
        return
    entries = _entries(shop)
    if missing := [path for path in project.loaded().settings.build.required if path not in entries]:
        raise Failure(f"the build lacks {', '.join(missing)}", "see build.required in deploy.toml")
    _check_assets(shop, entries)
    answer = shop.shell.ask(
        BOOTS, shop.work, *shlex.split(shop.php), "artisan", "--version", "--no-ansi", check=False, what="php artisan --version"
    )
    if answer.code:
        raise Failure(
            f"the build does not boot without .env: {(answer.out + answer.err).strip()[-1200:]}",
            "run php artisan --version in a clean clone",
        )
    console.done(f"Build validation passed: {len(entries)} entries, {answer.out.strip() or 'no PHP here to boot it with'}")


def _entries(shop: Workshop) -> set[str]:
    return _lines(shop.shell.ask(ENTRIES, shop.work, what="list the build").out)


def _lines(out: str) -> set[str]:
    """Not splitlines: a name may hold U+2028 and whatever else Python calls the end of a line."""
    return set(out.split("\n")) - {""}


def _check_assets(shop: Workshop, entries: set[str]) -> None:
    for path, root in MANIFESTS.items():
        if path in entries and (lost := frontend.missing_assets(shop.read(path), _below(root, entries))):
            raise Failure(f"{path} names files that were not built: {', '.join(lost[:5])}", "fab builder.assets")


def _below(root: str, entries: set[str]) -> list[str]:
    return [entry.removeprefix(f"{root}/") for entry in entries if entry.startswith(f"{root}/")]


@on_builder(flow="3.1-package")
def package(c: Context) -> artifacts.Artifact:
    """Pack what ships into one artifact, with the SHA-256 of everything in it."""
    shop = workshop(c)
    commit = shop.shell.ask('git -C "$1" rev-parse HEAD 2>/dev/null || :', shop.work, what="git rev-parse").out.strip()
    if shop.shell.dry:
        return artifacts.Artifact("", "0" * 64, commit)
    if not commit:
        raise no_build(f"nothing is built in {shop.work}")
    names, left_out = _selected(shop)
    path = f"{shop.artifacts}/{commit[:12]}-{time.strftime('%Y%m%d%H%M%S', time.gmtime())}"
    limit, values = project.loaded().settings.build.timeout, (shop.work, path, commit_time(shop), "\n".join(names))
    answer = shop.shell.ask(script_text("builder/package.sh"), *values, timeout=limit, what="pack the artifact")
    made = _bring(shop, f"{path}.tar.gz", answer.out.strip(), commit)
    console.done(
        f"Deployment package created: {Path(made.path).name}, {len(names)} entries ({left_out} left out), sha256 {made.digest[:12]}"
    )
    return made


def _selected(shop: Workshop) -> tuple[list[str], int]:
    """What ships, sorted, folders included; and how many entries do not."""
    entries, folders = _entries(shop), _lines(shop.shell.ask(FOLDERS, shop.work, what="list folders").out)
    if odd := [entry for entry in entries if any(ord(char) < 32 or char == "\x7f" for char in entry)]:
        raise Failure(f"file names with control characters cannot be deployed: {odd[:3]!r}", "rename them")
    keep = [f"{root}/{name}" for path, root in MANIFESTS.items() if path in entries for name in frontend.built_files(shop.read(path))]
    build = project.loaded().settings.build
    rules = shop.read(".deployignore") + "\n" + "\n".join(build.ignore)
    chosen = ignore.select(sorted(entries - folders), rules, keep, build.keep_node_modules)
    for rule in chosen.overridden:
        console.say(f"   .deployignore:{rule.line}: {rule.rule!r} would have left out {rule.count} built files ({rule.example}); they ship")
    parents = {str(parent) for path in chosen.shipped for parent in PurePosixPath(path).parents} - {"."}
    return sorted({*chosen.shipped, *parents}), len(chosen.left_out)


def _bring(shop: Workshop, path: str, digest: str, commit: str) -> artifacts.Artifact:
    """Note the artifact on this machine, and fetch it unless it is here or was built where it will run."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    branch = shop.shell.ask('git -C "$1" config laravel-fab.branch || :', shop.work, what="git config").out.strip()
    if project.loaded().settings.build.place == "server" and not shop.local:
        made = artifacts.Artifact(path, digest, commit, branch, now, shop.shell.place, _manifest_there(shop, path, digest))
    elif shop.local:
        made = artifacts.Artifact(path, digest, commit, branch, now)
    else:
        file = artifacts.folder() / PurePosixPath(path).name
        transfer.fetch(shop.shell, path, file)
        if manifest.digest(file) != digest:
            raise Failure(f"the artifact arrived damaged from {shop.shell.place}", "run the same command again")
        made = artifacts.Artifact(str(file), digest, commit, branch, now)
    artifacts.remember(made)
    artifacts.prune(project.loaded().settings.build.keep_artifacts)
    return made


def _manifest_there(shop: Workshop, path: str, digest: str) -> str:
    """A server that builds for itself says what is in its artifact; the text is kept here."""
    unpack = 'mkdir -p -- "$1"; rm -rf -- "$1/tree"; mkdir -- "$1/tree"; gzip -dc <"$2" | tar -xof - -C "$1/tree"'
    folder = f"{shop.base}/check"
    shop.shell.do(unpack, folder, path, what="unpack the artifact to list it")
    text = shop.shell.ask(
        php_script("engine/manifest.php"), *shlex.split(shop.php), "--", "print", f"{folder}/tree", what="list the artifact"
    ).out
    shop.shell.do('rm -rf -- "$1"', folder, what="remove the listing's tree")
    file = artifacts.folder() / f"{digest[:16]}.manifest"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    return str(file)
