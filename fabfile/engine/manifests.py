"""Manifests that this machine has seen on servers, by their SHA-256."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

from . import artifacts, options
from .manifest import Manifest, of

KEPT = 20


def folder() -> Path:
    return artifacts.folder().with_name("manifests")


def recall(digest: str) -> Manifest | None:
    """The manifest with that digest; None where it is not here, or not whole."""
    try:
        found = of(gzip.decompress((folder() / f"{digest}.gz").read_bytes()).decode("utf-8", "surrogateescape"))
    except (OSError, EOFError, ValueError):
        return None
    return found if found.digest == digest else None


def keep(manifest: Manifest) -> None:
    """Know ``manifest`` from now on; the oldest of many are forgotten."""
    if options.current.dry_run:
        return
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder() / f"{manifest.digest}.gz"
    with tempfile.NamedTemporaryFile(dir=folder(), suffix=".new", delete=False) as new:  # mode 0600
        new.write(gzip.compress(manifest.text.encode("utf-8", "surrogateescape"), mtime=0))
    Path(new.name).replace(file)
    for old in sorted(folder().glob("*.gz"), key=lambda each: each.stat().st_mtime_ns)[:-KEPT]:
        old.unlink(missing_ok=True)
