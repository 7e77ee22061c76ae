"""From a finished build to one file, checked before it leaves."""

from __future__ import annotations

import functools
import shlex
import time
from dataclasses import replace
from pathlib import Path, PurePosixPath

from invoke.context import Context

from ..engine import artifacts, console, manifest, paths, project, state, transfer
from ..engine.errors import Failure
from ..engine.scripts import BARE
from ..engine.scripts import php as php_script
from ..engine.scripts import source as text_of
from ..engine.tasks import on_builder
from ..laravel import frontend, ignore
from . import looking
from .workshop import Workshop, no_build, workshop

MANIFESTS = {
    "public/build/manifest.json": "public/build",
    "public/build/.vite/manifest.json": "public/build",
    "public/mix-manifest.json": "public",
}


@on_builder(flow="2.4-optimize", done="Laravel optimizations complete: autoloader here, caches on the server, with its .env")
def optimize(c: Context) -> None:
    """Leave nothing of this machine's environment in the build."""
    shop = workshop(c)
    if not shop.shell.dry:
        looking.foresee_end(shop)
    shop.shell.act(looking.PLAIN, shop.work, what="remove this machine's caches")


@on_builder(flow="2.5-validate", done="Build validation passed")
def validate(c: Context) -> None:
    """Check that the build is whole and boots without any .env."""
    shop = workshop(c)
    if shop.shell.dry:
        return
    entries = looking.entries(shop)
    if not entries:
        raise no_build(f"nothing is built in {shop.work}")
    if missing := [path for path in project.loaded().settings.build.required if path not in entries]:
        raise Failure(f"the build lacks {', '.join(missing)}", "see build.required in deploy.toml")
    _chosen(shop)  # while it boots
    answer = shop.shell.ask(looking.BOOTS, *looking.boots(shop), check=False, what="php artisan --version")
    _check_assets(shop, entries)
    if answer.code:
        raise Failure(
            f"the build does not boot without .env: {(answer.out + answer.err).strip()[-1200:]}",
            "run php artisan --version in a clean clone",
        )
    console.done(f"Build validation passed: {len(entries)} entries, {answer.out.strip() or 'no PHP here to boot it with'}")


def _check_assets(shop: Workshop, entries: set[str]) -> None:
    for path, root in MANIFESTS.items():
        if path in entries and (lost := frontend.missing_assets(looking.read(shop, path), _below(root, entries))):
            raise Failure(f"{path} names files that were not built: {', '.join(lost[:5])}", "fab builder.assets")


def _below(root: str, entries: set[str]) -> list[str]:
    return [entry.removeprefix(f"{root}/") for entry in entries if entry.startswith(f"{root}/")]


@on_builder(flow="3.1-package")
def package(c: Context) -> artifacts.Artifact:
    """Make what ships one artifact, with the SHA-256 of everything in it."""
    shop = workshop(c)
    commit, made_at, branch = looking.about(shop)
    if shop.shell.dry:
        return artifacts.Artifact("", "0" * 64, commit)
    if not commit:
        raise no_build(f"nothing is built in {shop.work}")
    names, left_out = _selected(shop)
    now = time.gmtime()
    path = f"{shop.artifacts}/{commit[:12]}-{time.strftime('%Y%m%d%H%M%S', now)}"
    made = _collected(c, shop, path, names, made_at) if shop.place == "server" else _packed(shop, path, names, made_at)
    made = replace(made, commit=commit, branch=branch, created=time.strftime("%Y-%m-%dT%H:%M:%SZ", now), source=artifacts.source_id())
    artifacts.remember(made)
    artifacts.prune(project.loaded().settings.build.keep_artifacts)
    console.done(
        f"Deployment package created: {Path(made.path).name}, {len(names)} entries ({left_out} left out), sha256 {made.digest[:12]}"
    )
    return made


def _selected(shop: Workshop) -> tuple[list[str], int]:
    """What ships, sorted, folders included; and how many entries do not."""
    if odd := [entry for entry in looking.entries(shop) if paths.CONTROL.search(entry)]:
        raise Failure(f"file names with control characters cannot be deployed: {odd[:3]!r}", "rename them")
    chosen = _chosen(shop)
    for rule in chosen.overridden:
        console.say(f"   .deployignore:{rule.line}: {rule.rule!r} would have left out {rule.count} built files ({rule.example}); they ship")
    parents = {parent for path in chosen.shipped for parent in paths.above(path)}
    return sorted({*chosen.shipped, *parents}), len(chosen.left_out)


def _chosen(shop: Workshop) -> ignore.Selection:
    """Which files ship, by .deployignore and the settings."""
    entries, build = looking.entries(shop), project.loaded().settings.build
    rules = looking.read(shop, looking.IGNORE) + "\n" + "\n".join(build.ignore)
    files, built = frozenset(entries - looking.folders(shop)), tuple(_built(shop, entries))
    return _select(files, rules, built, build.keep_node_modules)


@functools.lru_cache(maxsize=1)
def _select(files: frozenset[str], rules: str, built: tuple[str, ...], keep_node_modules: bool) -> ignore.Selection:
    return ignore.select(sorted(files), rules, built, keep_node_modules)


def _built(shop: Workshop, entries: set[str]) -> list[str]:
    """The files that the build's asset manifests name."""
    found = [(root, frontend.built_files(looking.read(shop, path))) for path, root in MANIFESTS.items() if path in entries]
    return [f"{root}/{name}" for root, names in found for name in names]


def _packed(shop: Workshop, path: str, names: list[str], made_at: int) -> artifacts.Artifact:
    """A tar.gz, brought to this machine if it is not here."""
    limit, values = project.loaded().settings.build.timeout, (shop.work, path, made_at, "\n".join(names))
    digest = shop.shell.ask(text_of("builder/package.sh"), *values, timeout=limit, what="pack the artifact").out.strip()
    path = f"{path}.tar.gz"
    if shop.local:
        return artifacts.Artifact(path, digest)
    file = artifacts.folder() / PurePosixPath(path).name
    transfer.fetch(shop.shell, path, file)
    if manifest.digest(file) != digest:
        raise Failure(f"the artifact arrived damaged from {shop.shell.place}", "run the same command again")
    return artifacts.Artifact(str(file), digest)


def _collected(c: Context, shop: Workshop, path: str, names: list[str], made_at: int) -> artifacts.Artifact:
    """Where it was built is where it will run: a folder that ships as it is, and the list of what is in it, which holds for what is only
    renamed."""
    host = project.host(c)
    state.foresee(host)
    left = _outermost(looking.entries(shop), names)
    listed = (path, f"{path}.manifest", made_at, f"{shop.cache}/vendor.seen", host.site.releases)
    shop.shell.do(text_of("builder/collect.sh"), shop.work, path, "\n".join(left), what="collect what ships")
    command = (*shlex.split(shop.php), *BARE, "--", *listed)
    digest, entries, size = shop.shell.ask(php_script("builder/collect.php"), *command, what="list the artifact").out.split()
    if size == "0":
        artifacts.listed.add(path)
    return artifacts.Artifact(path, digest, place=shop.shell.place, entries=int(entries), size=int(size))


def _outermost(entries: set[str], names: list[str]) -> list[str]:
    """Of the entries that do not ship those in no other one: with them everything goes."""
    shipped = {*names, "."}
    return sorted(entry for entry in entries if entry not in shipped and str(PurePosixPath(entry).parent) in shipped)
