"""The server's own secrets: whichever step of whichever task runs first, no output shows one."""

from __future__ import annotations

from ..engine import masks, redact, tasks
from ..engine.hosts import Host
from ..laravel import envparse

READ = '[ ! -r "$1" ] || cat -- "$1"'


def foresee(c: Host) -> None:
    """Let the question travel with the next trip."""
    c.shell.foresee(READ, f"{c.site.shared}/.env")


def learn(c: Host) -> None:
    """Mask what shared/.env holds from here on."""
    text = c.shell.ask(READ, f"{c.site.shared}/.env", check=False, what="read shared/.env").out
    redact.remember(masks.secret_values(envparse.values(text)))


tasks.firsts.append(learn)
