"""The serving process, which ``control`` starts. It goes into the background and says "ready" once it serves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import asyncssh

from ..engine.errors import Failure
from . import interpreter, sessions
from .control import BANNER
from .locks import held
from .state import Places, Sandbox, user
from .web import Web

ADDRESS = "127.0.0.1"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Gate(asyncssh.SSHServer):
    """Lets in this user by key and nobody else, and remembers when somebody was there."""

    open_connections = 0
    last_seen = time.time()

    def begin_auth(self, username: str) -> bool:
        if username != user():
            raise asyncssh.PermissionDenied(f"Only {user()} may log in here.")
        return True

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        Gate.open_connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        Gate.open_connections -= 1
        Gate.last_seen = time.time()


def main() -> None:
    here = Places(Path(sys.argv[-1]))
    if os.fork():
        os._exit(0)
    os.setsid()
    os.umask(0o077)
    with held(here.root / "serve.lock"):
        try:
            asyncio.run(_serve(here))
        except (Failure, OSError, asyncssh.Error) as problem:
            print(problem, flush=True)


async def _serve(here: Places) -> None:
    """Start both servers, write the state, and stay until told to stop, idle for too long, or PHP ended."""
    os.chdir(here.home)  # relative SFTP paths start here, as with sshd
    php = interpreter.provide(here.bin)
    web = Web(here, php)
    try:
        web.wait_ready()
        server = await _listen(here)
        (here.keys / "known_hosts").write_text(f"[{ADDRESS}]:{server.get_port()} {(here.keys / 'host.pub').read_text()}")
        here.save(
            Sandbox(
                address=ADDRESS, port=server.get_port(), user=user(), key=str(here.keys / "client"),
                known_hosts=str(here.keys / "known_hosts"), path=str(here.site), url=web.url, pid=os.getpid(), php=str(php),
            )
        )  # fmt: skip
        _say_ready()
        await _until_done(here, web)
    finally:
        web.close()


async def _listen(here: Places) -> asyncssh.SSHAcceptor:
    """The SSH server on a free port. asyncssh turns Nagle's algorithm off by itself."""
    for name in ("host", "client"):
        _ensure_key(here.keys / name)
    environment = {
        "HOME": str(here.home), "PATH": f"{here.bin}:{PATH}", "USER": user(), "LOGNAME": user(), "SHELL": "/bin/sh"
    }  # fmt: skip
    return await asyncssh.listen(
        ADDRESS, 0, server_factory=Gate, server_version=BANNER, encoding=None, line_editor=False, agent_forwarding=False,
        server_host_keys=[str(here.keys / "host")], authorized_client_keys=str(here.keys / "client.pub"),
        process_factory=lambda process: sessions.run(process, environment), sftp_factory=True,
    )  # fmt: skip


def _ensure_key(path: Path) -> None:
    """Make the key pair ``path`` and ``path.pub`` unless it is there: a key that stays lets known_hosts mean something."""
    if not (path.is_file() and path.with_suffix(".pub").is_file()):
        key = asyncssh.generate_private_key("ssh-ed25519", comment=BANNER)
        key.write_private_key(path)
        key.write_public_key(path.with_suffix(".pub"))


def _say_ready() -> None:
    """Answer the process that waits for us, and let go of its pipe."""
    print("ready", flush=True)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


async def _until_done(here: Places, web: Web) -> None:
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    idle_seconds = float(os.environ.get("FAB_SANDBOX_IDLE_HOURS", "4")) * 3600
    while not done.is_set() and web.process.poll() is None and _idle(here) < idle_seconds:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(done.wait(), min(1, idle_seconds))


def _idle(here: Places) -> float:
    """Seconds since the last SSH connection or web request; PHP writes a line to its log for each request."""
    if Gate.open_connections:
        return 0
    return time.time() - max(Gate.last_seen, here.web_log.stat().st_mtime)


if __name__ == "__main__":
    main()
