"""What kind of application a folder holds: what ``fab local.init`` writes into a first deploy.toml."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from . import envparse, frontend, gitfiles, jsontext
from .lockfile import Lock, framework_version, parse_lock
from .sources import read

ADDONS = {
    "horizon": "laravel/horizon",
    "octane": "laravel/octane",
    "reverb": "laravel/reverb",
    "pulse": "laravel/pulse",
    "telescope": "laravel/telescope",
    "inertia": "inertiajs/inertia-laravel",
    "livewire": "livewire/livewire",
    "passport": "laravel/passport",
}
SHARED = ("storage/app", "storage/logs", "storage/framework/cache", "storage/framework/sessions")
UPLOADS = ("public/uploads", "public/user-content", "public/media", "public/files", "public/avatars")
CONNECTIONS = ("DB_CONNECTION", "CACHE_STORE", "CACHE_DRIVER", "SESSION_DRIVER", "QUEUE_CONNECTION")


@dataclass(frozen=True)
class Application:
    """What was found; an empty text means: not there, or not known. ``stores`` are the drivers that .env.example names."""

    laravel: bool
    name: str = ""
    framework: str = ""
    php: str = ""
    has_frontend: bool = False
    bundler: Literal["", "vite", "mix"] = ""
    ssr: bool = False
    package_managers: tuple[str, ...] = ()
    addons: tuple[str, ...] = ()
    stores: tuple[tuple[str, str], ...] = ()
    repository: str = ""
    branch: str = ""
    health_path: str = ""
    shared_folders: tuple[str, ...] = SHARED


def detect(project: Path) -> Application:
    """The application in the folder ``project``; ``laravel`` is False when it has no artisan and composer.json. Raises Failure."""
    if not (project / "artisan").is_file() or not (project / "composer.json").is_file():
        return Application(laravel=False)
    composer = jsontext.parse(read(project / "composer.json"), "composer.json")
    lock = parse_lock(_text(project, "composer.lock") or "{}")
    wanted = {**jsontext.mapping(composer.get("require")), **jsontext.mapping(composer.get("require-dev"))}
    package = _text(project, "package.json")
    config, head = git_texts(project)
    return Application(
        laravel=True,
        name=_name(str(composer.get("name", "")), project),
        framework=framework_version(lock),
        php=str(jsontext.mapping(composer.get("require")).get("php", "")),
        has_frontend=bool(package) and bool(frontend.build_script(package)),
        bundler=bundler(project, package),
        ssr=bool(re.search(r"--ssr\b|build:ssr", package)),
        package_managers=tuple(dict.fromkeys(tool for name, tool in frontend.LOCK_FILES.items() if (project / name).is_file())),
        addons=addons(lock, wanted),
        stores=stores(_text(project, ".env.example")),
        repository=gitfiles.origin_url(config),
        branch=gitfiles.branch(head),
        health_path=health_path(_text(project, "bootstrap/app.php")),
        shared_folders=shared_folders(project, _text(project, ".gitignore")),
    )


def _text(project: Path, name: str) -> str:
    return read(project / name) if (project / name).is_file() else ""


def _name(package: str, project: Path) -> str:
    """The name after the slash, unless it is the one every new application begins with."""
    own = "" if package in ("laravel/laravel", "laravel/lumen") else package.rpartition("/")[2]
    return own or project.resolve().name


def bundler(project: Path, package_json: str) -> Literal["", "vite", "mix"]:
    """By the configuration file, or by what package.json asks for."""
    if any(project.glob("vite.config.*")) or '"laravel-vite-plugin"' in package_json:
        return "vite"
    return "mix" if any(project.glob("webpack.mix.*")) or '"laravel-mix"' in package_json else ""


def addons(lock: Lock, wanted: Iterable[str]) -> tuple[str, ...]:
    """Which packages are there that have to be restarted, or watched, after a switch."""
    names = {package.name for package in lock.production} | set(wanted)
    return tuple(short for short, name in ADDONS.items() if name in names)


def stores(env_example: str) -> tuple[tuple[str, str], ...]:
    """Where .env.example puts data, cache, sessions and jobs, as pairs of name and driver."""
    found = envparse.values(env_example)
    return tuple((name, found[name]) for name in CONNECTIONS if found.get(name))


def health_path(bootstrap: str) -> str:
    """The ``health: '/up'`` of bootstrap/app.php (Laravel 11 and later); "" when it has none."""
    code = re.sub(r"/\*.*?\*/|^\s*(?://|#).*?$", "", bootstrap, flags=re.DOTALL | re.MULTILINE)
    match = re.search(r"\bhealth:\s*['\"]([^'\"]+)['\"]", code)
    return f"/{match[1].lstrip('/')}" if match else ""


def shared_folders(project: Path, gitignore: str) -> tuple[str, ...]:
    """What should outlive releases: Laravel's own, and folders for uploads that are there or that git is told to ignore."""
    ignored = {line.strip().strip("/*") for line in gitignore.splitlines()}
    return SHARED + tuple(folder for folder in UPLOADS if folder in ignored or (project / folder).is_dir())


def git_texts(project: Path) -> tuple[str, str]:
    """The texts of .git/config and .git/HEAD; empty ones where there is no repository, or a worktree whose .git is a file."""
    return _text(project, ".git/config"), _text(project, ".git/HEAD")
