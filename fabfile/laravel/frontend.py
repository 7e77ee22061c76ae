"""npm, pnpm, yarn and bun: which one a project uses, how it installs and builds, and whether everything was built."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from ..engine.errors import Failure, SettingsError
from . import jsontext

Manager = Literal["npm", "pnpm", "yarn", "yarn-berry", "bun"]

LOCK_FILES: dict[str, Manager] = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
# what an install is told by besides
INPUTS = ("package.json", ".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml", ".pnpmfile.cjs", "bunfig.toml")
LIFECYCLE = {"preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"}  # docs.npmjs.com: npm ci
HOOKS = re.compile(r"husky( install)?( \|\| (true|:|exit 0))?")  # of git, which a build has no need of
FOLDER = re.compile(r'"(?:file|link|portal|workspace|patch):')  # a package that is a folder of the project, or is patched with a file of it
# with NODE_ENV=production the first three leave out devDependencies, where Vite and Mix are
INSTALL: dict[Manager, tuple[str, ...]] = {
    "npm": ("npm", "ci", "--include=dev"),
    "pnpm": ("pnpm", "install", "--frozen-lockfile", "--prod=false"),
    "yarn": ("yarn", "install", "--frozen-lockfile", "--production=false"),
    "yarn-berry": ("yarn", "install", "--immutable"),
    "bun": ("bun", "install", "--frozen-lockfile"),
}
NO_LOCK = "npm install, then commit package-lock.json; or set project.has_frontend = false where nothing is built of it"
# only for an artifact that keeps node_modules, which is server-side rendering
PRUNE: dict[Manager, tuple[str, ...]] = {
    "npm": ("npm", "prune", "--omit=dev"),
    "pnpm": ("pnpm", "prune", "--prod"),
    "yarn": ("yarn", "install", "--frozen-lockfile", "--production", "--ignore-scripts"),
    "yarn-berry": ("yarn", "workspaces", "focus", "--all", "--production"),
    "bun": ("bun", "install", "--frozen-lockfile", "--production"),
}


def package_manager(files: Iterable[str], package_json: str = "{}", yarn_lock: str = "") -> Manager:
    """The manager whose lock file is among ``files``; of several the one that package.json names as ``packageManager``.

    ``yarn_lock`` is the text of yarn.lock, which tells Yarn 1 from its successors. Raises SettingsError without a lock file, or when
    several lock files leave it open.
    """
    found = list(dict.fromkeys(LOCK_FILES[name] for name in sorted(files) if name in LOCK_FILES))
    named, _, version = str(jsontext.parse(package_json, "package.json").get("packageManager", "")).partition("@")
    if not found:
        raise SettingsError("package.json has no lock file beside it", NO_LOCK)
    chosen = next((name for name in found if name == named), found[0] if len(found) == 1 else None)
    if chosen is None:
        hint = "delete the lock files that are not used, or set build.package_manager in deploy.toml"
        raise SettingsError(f"there are lock files of {' and '.join(found)}", hint)
    berry = "__metadata:" in yarn_lock or (named == "yarn" and version[:1] not in ("", "1"))
    return "yarn-berry" if chosen == "yarn" and berry else chosen


def reusable(files: Iterable[str], package_json: str) -> bool:
    """Whether node_modules holds all that an install does, and that depends on the lock files and INPUTS only.

    Not with scripts of the project's own around it, which may write anything, nor where packages are patched or are folders of the project.
    """
    package, names = jsontext.parse(package_json, "package.json"), set(files)
    scripts = jsontext.mapping(package.get("scripts"))
    own = [name for name in LIFECYCLE & set(scripts) if not HOOKS.fullmatch(str(scripts[name]).strip())]
    more = own or "workspaces" in package or FOLDER.search(package_json) or {"patches", "binding.gyp"} & names
    return not more and not names.isdisjoint(LOCK_FILES)


def install_command(manager: Manager) -> tuple[str, ...]:
    """Installs exactly what the lock says, development packages included: the build needs them."""
    return INSTALL[manager]


def prune_command(manager: Manager) -> tuple[str, ...]:
    """Leaves in node_modules what runs in production."""
    return PRUNE[manager]


def build_command(manager: Manager, script: str) -> tuple[str, ...]:
    """Runs one script of package.json."""
    return (manager.partition("-")[0], "run", script)


def build_script(package_json: str, wanted: str = "auto") -> str:
    """``build`` (Vite), else ``production`` or ``prod`` (Mix), else "". Raises SettingsError when ``wanted`` is none of the scripts."""
    scripts = jsontext.mapping(jsontext.parse(package_json, "package.json").get("scripts"))
    if wanted != "auto":
        if wanted and wanted not in scripts:
            raise SettingsError(f"package.json has no script {wanted!r}", f"set build.script to one of: {', '.join(scripts) or '(none)'}")
        return wanted
    return next((name for name in ("build", "production", "prod") if name in scripts), "")


def built_files(manifest: str) -> tuple[str, ...]:
    """The files a Vite or Mix manifest names, relative to its own folder (Vite: public/build, Mix: public). Raises Failure."""
    entries = jsontext.parse(manifest, "the asset manifest").values()
    return tuple(dict.fromkeys(name for entry in entries for name in _names(entry)))


def _names(entry: Any) -> Iterator[str]:
    """Mix maps a path to ``/js/app.js?id=…``; Vite to an object with file, css and assets."""
    if isinstance(entry, str):
        yield entry.partition("?")[0].lstrip("/")
    elif isinstance(entry, dict):
        yield from (str(name) for name in [entry.get("file"), *(entry.get("css") or []), *(entry.get("assets") or [])] if name)


def missing_assets(manifest: str, existing: Iterable[str]) -> tuple[str, ...]:
    """Files of the manifest that are not among ``existing`` (relative to the manifest's folder): pages would ask for them in vain."""
    there = {path.removeprefix("./") for path in existing}
    return tuple(name for name in built_files(manifest) if name not in there)


def version(output: str) -> str:
    """The version in the output of ``node --version``, ``npm --version`` and their like. Raises Failure when there is none."""
    match = re.search(r"\d+\.\d+\.\d+(?:-[\w.]+)?", output)
    if not match:
        raise Failure(f"no version in {output.strip()[:80]!r}", "run the command by hand and see what it says")
    return match[0]
