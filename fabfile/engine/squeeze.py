"""SSH that compresses as OpenSSH does: what was sent before makes what is like it small. Scripts are much alike."""

from __future__ import annotations

import zlib
from typing import Any, ClassVar

import paramiko
from paramiko.compress import ZlibDecompressor


class Compressor:
    """RFC 4253, 6.2: each packet is flushed, the memory stays. Paramiko's own one empties it after each packet."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj()

    def __call__(self, data: bytes) -> bytes:
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class Transport(paramiko.Transport):
    """Paramiko's own but for that; with ``compress`` it asks for compression after the log-in, which a server may refuse."""

    _compression_info: ClassVar[dict[str, Any]] = {
        "zlib@openssh.com": (Compressor, ZlibDecompressor),
        "zlib": (Compressor, ZlibDecompressor),
        "none": (None, None),
    }
