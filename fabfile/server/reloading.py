"""Would a command cut off the requests that PHP-FPM is at? What a reload does with them, its configuration says."""

from __future__ import annotations

import re

from ..engine.hosts import Host
from ..engine.quoting import words
from ..engine.scripts import source

LOOK = source("server/reload.sh")
ASK = f'{LOOK}\ncuts_requests "$1" "$2"'
RELOADS = re.compile(r"\breload|\brestart|USR2")
RESTARTS = re.compile(r"(?=.*fpm).*(?<!-or-)\brestart", re.DOTALL)  # the workers get SIGTERM, whatever process_control_timeout is


def cuts(c: Host, command: str) -> str:
    """Why requests under way would not survive ``command``, and what to set; empty where they do, or where that cannot be seen."""
    if not RELOADS.search(command):
        return ""
    if RESTARTS.search(command):
        return "a restart of PHP-FPM cuts off requests under way: reload it instead, with process_control_timeout = 10s"
    said = c.shell.ask(ASK, *_named(command), what="look whether a reload of PHP-FPM cuts off requests").out
    files = sorted({*re.findall(r"^cuts requests: (.*)$", said, re.MULTILINE)})
    return f"a reload of PHP-FPM cuts off requests under way: set process_control_timeout = 10s in {', '.join(files)}" if files else ""


def careful(command: str) -> str:
    """``command`` for the server itself: shell that fails instead where requests under way would not survive it."""
    if RESTARTS.search(command):
        return "exit 1"
    call = f"cuts_requests {words(*_named(command))}"
    return f'{LOOK}\n[ -z "$({call})" ] || exit 1\n{command}' if RELOADS.search(command) else command


def _named(command: str) -> tuple[str, str]:
    """The processes and the versions that the command names, for reload.sh."""
    pids = re.findall(r"USR2\s+(\d+)\b", command)
    versions = re.findall(r"php(?:-fpm)?-?(\d\.\d+)", command)
    return " ".join(pids), " ".join(versions)
