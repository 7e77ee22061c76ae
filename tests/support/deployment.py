"""A whole world to deploy in: an origin, a server with its web server, a builder if wanted, and a deploy.toml."""

from __future__ import annotations

import base64
import os
import re
import secrets
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import toml
from .fab import Result, run_fab, start_fab
from .git import Origin
from .load import Answer, Load, get
from .php_web import Web
from .sshd import Sshd

VERSION_FILE = "app/Version.php"
UNHURRIED = 0.05  # seconds between two requests of a visitor, where a test is about something else than speed
BUILDER = "builder"
CACHES = "FAB_TEST_CACHES"  # a folder for what npm and Composer download, if it is not to be below the home


class World:
    """``source`` is published in an origin, ``server`` is where it goes, ``web`` makes the web server for a document root.

    The clone holds a committed deploy.toml with one host, ``prod``; ``settings`` are merged into it, table by table.
    """

    def __init__(
        self,
        folder: Path,
        source: Path,
        server: Sshd,
        web: Callable[[Path, Path], Web],
        *,
        builder: Sshd | None = None,
        settings: Mapping[str, Any] | None = None,
        public: str = "current/public",
    ) -> None:
        self.folder, self.server, self.builder = folder, server, builder
        self.site, self.home = folder / "site", folder / "home"
        self.origin = Origin(folder, source)
        self.clone = self.origin.clone
        self._trust()
        self._prepare_site()
        self.web = web(self.site / public, folder)
        self._settings = toml.merge(self._defaults(), settings or {})
        self.configure({})

    def _trust(self) -> None:
        """Give the deploying person a home that knows the servers' host keys, and the builder by a short name."""
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        lines = [sshd.known_hosts_line() for sshd in (self.server, self.builder) if sshd]
        (self.home / ".ssh" / "known_hosts").write_text("".join(lines))
        if self.builder:
            (self.home / ".ssh" / "config").write_text(ssh_alias(BUILDER, self.builder))

    def _prepare_site(self) -> None:
        """Do what a person does once by hand: the .env with its secrets, an empty database."""
        self.database = self.site / "shared/storage/app/database.sqlite"
        self.database.parent.mkdir(parents=True)
        self.database.touch()
        self.env_file = self.site / "shared/.env"
        self.env_file.write_text(self._env())
        self.env_file.chmod(0o640)

    def _env(self) -> str:
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        return f"APP_NAME=Notes\nAPP_ENV=production\nAPP_KEY=base64:{key}\nDB_CONNECTION=sqlite\nDB_DATABASE={self.database}\n"

    def _defaults(self) -> dict[str, Any]:
        place = {"place": "builder", "builder": BUILDER, "fallback": False} if self.builder else {"place": "local"}
        prod = {**host(self.server), "path": str(self.site), "url": self.web.url, "health_path": "/health"}
        project = {"name": "notes", "type": "laravel-with-js", "repository": str(self.origin.bare), "branch": "main"}
        hosts = {"prod": prod, **({BUILDER: {"address": BUILDER}} if self.builder else {})}
        return {"default_host": "prod", "project": project, "build": {**place, "path": str(self.folder / "build")}, "hosts": hosts}

    def configure(self, settings: Mapping[str, Any]) -> str:
        """Merge settings into deploy.toml and publish it."""
        self._settings = toml.merge(self._settings, settings)
        return self.commit({"deploy.toml": toml.dumps(self._settings)})

    def commit(self, changes: Mapping[str, str | bytes | None], message: str = "change") -> str:
        """Write, commit and push files; return the commit's id."""
        return self.origin.publish(changes, message)

    def commit_version(self, number: str) -> str:
        """Publish a version that ``/release`` shows."""
        text = (self.clone / VERSION_FILE).read_text()
        return self.commit({VERSION_FILE: re.sub(r"NUMBER = '.*?'", f"NUMBER = '{number}'", text)}, f"version {number}")

    def fab(self, *args: str, timeout: float = 300, **env: str) -> Result:
        """Run ``fab`` in the clone."""
        return run_fab(args, self.clone, self._environment(env), timeout)

    def start_fab(self, *args: str, **env: str) -> subprocess.Popen[str]:
        """Start ``fab`` in the clone, to be watched or killed."""
        return start_fab(args, self.clone, self._environment(env))

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        return {"HOME": str(self.home), **caches(), **env}

    def deploy(self, *args: str) -> Result:
        """Run ``fab deploy --host=prod``."""
        return self.fab("deploy", "--host=prod", *args)

    def rollback(self, *args: str) -> Result:
        """Run ``fab rollback --host=prod``."""
        return self.fab("rollback", "--host=prod", *args)

    def current(self) -> str | None:
        """Return the release that ``current`` points to, None before the first."""
        link = self.site / "current"
        return link.readlink().name if link.is_symlink() else None

    def releases(self) -> list[str]:
        """Return the ids of the releases on the server, oldest first."""
        folder = self.site / "releases"
        return sorted(path.name for path in folder.glob("[0-9]*")) if folder.is_dir() else []

    def artisan(self, *args: str) -> str:
        """Run artisan in the current release, as somebody on the server would; raise CalledProcessError when it fails."""
        command = ["php", "artisan", *args]
        return subprocess.run(command, cwd=self.site / "current", check=True, text=True, stdout=subprocess.PIPE).stdout

    def get(self, path: str = "/release") -> Answer:
        """Ask the web server for a page."""
        return get(self.web.url + path)

    def load(self, path: str = "/release", **options: Any) -> Load:
        """Return visitors of a page, to be used with ``with``."""
        return Load(self.web.url + path, **options)


def host(server: Sshd) -> dict[str, Any]:
    """Return the keys of a [hosts.NAME] that say how to log in."""
    return {"address": "127.0.0.1", "port": server.port, "user": server.user, "key": str(server.key)}


def ssh_alias(name: str, server: Sshd) -> str:
    """Return an entry of ssh_config."""
    return f"Host {name}\n  HostName 127.0.0.1\n  Port {server.port}\n  User {server.user}\n  IdentityFile {server.key}\n"


def caches() -> dict[str, str]:
    """Return where npm and Composer keep downloads, so that worlds need not fetch them again."""
    folder = Path(os.environ.get(CACHES) or Path.home() / ".cache")
    return {"npm_config_cache": str(folder / "npm"), "COMPOSER_CACHE_DIR": str(folder / "composer")}
