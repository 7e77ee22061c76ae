"""The settings as types: every key of deploy.toml, its default, and what it may hold.

``deploy.toml`` in the project's root is the same thing for people; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

BuildPlace = Literal["local", "builder", "server"]
BackupWhen = Literal["pending", "always", "never"]
OnError = Literal["fail", "warn"]


@dataclass(frozen=True)
class Project:
    """[project]: the application and where its source is."""

    name: str = ""
    type: Literal["laravel", "laravel-with-js"] = "laravel"
    has_frontend: bool | None = None
    path: str = "."
    repository: str = ""
    branch: str = "main"
    commit: str = ""
    commit_start: str = ""


@dataclass(frozen=True)
class Versions:
    """[versions]: what build and servers must have; an empty text means: not checked."""

    php: str = ""
    composer: str = "2"
    node: str = ""
    npm: str = ""


@dataclass(frozen=True)
class Build:
    """[build]: how the artifact is made, and where."""

    place: BuildPlace = "local"
    strategy: Literal["", "local", "builder", "server", "deployHQ", "github-actions"] = ""
    builder: str = ""
    fallback: bool = True
    path: str = ""
    php: str = "php"
    composer: str = "composer"
    composer_options: tuple[str, ...] = ()
    dev: Literal["auto", "always", "never"] = "auto"
    classmap_authoritative: bool = False
    package_manager: Literal["auto", "npm", "pnpm", "yarn", "none"] = "auto"
    script: str = "auto"
    keep_node_modules: bool = False
    cache: bool = True
    ignore: tuple[str, ...] = ()
    required: tuple[str, ...] = ("artisan", "bootstrap/app.php", "vendor/autoload.php", "public/index.php")
    timeout: int = 1800
    keep_artifacts: int = 5


@dataclass(frozen=True)
class PublicHtml:
    """[hosts.NAME.public_html]: for hosts whose document root cannot be changed."""

    mode: Literal["none", "symlink", "bridge"] = "none"
    path: str = ""


@dataclass(frozen=True)
class Host:
    """[hosts.NAME] and [defaults]: one environment."""

    address: str = ""
    user: str = ""
    port: int = 0
    key: str = ""
    gateway: str = ""
    known_hosts: str = ""
    path: str = ""
    url: str = ""
    branch: str = ""
    php: str = "php"
    composer: str = "composer"
    public_html: PublicHtml = field(default_factory=PublicHtml)
    env_file: str = ""
    env_mode: Literal["0600", "0640"] = "0640"
    web_group: str = ""
    keep_releases: int = 5
    keep_assets: int = 3
    asset_folders: tuple[str, ...] = ("public/build",)
    keep_backups: int = 5
    backup_days: int = 30
    shared_folders: tuple[str, ...] = (
        "storage/app",
        "storage/logs",
        "storage/framework/cache",
        "storage/framework/sessions",
    )
    shared_files: tuple[str, ...] = (".env",)
    writable: tuple[str, ...] = ("bootstrap/cache", "storage")
    storage_link: bool = True
    disk_limit: int = 90
    backup: BackupWhen = "pending"
    maintenance: bool = False
    migrate: bool = True
    allow_destructive: bool = False
    caches: tuple[str, ...] = ("config", "route", "view", "event")
    health_path: str = ""
    warm_paths: tuple[str, ...] = ()
    health_timeout: int = 30
    health_tries: int = 3
    health_successes: int = 2
    health_release: bool = True
    resolve: str = ""
    fpm_socket: str = ""
    opcache: Literal["auto", "none", "fpm", "web", "command"] = "auto"
    opcache_command: str = ""
    workers: tuple[str, ...] = ("auto",)
    supervisor: tuple[str, ...] = ()
    supervisorctl: str = "supervisorctl"
    drain_timeout: int = 60
    command_timeout: int = 600
    connect_timeout: int = 10
    deadline: int = 60
    lock_wait: int = 0


@dataclass(frozen=True)
class Hook:
    """One entry of a list in [hooks]: a task, or a command and where it runs."""

    task: str = ""
    command: str = ""
    place: Literal["local", "builder", "server"] = "server"
    timeout: int = 300
    on_error: OnError = "fail"


@dataclass(frozen=True)
class Hooks:
    """[hooks]: what runs at each point; "..." stands for the steps that are there anyway."""

    before_build: tuple[Hook, ...] = ()
    after_build: tuple[Hook, ...] = ()
    pre_release: tuple[Hook, ...] = ()
    mid_release: tuple[Hook, ...] = ()
    post_release: tuple[Hook, ...] = ()
    on_failure: tuple[Hook, ...] = ()
    on_rollback: tuple[Hook, ...] = ()


@dataclass(frozen=True)
class Notify:
    """[notify]: who is told; problems here never fail a deployment."""

    slack: str = ""
    webhook: str = ""
    events: tuple[Literal["success", "failure", "rollback"], ...] = ("success", "failure", "rollback")
    timeout: int = 5


@dataclass(frozen=True)
class Settings:
    """All of deploy.toml."""

    project: Project = field(default_factory=Project)
    versions: Versions = field(default_factory=Versions)
    build: Build = field(default_factory=Build)
    hosts: Mapping[str, Host] = field(default_factory=dict)
    hooks: Hooks = field(default_factory=Hooks)
    notify: Notify = field(default_factory=Notify)
    default_host: str = ""
    modules: tuple[str, ...] = ()

    @property
    def front_end(self) -> bool:
        """Whether a front end is built where there is a package.json."""
        return self.project.has_frontend is not False and self.build.package_manager != "none"
