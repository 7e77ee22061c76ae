"""``fab sandbox.start``, ``stop``, ``status`` and ``reset``."""

from __future__ import annotations

from fabric import Connection, task

from . import control
from .state import Sandbox


@task(auto_shortflags=False)
def start(c: Connection) -> None:
    """Start the embedded server, or find it running."""
    print(_told(control.ensure()))


@task(auto_shortflags=False)
def stop(c: Connection) -> None:
    """Stop the embedded server; what is deployed there stays."""
    print("stopped" if control.stop() else "it was not running")


@task(auto_shortflags=False)
def status(c: Connection) -> None:
    """Say whether the embedded server runs, and where."""
    found = control.status()
    print(_told(found) if found else "not running")


@task(auto_shortflags=False)
def reset(c: Connection) -> None:
    """Delete all that was deployed to the embedded server."""
    print(f"emptied {control.reset()}")


def _told(sandbox: Sandbox) -> str:
    """What a person needs to look at it, with the line that logs in."""
    login = f"ssh -i {sandbox.key} -o UserKnownHostsFile={sandbox.known_hosts} -p {sandbox.port} {sandbox.user}@{sandbox.address}"
    return f"running, pid {sandbox.pid}\n  site   {sandbox.url}\n  path   {sandbox.path}\n  login  {login}"
