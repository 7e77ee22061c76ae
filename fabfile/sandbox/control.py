"""Start, find and stop the serving process."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from ..engine.errors import Failure
from .locks import held, is_held
from .state import MARKER, Places, Sandbox, places

BANNER = "laravel-fab-sandbox"
START_SECONDS = 60
# Runs module argv[3] with an empty package argv[1] of folder argv[2] above it: the real one would load every task and the team's own.
BARE = """\
import runpy, sys, types
package = types.ModuleType(sys.argv[1])
package.__path__ = [sys.argv[2]]
sys.modules[sys.argv[1]] = package
runpy.run_module(sys.argv[3], run_name="__main__")
"""


def ensure() -> Sandbox:
    """Return the running sandbox; start it if there is none or the one there does not answer.

    Raises Failure with the reason, e.g. that there is no PHP on this machine.
    """
    here = places().create()
    with held(here.root / "start.lock"):
        found = _alive(here)
        if found is None:
            _end(here)
            found = _start(here)
    return found


def status() -> Sandbox | None:
    """The running sandbox, or None."""
    return _alive(places())


def stop() -> bool:
    """End the serving process and its web server; return whether there was one."""
    return _end(places())


def reset() -> Path:
    """Empty the site's folder and return it; raise Failure if it lacks the marker that says that it is the sandbox's."""
    site = places().site
    if not (site / MARKER).is_file():
        raise Failure(f"{site} has no file {MARKER}: it may not be the sandbox's, so nothing was deleted.")
    for entry in site.iterdir():
        if entry.name == MARKER:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    return site


def _alive(here: Places) -> Sandbox | None:
    """The sandbox if its process lives and both its servers answer."""
    found = here.load()
    if found is None or not is_held(here.root / "serve.lock"):
        return None
    web = urlsplit(found.url).port or 0
    return found if BANNER in _greeting(found.port) and _accepts(web) else None


def _greeting(port: int) -> str:
    """The first line that an SSH server says; empty if nobody does."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
            return connection.makefile("r", errors="replace").readline()
    except OSError:
        return ""


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=3).close()
    except OSError:
        return False
    return True


def _start(here: Places) -> Sandbox:
    """Run the serving process. It puts itself into the background and says "ready", or why not, on its standard output."""
    package = __package__ or ""
    top, folder = package.partition(".")[0], Path(__file__).parents[package.count(".")]
    command = [sys.executable, "-c", BARE, top, str(folder), f"{package}.serve", str(here.root)]
    with here.log.open("ab") as log:
        try:
            process = subprocess.run(
                command, cwd=here.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, timeout=START_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as late:
            raise Failure(f"The sandbox did not start within {START_SECONDS} seconds.", f"Its log is {here.log}") from late
    found = _alive(here)
    if found is None:
        reason = process.stdout.decode(errors="replace").strip() or "no reason given"
        raise Failure(f"The sandbox did not start: {reason}", f"Its log is {here.log}")
    return found


def _end(here: Places) -> bool:
    """Ask the serving process to end, then insist; the lock says that the pid in the state is still it."""
    lock, found = here.root / "serve.lock", here.load()
    if found is None or not is_held(lock):
        return False
    for request in (signal.SIGTERM, signal.SIGKILL):
        os.kill(found.pid, request)
        if _ends(lock):
            break
    return True


def _ends(lock: Path) -> bool:
    """Whether the lock becomes free within a few seconds."""
    deadline = time.monotonic() + 5
    while is_held(lock) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_held(lock)
