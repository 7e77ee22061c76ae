"""Where tests write: in memory, if there is much of it, since a deployment makes thousands of files."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

NEEDED = 12 << 30  # bytes; a whole run leaves less than half of that


def mounted() -> Path | None:
    """Return a new disk in memory, or None where there is too little memory, or who runs this may not mount one."""
    if os.geteuid() != 0 or _available() < NEEDED:
        return None
    folder = Path(tempfile.mkdtemp(prefix="fab-"))
    if _told("mount", "-t", "tmpfs", "-o", f"size={NEEDED},mode=0700", "tmpfs", str(folder)):
        return folder
    folder.rmdir()
    return None


def unmount(folder: Path) -> None:
    """Give the memory back."""
    if _told("umount", "-l", str(folder)):
        folder.rmdir()


def _available() -> int:
    """Return how many bytes of memory programs could have, without what they would have to give back."""
    told = Path("/proc/meminfo")  # Linux has it
    rows = dict(line.split(":") for line in told.read_text(encoding="ascii").splitlines()) if told.is_file() else {}
    return int(rows.get("MemAvailable", "0").split()[0]) * 1024


def _told(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
