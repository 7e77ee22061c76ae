"""A supervisor of the tests' own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from . import process

CONFIG = """
[unix_http_server]
file={folder}/socket
[supervisord]
nodaemon=true
logfile={log}
pidfile={folder}/pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{folder}/socket
"""


class Supervisor:
    """Runs ``programs``, each given by the lines of its section besides the log."""

    def __init__(self, folder: Path, programs: Mapping[str, str]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="sup"))  # a socket's path may have 107 characters only
        self.config = self._folder / "config"
        text = CONFIG.format(folder=self._folder, log=folder / "supervisor.log")
        for name, lines in programs.items():
            text += f"[program:{name}]\nredirect_stderr=true\nstdout_logfile={folder}/{name}.log\nstartsecs=0\n{lines}\n"
        self.config.write_text(text)
        self._process = process.spawn([process.program("supervisord"), "-c", self.config], folder / "supervisord.out")
        process.ready(self._process, (self._folder / "socket").exists, folder / "supervisord.out")

    @property
    def ctl(self) -> str:
        """How supervisorctl is called."""
        return f"supervisorctl -c {self.config}"

    def pid(self, name: str) -> int:
        """The process of a program; 0 where it does not run."""
        said = self.ask("pid", name).strip()
        return int(said) if said.isdigit() else 0

    def ask(self, *words: str) -> str:
        """What supervisorctl says."""
        return subprocess.run([*self.ctl.split(), *words], check=False, text=True, stdout=subprocess.PIPE).stdout

    def stop(self) -> None:
        """It ends its programs first."""
        process.end(self._process)
        shutil.rmtree(self._folder)
