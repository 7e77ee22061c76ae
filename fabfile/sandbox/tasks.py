"""``fab sandbox.start``, ``stop``, ``status`` and ``reset``."""

from __future__ import annotations

from invoke.context import Context

from ..engine import console, options
from ..engine.tasks import here
from . import control
from .state import Sandbox

DRY = "dry run: nothing was changed"


@here(quiet=True)
def start(c: Context) -> None:
    """Start the embedded server, or find it running."""
    console.result(DRY if options.current.dry_run else _told(control.ensure()))


@here(quiet=True)
def stop(c: Context) -> None:
    """Stop the embedded server; what is deployed there stays."""
    console.result(DRY if options.current.dry_run else "stopped" if control.stop() else "it was not running")


@here(quiet=True)
def status(c: Context) -> None:
    """Say whether the embedded server runs, and where."""
    found = control.status()
    console.result(_told(found) if found else "not running")


@here(quiet=True)
def reset(c: Context) -> None:
    """Delete all that was deployed to the embedded server."""
    console.result(DRY if options.current.dry_run else f"emptied {control.reset()}")


def _told(sandbox: Sandbox) -> str:
    """What a person needs to look at it, with the line that logs in."""
    login = f"ssh -i {sandbox.key} -o UserKnownHostsFile={sandbox.known_hosts} -p {sandbox.port} {sandbox.user}@{sandbox.address}"
    return f"running, pid {sandbox.pid}\n  site   {sandbox.url}\n  path   {sandbox.path}\n  login  {login}"
