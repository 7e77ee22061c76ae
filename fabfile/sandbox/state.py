"""Where the sandbox keeps its things, and how one process tells the next about it."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import stat
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from ..engine.errors import Failure

MARKER = ".laravel-fab-sandbox"


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: what a connection needs, the site's root and url, and the serving process."""

    address: str
    port: int
    user: str
    key: str
    known_hosts: str
    path: str
    url: str
    pid: int
    php: str


@dataclass(frozen=True)
class Places:
    """The files and folders below ``root``; the folder is for its owner only because a private key lives in it."""

    root: Path

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def log(self) -> Path:
        return self.root / "sandbox.log"

    @property
    def web_log(self) -> Path:
        return self.root / "web.log"

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def site(self) -> Path:
        return self.root / "srv" / "sample"

    def create(self) -> Places:
        """Make all folders; raise Failure if ``root`` belongs to somebody else, since the name in the temp folder can be guessed."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.root.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise Failure(f"{self.root} is not a private folder of {user()}.", "Set FAB_SANDBOX_DIR to another one.")
        for folder in (self.bin, self.home, self.keys, self.site):
            folder.mkdir(parents=True, exist_ok=True)
        (self.site / MARKER).touch()
        return self

    def load(self) -> Sandbox | None:
        """What the last serving process wrote about itself, or None."""
        try:
            return Sandbox(**json.loads(self.state.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def save(self, sandbox: Sandbox) -> None:
        """Replace the state in one step, so that no reader meets half of it."""
        new = self.state.with_suffix(".new")
        new.write_text(json.dumps(asdict(sandbox), indent=2) + "\n")
        new.replace(self.state)


def places() -> Places:
    """The sandbox's folder: ``FAB_SANDBOX_DIR``, else one per user and project in the system's temp folder."""
    chosen = os.environ.get("FAB_SANDBOX_DIR") or f"{tempfile.gettempdir()}/laravel-fab-sandbox-{os.getuid()}-{_project()}"
    return Places(Path(chosen).absolute())


def _project() -> str:
    """The application's folder as a short name: two of them must not deploy over each other."""
    from ..engine import project  # the serving process knows nothing of projects

    project.insist()
    return hashlib.sha256(os.fsencode(project.folder())).hexdigest()[:12]


def user() -> str:
    """The name of the user this process runs as; a container may have none for the number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
