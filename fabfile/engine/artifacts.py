"""Artifacts on this machine: where they are kept, and which one a step means."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from . import lists, manifest, options, project
from .errors import Failure, SettingsError
from .hosts import Host

# Folders on servers that this run has listed itself, under the lock that it holds, and that are on the site's disk.
listed: set[str] = set()


@dataclass(frozen=True)
class Artifact:
    """A built application: ``path`` is a tar.gz on this machine, or a folder on ``place``, a server that built it for itself.

    ``digest`` is the SHA-256 of that file, of a folder that of its manifest, which has so many ``entries``; ``size`` are the bytes it
    takes where it will be copied, since the site is on another disk there.
    """

    path: str
    digest: str
    commit: str = ""
    branch: str = ""
    created: str = ""
    place: str = "local"
    entries: int = 0
    size: int = 0
    source: str = ""  # of which repository, as ``source_id`` says it

    @property
    def file(self) -> Path:
        return Path(self.path)

    def manifest(self) -> lists.Manifest:
        """What must be on the server. Raises BadArtifact."""
        return _read_once(self.file, self.digest)


_planned: list[Artifact] = []


def plan(commit: str) -> None:
    """In a dry run: ``commit`` is what would have been built."""
    _planned[:] = [Artifact(str(folder() / f"{commit[:12]}-not-built-yet.tar.gz"), "0" * 64, commit)]


@cache
def _read_once(file: Path, digest: str) -> lists.Manifest:
    return manifest.read(file)


def source_id() -> str:
    """What tells this project's artifacts from those of another one of the same name; no address, since that may hold a password."""
    return hashlib.sha256(project.repository().encode("utf-8", "surrogateescape")).hexdigest()[:16]


def folder() -> Path:
    """Where this project's artifacts are kept on this machine; made if missing, for this user only, but in a dry run."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "laravel-fab"
    path = base / (project.loaded().settings.project.name or project.folder().name) / "artifacts"
    if not options.current.dry_run:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def remember(artifact: Artifact) -> None:
    """Make ``artifact`` the newest one."""
    text = json.dumps(asdict(artifact))
    (folder() / f"{artifact.digest[:16]}.json").write_text(text, encoding="utf-8")
    if artifact.place == "local":
        artifact.file.with_name(artifact.file.name + ".json").write_text(text, encoding="utf-8")


def find(c: Host, file: str = "") -> Artifact:
    """The artifact in ``file``, or else the newest one built here for ``c``; in a dry run what this one would have built.

    Raises Failure when there is none or it is not a readable tar.gz.
    """
    if file:
        path = Path(file).expanduser().resolve()
        if not path.is_file():
            raise Failure(f"--artifact: there is no file {path}", "fab builder.build makes one", code=2)
        return known(path)
    if _planned:
        return _planned[0]
    notes = sorted(folder().glob("*.json"), key=lambda note: note.stat().st_mtime_ns, reverse=True)
    for artifact in map(_read, notes):
        if artifact and _ours(artifact) and (artifact.place == c.name if artifact.place != "local" else artifact.file.is_file()):
            return artifact
    if c.shell.dry:
        return Artifact(str(folder() / "not-built-yet.tar.gz"), "0" * 64)
    raise Failure("nothing is built yet", "fab builder.build, or --artifact=FILE")


def _ours(artifact: Artifact) -> bool:
    return artifact.source in ("", source_id())


def known(path: Path) -> Artifact:
    """The artifact in ``path``, with commit and branch if it was built here or its note (FILE.json) came with it.

    Raises BadArtifact for what is none, SettingsError for one that is not what its note says.
    """
    digest, beside = _digest(path, path.stat().st_mtime_ns), path.with_name(path.name + ".json")
    note, built = _read(beside), _read(folder() / f"{digest[:16]}.json")
    if os.path.lexists(beside) and (note is None or note.digest != digest):
        why = f"has the SHA-256 {str(note.digest)[:12]}…, the file {digest[:12]}…" if note else "cannot be read"
        text = f"--artifact: {path} may not be what was built: its note {beside} {why}"
        raise SettingsError(text, f"take both from the same build, or remove {beside} to deploy the file anyway")
    note = built if built and built.digest == digest else note or Artifact("", digest)
    return replace(note, path=str(path), place="local", entries=0, size=0)


@cache
def _digest(path: Path, changed: int) -> str:  # several steps ask for it
    manifest.recognize(path)
    return manifest.digest(path)


def _read(note: Path) -> Artifact | None:
    try:
        return Artifact(**json.loads(note.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def prune(keep: int) -> None:
    """Forget all but the newest ``keep`` artifacts of this project; files outside our folders and on servers stay."""
    notes = sorted(folder().glob("*.json"), key=lambda note: note.stat().st_mtime_ns, reverse=True)
    for note in notes[keep:]:
        artifact = _read(note)
        if artifact and artifact.place == "local" and artifact.file.parent.name == "artifacts":
            artifact.file.unlink(missing_ok=True)
        note.unlink()
