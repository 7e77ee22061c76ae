"""SSH that compresses as OpenSSH does, since scripts are much alike, and that waits for no packet longer than it takes to come."""

from __future__ import annotations

import socket
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


class Prompt(socket.socket):
    """A TCP connection on which nothing is held back. A server sends its next small packet when the last one was acknowledged (Nagle),
    and an acknowledgement waits up to 40 ms for something to travel with: that is two such waits in each log-in."""

    @classmethod
    def of(cls, other: socket.socket) -> Prompt:
        """``other`` as such a connection, which takes its place."""
        timeout = other.gettimeout()
        made = cls(other.family, other.type, other.proto, fileno=other.detach())
        made.settimeout(timeout)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def recv(self, *args: int) -> bytes:
        """As ever; Linux forgets after a few packets that it was asked to be quick."""
        if hasattr(socket, "TCP_QUICKACK"):
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return super().recv(*args)


class Transport(paramiko.Transport):
    """Paramiko's own but for that; with ``compress`` it asks for compression after the log-in, which a server may refuse."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(Prompt.of(sock) if isinstance(sock, socket.socket) else sock, *args, **kwargs)

    _compression_info: ClassVar[dict[str, Any]] = {
        "zlib@openssh.com": (Compressor, ZlibDecompressor),
        "zlib": (Compressor, ZlibDecompressor),
        "none": (None, None),
    }
