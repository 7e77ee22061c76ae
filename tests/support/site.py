"""What a deployment left on the server, read from its files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any


def records(site: Path) -> dict[str, dict[str, Any]]:
    """Return the releases' records by id."""
    found = (json.loads(path.read_text()) for path in (site / ".deploy/releases").glob("*.json"))
    return {record["id"]: record for record in found}


def states(site: Path) -> list[str]:
    """Return the states of the releases, oldest release first."""
    return [record["state"] for _, record in sorted(records(site).items())]


def journal(site: Path) -> list[dict[str, Any]]:
    """Return the lines of the journal."""
    return [json.loads(line) for line in (site / ".deploy/journal.jsonl").read_text().splitlines()]


def log_blocks(site: Path) -> list[dict[str, str]]:
    """Return the blocks of deployment.log."""
    blocks = (site / "deployment.log").read_text().split("=" * 37 + "\n")
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks if block.strip()]


def leftovers(site: Path) -> list[str]:
    """Return what only a running deployment may have: run folders, half releases, temporary files, the lock's record."""
    ours = (".deploy/run/*", ".deploy/trash/*", ".deploy/lock.json*", ".deploy/**/*.new")
    patterns = (*ours, "releases/.*", ".current*", "backups/*.part", "*.new")
    return sorted(str(path.relative_to(site)) for pattern in patterns for path in site.glob(pattern))


def lock_is_free(site: Path) -> bool:
    """Return whether nobody holds the kernel's lock, or still does when whoever takes it would have tried again (lock.sh): the agent
    ends a moment after its client. It is shared for that moment: who looks must not be taken for a deployment."""
    return subprocess.run(["flock", "-s", "-w", "0.3", str(site / ".deploy/lock"), "true"], check=False).returncode == 0


def tree(folder: Path) -> dict[str, str]:
    """Return every path below ``folder`` with its mode, size and time: equal when nothing was written, not even the same again."""
    return {str(path.relative_to(folder)): _entry(path) for path in sorted(folder.rglob("*"))}


def _entry(path: Path) -> str:
    if path.is_symlink():
        return f"link {path.readlink()}"
    stat = path.stat()
    return f"{stat.st_mode:o} {stat.st_size} {stat.st_mtime_ns}" if path.is_file() else f"{stat.st_mode:o}"


def serving(site: Path) -> str:
    """Return the id of the release that ``current`` leads to; "" before the first."""
    return (site / "current").readlink().name if (site / "current").is_symlink() else ""
