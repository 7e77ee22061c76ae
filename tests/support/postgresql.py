"""A PostgreSQL server of the tests' own; it refuses to run as root, so then it runs as nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import process

SUPER = {"PGPASSWORD": "super", "PGUSER": "postgres"}


def programs() -> Path | None:
    """Where Debian keeps the server's programs, the newest version's."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)


class Postgres:
    """A server reached by its socket, with a password for everybody."""

    def __init__(self) -> None:
        self.folder, folder = Path(tempfile.mkdtemp(prefix="pg")), programs()
        assert folder
        (self.folder / "password").write_text("super")
        as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.getuid() == 0 else []
        if as_nobody:
            shutil.chown(self.folder, "nobody", "nogroup")
            shutil.chown(self.folder / "password", "nobody", "nogroup")
        data, login = self.folder / "data", ["--auth=scram-sha-256", f"--pwfile={self.folder / 'password'}", "--username=postgres"]
        make = [*as_nobody, str(folder / "initdb"), "--no-sync", "--encoding=UTF8", "--locale=C", *login, str(data)]
        subprocess.run(make, cwd="/", check=True, stdout=subprocess.DEVNULL)
        fast = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", f"unix_socket_directories={self.folder}"]
        self.process = process.spawn([*as_nobody, str(folder / "postgres"), "-D", str(data), *fast], self.folder / "log")
        process.ready(self.process, self._answers, self.folder / "log", patience=60)

    def _answers(self) -> bool:
        command = ["pg_isready", "-q", "-h", str(self.folder)]
        return subprocess.run(command, check=False).returncode == 0

    def ask(self, sql: str, database: str = "postgres", **login: str) -> list[str]:
        """Run ``sql``, as the superuser unless a login is given; the lines of the answer."""
        words = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-d", database, "-f", "-"]
        environment = {**os.environ, **SUPER, **login}
        done = subprocess.run(words, input=sql, check=True, text=True, stdout=subprocess.PIPE, env=environment)
        return done.stdout.splitlines()

    def stop(self) -> None:
        process.end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)
