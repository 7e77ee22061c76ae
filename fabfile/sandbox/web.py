"""The sandbox's web server: PHP's own, with a router that looks at ``current`` on each request."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

from ..engine.errors import Failure
from .state import Places

WORKERS = 4
# OPcache is on in this server where PHP has it. Nobody can reset it from outside, so it has to look at the files each time.
SETTINGS = ("-d", "opcache.revalidate_freq=0")


class Web:
    """PHP's web server with its workers, held by ``guard.sh``, which ends them all when our end of the pipe closes."""

    def __init__(self, here: Places, php: Path) -> None:
        self.port = _free_port()
        router = here.root / "router.php"
        router.write_bytes(_beside("router.php"))
        guard = here.root / "guard.sh"
        guard.write_bytes(_beside("guard.sh"))
        # The folder served is an empty one: only the router decides.
        own = ("-d", f"opcache.lockfile_path={here.root}")  # not everybody's /tmp
        command: list[str | Path] = ["/bin/sh", guard, php, *SETTINGS, *own, "-S", f"127.0.0.1:{self.port}", "-t", here.bin, router]
        with here.web_log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=here.home, start_new_session=True, env=_environment(here)
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_ready(self) -> None:
        """Return when it accepts connections; raise Failure if it ended instead or takes too long."""
        deadline = time.monotonic() + 20
        while self.process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise Failure("PHP's web server did not start.")

    def close(self) -> None:
        """End it and wait for it."""
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()


def _environment(here: Places) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "SANDBOX_SITE": str(here.site), "PHP_CLI_SERVER_WORKERS": str(WORKERS)}


def _beside(name: str) -> bytes:
    """A file of this package; it is copied, since the server must not change when the package does."""
    return Path(__file__).with_name(name).read_bytes()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
