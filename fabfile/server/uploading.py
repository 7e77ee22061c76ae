"""A file goes to the server whole or from where an earlier upload of it ended, and is unpacked there."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..engine import console, transfer
from ..engine.hosts import Host
from ..engine.scripts import source
from . import common

WORTH_RESUMING = 1 << 18  # bytes
ARRIVED = """
have=$(
{digest}
)
[ "$have" = "$3" ] || {{ rm -f -- "$1"; echo "the artifact arrived damaged: SHA-256 $have, sent $3" >&2; exit 1; }}
"""
# Parts of other uploads go; of this one's, size and SHA-256 are told.
INCOMING = """
umask 077
mkdir -p -- "$1"
cd "$1"
for part in *; do [ "$part" = "$3" ] || rm -rf -- "$part"; done
[ -f "$3" ] || exit 0
set -- "$3" "$2"
wc -c <"$1"
{digest}
"""


def upload(c: Host, file: Path, digest: str, folder: str) -> int:
    """Send ``file``, from where an interrupted upload of it ended, and unpack it in ``folder``; the bytes sent."""
    remote, at = _place(c), 0
    if file.stat().st_size >= WORTH_RESUMING:
        remote = f"{c.site.own}/incoming/{digest}"
        at = _there(c, file, digest)
    sent = transfer.send(c.shell, file, remote, "upload", at)
    if at:
        console.say(f"   went on after {size(at)}")
    _unpack(c, remote, digest, folder)
    return sent


def _place(c: Host) -> str:
    return f"{c.site.run(c.run_id)}/artifact.tar.gz"


def _there(c: Host, file: Path, digest: str) -> int:
    """How much of ``file`` an earlier upload left there."""
    script = INCOMING.format(digest=source("engine/digest.sh"))
    said = c.shell.ask(script, f"{c.site.own}/incoming", common.php(c)[0], digest, what="look for an interrupted upload").out.split()
    if len(said) != 2 or not said[0].isdigit():
        return 0
    with file.open("rb") as whole:
        return int(said[0]) if hashlib.sha256(whole.read(int(said[0]))).hexdigest() == said[1] else 0


def _unpack(c: Host, remote: str, digest: str, folder: str) -> None:
    arrived = ARRIVED.format(digest=source("engine/digest.sh"))
    c.shell.do(arrived, remote, common.php(c)[0], digest, what="checksum of the artifact")
    c.shell.do(f"umask 022; {source('engine/unpack.sh')}", remote, folder, what="unpack the artifact")


def size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"
