"""Files to and from a place, over the connection we have: no SFTP, rsync or scp needed there."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from . import bars, console
from .errors import Failure
from .pipes import ERR, OUT, Pipe
from .shell import Shell

# The path travels on standard input, not in argv; whatever arrives is private until it is moved to its place.
# Like BOOT they hold nothing that a login shell may take for its own. A log-in may print what it likes before MARK.
RECEIVE = """exec /bin/sh -c 'umask 077; IFS= read -r path && exec cat >"$path"'"""
GO_ON = """exec /bin/sh -c 'umask 077; IFS= read -r path && exec cat >>"$path"'"""
SEND = """exec /bin/sh -c 'IFS= read -r path && IFS= read -r mark && exec <"$path" && echo "$mark" && exec cat'"""
PIECE = 1 << 16


def send(shell: Shell, file: Path, path: str, title: str = "upload", at: int = 0) -> int:
    """Copy the local ``file`` to ``path``, mode 0600, but for the first ``at`` bytes, which are there; the bytes sent.

    Raises Failure when it did not all arrive there.
    """
    size = file.stat().st_size
    with file.open("rb") as source, bars.progress(title, size - at) as advance:
        source.seek(at)
        return _stream(shell, iter(lambda: source.read(PIECE), b""), path, advance, GO_ON if at else RECEIVE)


def send_text(shell: Shell, text: str, path: str) -> int:
    """Write ``text`` to ``path``, mode 0600."""
    return send_pieces(shell, iter([text.encode("utf-8", "surrogateescape")]), path)


def send_pieces(shell: Shell, pieces: Iterator[bytes], path: str) -> int:
    """Write ``pieces`` to ``path``, mode 0600."""
    return _stream(shell, pieces, path, lambda size: None)


def _stream(shell: Shell, pieces: Iterator[bytes], path: str, advance: Callable[[int], None], command: str = RECEIVE) -> int:
    if shell.dry:
        console.would(shell.place, f"receive {path}")
        return 0
    shell.flush()
    pipe, sent = shell.connect(command), 0
    try:
        pipe.send(f"{_line(path)}\n".encode("utf-8", "surrogateescape"))
        for data in pieces:
            pipe.send(data)
            sent += len(data)
            advance(len(data))
        why = _said(pipe) if pipe.finish() else None
    except OSError as error:
        why = _said(pipe) or str(error)
        raise Failure(f"{shell.place}: the upload to {path} broke off: {why}", "is the disk full? fab server.check says") from error
    finally:
        pipe.close()
    if why is not None:
        raise Failure(f"{shell.place}: the upload to {path} failed: {why}", "is the disk full? fab server.check says")
    return sent


def fetch(shell: Shell, path: str, file: Path, title: str = "download") -> None:
    """Copy ``path`` to the local ``file``, mode 0600, in one rename; half of it never stays."""
    shell.flush()
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    try:
        _receive(shell, path, part)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _receive(shell: Shell, path: str, part: Path) -> None:
    pipe, mark = shell.connect(SEND), secrets.token_hex(16)
    try:
        pipe.send(f"{_line(path)}\n{mark}\n".encode("utf-8", "surrogateescape"))
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as target:
            errors = _drain(pipe, _after(f"{mark}\n".encode(), target.write))
        code = pipe.finish()
    except OSError as error:
        raise Failure(f"{shell.place}: the download of {path} broke off: {error}", "run the same command again") from error
    finally:
        pipe.close()
    if code:
        raise Failure(f"{shell.place}: cannot read {path}: {errors}")


def _after(mark: bytes, write: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """Write what follows ``mark``."""
    before: bytes | None = b""

    def take(data: bytes) -> None:
        nonlocal before
        if before is None:
            write(data)
            return
        before, found, rest = (before + data).partition(mark)
        if found:
            before = None
            write(rest)

    return take


def _drain(pipe: Pipe, write: Callable[[bytes], object], patience: float | None = None) -> str:
    """Read to the end; what was said on standard error."""
    open_streams, errors = {OUT, ERR}, b""
    while open_streams:
        stream, data = pipe.receive(patience)
        if not data:
            open_streams.discard(stream)
        elif stream == OUT:
            write(data)
        else:
            errors += data
    return errors.decode("utf-8", "replace").strip()[-500:]


def _said(pipe: Pipe) -> str:
    """Why it failed, in its own words."""
    try:
        return _drain(pipe, lambda data: None, patience=5)
    except TimeoutError:
        return ""


def _line(path: str) -> str:
    if "\n" in path:
        raise ValueError("a path cannot hold a newline here")
    return path
