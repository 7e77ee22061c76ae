"""Between client and server: forwards everything, until it swallows everything and keeps the connection open."""

from __future__ import annotations

import socket
import threading
from pathlib import Path


class Proxy:
    """Listens on ``port``; a black hole from when the file of ``closes_when`` is there until ``open``.

    The first ``hangs_up`` connections are closed at once. ``sent`` and ``received`` are the client's bytes so far.
    """

    def __init__(self, target: int, hangs_up: int = 0) -> None:
        self.target, self.hole, self.hangs_up = target, Path("/nonexistent"), hangs_up
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.sockets: list[socket.socket] = []
        self.sent = self.received = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def closes_when(self, file: Path) -> None:
        self.hole = file

    def open(self) -> None:
        """Forward again, and forget the connections that were swallowed."""
        self.hole = Path("/nonexistent")
        for each in self.sockets:
            each.close()
        self.sockets = []

    def close(self) -> None:
        self.stop()

    def stop(self) -> None:
        self.listener.close()
        self.open()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.hangs_up:
                self.hangs_up -= 1
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.target))
            self.sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=(source, sink, sink is server), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                self.sent, self.received = self.sent + len(data) * up, self.received + len(data) * (not up)
                if not self.hole.exists():
                    sink.sendall(data)
            if not self.hole.exists():
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            return
