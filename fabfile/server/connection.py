"""The application's database connection: its own effective settings, and how large its tables are."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine import redact
from ..engine.hosts import Host
from ..engine.scripts import php as php_script
from . import common

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def read(c: Host, release: str) -> str:
    """The connection of ``release`` as KEY=VALUE lines, as Laravel itself sees it; empty where it has none."""
    found = _asked(c, release, "read the database settings")
    redact.remember(line.removeprefix("password=") for line in found.split("\n") if line.startswith("password="))
    return found


def values(connection: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in connection.split("\n") if "=" in line)


def sizes(c: Host, release: str, tables: Sequence[str]) -> dict[str, str]:
    """How large these tables are, in words: rows, as the database estimates them, and bytes. What it does not tell is left out."""
    said = _asked(c, release, "how large the tables are", *dict.fromkeys(tables), check=False) if tables else ""
    rows = (line.split("\t") for line in said.splitlines() if line.count("\t") == 2)
    return {name: f"about {int(count)} rows, {_size(int(size))}" for name, count, size in rows if count.isdigit() and size.isdigit()}


def _asked(c: Host, release: str, what: str, *tables: str, check: bool = True) -> str:
    return c.shell.ask(
        php_script("server/database.php"), *common.php(c), "--", c.site.release(release), *tables, check=check, what=what
    ).out.strip()


def _size(count: int) -> str:
    power = next((power for power in range(len(UNITS)) if count < 1024 ** (power + 1)), len(UNITS) - 1)
    return f"{count / 1024**power:.0f} {UNITS[power]}"
