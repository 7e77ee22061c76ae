"""A database server of the tests' own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from . import process

UTF8 = "--default-character-set=utf8mb4"


class Database:
    """A MariaDB server of its own, reached by its socket."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.socket = folder, Path(tempfile.mkdtemp(prefix="db")) / "s"
        as_root = [f"--datadir={folder / 'data'}", *([] if os.geteuid() else ["--user=root"])]
        install = [process.program("mariadb-install-db"), "--no-defaults", "--auth-root-authentication-method=normal", *as_root]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        binlog = ["--log-bin=binlog", "--log-bin-trust-function-creators=1"]  # as MySQL has it by itself
        server = [process.program("mariadbd"), "--no-defaults", *as_root, f"--socket={self.socket}", "--skip-networking", *binlog]
        self.process = process.spawn(server, folder / "log")
        process.ready(self.process, self.socket.exists, folder / "log", patience=60)

    def sql(self, text: str) -> None:
        subprocess.run(["mariadb", "--no-defaults", f"--socket={self.socket}", "-uroot", UTF8], input=text.encode(), check=True)

    def ask(self, text: str) -> list[str]:
        """The lines of the answer to a query."""
        words = ["mariadb", "--no-defaults", f"--socket={self.socket}", "-uroot", UTF8, "-N", "-B", "-e", text]
        return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()

    def session(self, text: str) -> subprocess.Popen[str]:
        """A connection that has run ``text`` and stays open until it is ended."""
        words = ["mariadb", "--no-defaults", f"--socket={self.socket}", "-uroot", UTF8, "-N", "-B", "-n"]
        opened = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert opened.stdin
        assert opened.stdout
        opened.stdin.write(f"{text}; SELECT 'ready';\n")
        opened.stdin.flush()
        while opened.stdout.readline() != "ready\n":
            pass
        return opened

    def stop(self) -> None:
        process.end(self.process)
