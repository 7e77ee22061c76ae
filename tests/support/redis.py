"""A Redis server of the tests' own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from . import process


class Redis:
    """Reached by its socket alone; keeps nothing on the disk."""

    def __init__(self, log: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="redis"))  # a socket's path may have 107 characters only
        self.socket = self._folder / "socket"
        command = [process.program("redis-server"), "--port", "0", "--unixsocket", self.socket, "--save", "", "--dir", self._folder]
        self._process = process.spawn(command, log)
        process.ready(self._process, self.socket.exists, log)

    def ask(self, *words: str) -> str:
        """What redis-cli says."""
        command = ["redis-cli", "-s", str(self.socket), *words]
        return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()

    def stop(self) -> None:
        process.end(self._process)
        shutil.rmtree(self._folder)
