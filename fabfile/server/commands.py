"""What a release's artisan can do: it says so as it is booted before the switch, which spares another boot after it."""

from __future__ import annotations

from ..engine.hosts import Host
from . import common


def boot(c: Host, release: str, seconds: int | None) -> str:
    """Boot ``release`` on the command line, in so many ``seconds``: what artisan says that it is. Raises CommandFailed."""
    auto = c.settings.workers == ("auto",)  # else nobody will want to know more
    said = common.artisan(c, release, "list" if auto else "--version", timeout=seconds).out.strip()
    if auto:
        c.commands = (release, said)
    return said.partition("\n\nUsage:")[0].rpartition("\n")[2]


def known(c: Host, release: str) -> str:
    """The commands of ``release``, each at the beginning of a line, which may be indented."""
    told, text = c.commands
    return text if told == release else common.artisan(c, release, "list", "--raw").out
