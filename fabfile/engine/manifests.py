"""Manifests that this machine has seen on servers, by their SHA-256."""

from __future__ import annotations

import os
import shutil
import tempfile
import zlib
from pathlib import Path

from . import artifacts, lists, options
from .lists import Manifest

KEPT = 20


def folder() -> Path:
    return artifacts.folder().with_name("manifests")


def recall(digest: str) -> Manifest | None:
    """The manifest with that digest; None where it is not here, or not whole."""
    file = folder() / f"{digest}.gz"
    try:
        found = lists.opened(file)
        os.utime(file)  # what is used is not what is forgotten
    except (OSError, EOFError, zlib.error):
        return None
    return found if found.digest == digest else None


def keep(manifest: Manifest) -> None:
    """Know ``manifest`` from now on; the oldest of many are forgotten."""
    if options.current.dry_run:
        return
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder() / f"{manifest.digest}.gz"
    with manifest.file.open("rb") as source, tempfile.NamedTemporaryFile(dir=folder(), suffix=".new", delete=False) as new:  # mode 0600
        shutil.copyfileobj(source, new)
    Path(new.name).replace(file)
    for old in sorted(folder().glob("*.gz"), key=lambda each: each.stat().st_mtime_ns)[:-KEPT]:
        old.unlink(missing_ok=True)
