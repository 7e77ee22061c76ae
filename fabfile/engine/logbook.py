"""deployment.log: one block for each deployment, for people."""

from __future__ import annotations

from collections.abc import Mapping

from .hosts import Host

LINE = "=" * 37
# Once, however often it is said: whoever was interrupted meanwhile says it again.
WRITE = 'umask 027; [ "$(tail -c "$3" "$1" 2>/dev/null)" = "$2" ] || printf "%s\\n" "$2" >>"$1"'


def add(c: Host, rows: Mapping[str, str]) -> None:
    """Add a block of those ``rows`` that have a value; it travels with the next command."""
    body = "\n".join(f"{key}: {_plain(value)}" for key, value in rows.items() if value)
    block = f"{LINE}\n{body}\n{LINE}"
    c.shell.do(WRITE, c.site.log, block, len(block.encode()) + 1, what="deployment.log")


def _plain(text: str) -> str:
    """One line of printable text: nobody writes lines of their own into the log."""
    return "".join(char if char.isprintable() else "?" for char in text)
