"""Real web servers for a document root: PHP's own, or nginx with PHP-FPM; on loopback, as the current user."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Protocol

from . import process

HERE = Path(__file__).parent


class Web(Protocol):
    """What tests know of a web server."""

    url: str
    port: int

    def stop(self) -> None: ...


class PhpServer:
    """``php -S`` with four workers; ``docroot`` may be a link, or not there yet (503)."""

    def __init__(self, docroot: Path, folder: Path) -> None:
        self.log = folder / "php-server.log"
        env = {"DOCUMENT_ROOT_LINK": str(docroot), "PHP_CLI_SERVER_WORKERS": "4"}
        php = [process.program("php"), "-d", "display_errors=0", "-S"]
        self.port, self._process = process.on_free_port(
            lambda port: process.spawn([*php, f"127.0.0.1:{port}", HERE / "router.php"], self.log, env), self.log
        )
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End the server with its workers."""
        process.end(self._process, signal.SIGINT)  # the one signal on which PHP waits for its workers


class NginxFpm:
    """nginx and PHP-FPM with OPcache on.

    ``realpath`` is what Laravel's documentation recommends ($realpath_root); without it, and with
    ``validate_timestamps`` off, PHP-FPM goes on running old code after a switch. A reload gives running requests
    ``control_timeout`` seconds to end; 0 is PHP-FPM's own default and cuts them off.
    ``pool`` is more of the pool's configuration; ``scripts`` are the paths that PHP is handed.
    """

    def __init__(
        self,
        docroot: Path,
        folder: Path,
        realpath: bool = True,
        validate_timestamps: bool = True,
        control_timeout: int = 0,
        pool: str = "",
        scripts: str = r"\.php$",
    ) -> None:
        self.scripts = scripts
        self.folder, self.log = folder, folder / "web.log"
        self._short = Path(tempfile.mkdtemp(prefix="fpm"))  # a socket's path may have 107 characters only
        self.socket = self._short / "socket"
        self._fpm = self._start_fpm(validate_timestamps, control_timeout, pool)
        root = "$realpath_root" if realpath else "$document_root"
        self.port, self._nginx = process.on_free_port(lambda port: self._start_nginx(docroot, root, port), self.log)
        self.url = f"http://127.0.0.1:{self.port}"

    def _start_fpm(self, validate_timestamps: bool, control_timeout: int, pool: str) -> subprocess.Popen[bytes]:
        config = self.folder / "fpm.conf"
        config.write_text(fpm_config(self.socket, self.folder / "fpm.log", validate_timestamps, control_timeout) + pool)
        as_root = ["-R"] if os.geteuid() == 0 else []
        fpm = process.spawn([fpm_program(), "-F", *as_root, "-y", config], self.log)
        if not process.ready(fpm, self.socket.exists, self.log):
            raise RuntimeError(f"PHP-FPM does not start:\n{self.log.read_text()[-2000:]}")
        return fpm

    def _start_nginx(self, docroot: Path, root: str, port: int) -> subprocess.Popen[bytes]:
        values = {"folder": self.folder, "port": port, "docroot": docroot, "socket": self.socket, "root": root, "scripts": self.scripts}
        text = (HERE / "nginx.conf.in").read_text().replace("@user@", "user root;" if os.geteuid() == 0 else "")
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        config = self.folder / "nginx.conf"
        config.write_text(text)
        return process.spawn([process.program("nginx"), "-e", self.folder / "nginx.log", "-c", config], self.log)

    @property
    def fpm(self) -> int:
        """The process id of PHP-FPM's master."""
        return self._fpm.pid

    def reload_fpm(self) -> None:
        """Do what ``systemctl reload php-fpm`` does: new workers, an empty OPcache."""
        os.kill(self._fpm.pid, signal.SIGUSR2)

    def stop(self) -> None:
        """End both servers."""
        process.end(self._nginx)
        process.end(self._fpm)
        shutil.rmtree(self._short, ignore_errors=True)


def fpm_program() -> str:
    """Return the newest php-fpm; raise FileNotFoundError when there is none."""
    return process.program("php-fpm", *(f"php-fpm8.{minor}" for minor in range(5, -1, -1)))


def fpm_config(socket: Path, log: Path, validate_timestamps: bool, control_timeout: int = 0) -> str:
    """Return a pool of four workers of this user."""
    owner = "user = root\ngroup = root\n" if os.geteuid() == 0 else ""
    return f"""\
[global]
error_log = {log}
process_control_timeout = {control_timeout}
[www]
{owner}listen = {socket}
pm = static
pm.max_children = 4
php_admin_value[opcache.enable] = 1
php_admin_value[opcache.validate_timestamps] = {int(validate_timestamps)}
php_admin_value[opcache.revalidate_freq] = 0
php_admin_value[display_errors] = 0
php_admin_value[error_log] = {log.with_name("php-errors.log")}
"""
