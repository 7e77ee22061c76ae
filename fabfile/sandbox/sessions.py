"""One exec channel: a shell command with its three streams, treated as OpenSSH's server does.

A client that goes away closes the command's streams and nothing else: the command is not killed. A terminal that is asked for is
granted in name only; the command still gets pipes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Awaitable, Mapping
from typing import Any

import asyncssh

CHUNK = 64 * 1024
# asyncssh opens the client's window again whenever it hands over a packet, however much waits behind it. Only a reader that
# always takes all there is, a few windows of 2 MB at most, keeps a fast client from filling our memory.
ALL = 16 * 1024 * 1024
Process = asyncssh.SSHServerProcess[bytes]


async def run(process: Process, environment: Mapping[str, str]) -> None:
    """Run the channel's command until it ended and all its output is sent, or the client is gone."""
    pipes = Pipes()
    child = _spawn(process.command, environment, pipes)
    ended = _end_of(child)
    outputs = [_send(pipes.stdout[0], process.stdout), _send(pipes.stderr[0], process.stderr)]
    work = asyncio.create_task(_all(*outputs, ended))
    feeding = asyncio.create_task(_feed(process, pipes.stdin[1], child))
    gone = asyncio.create_task(process.wait_closed())
    await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
    if not gone.done():
        _report(process, child.returncode or 0)
    for task in (work, feeding, gone):
        task.cancel()
    await asyncio.gather(work, feeding, gone, return_exceptions=True)


async def _all(*parts: Awaitable[None]) -> None:
    await asyncio.gather(*parts)


class Pipes:
    """Three real pipes, each (read end, write end); asyncio's own are sockets, which a command cannot reopen as /dev/stdin."""

    def __init__(self) -> None:
        self.stdin, self.stdout, self.stderr = os.pipe(), os.pipe(), os.pipe()


def _spawn(command: str | None, environment: Mapping[str, str], pipes: Pipes) -> subprocess.Popen[bytes]:
    """Start the command as the leader of its own session; asyncio's own way would kill it when we lose interest."""
    theirs = pipes.stdin[0], pipes.stdout[1], pipes.stderr[1]
    try:
        return subprocess.Popen(
            ["/bin/sh", *(["-c", command] if command is not None else [])],
            stdin=theirs[0], stdout=theirs[1], stderr=theirs[2],
            cwd=environment["HOME"], env=dict(environment), start_new_session=True, umask=0o022,
        )  # fmt: skip
    finally:
        for descriptor in theirs:
            os.close(descriptor)


def _end_of(child: subprocess.Popen[bytes]) -> asyncio.Future[None]:
    """A future for the command's end; a thread waits, because Python 3.10 has no other way without reaping everything."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not ended.done():
            ended.set_result(None)

    def wait() -> None:
        child.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is interested any more
            loop.call_soon_threadsafe(tell)

    threading.Thread(target=wait, daemon=True).start()
    return ended


async def _send(descriptor: int, target: asyncssh.SSHWriter[bytes]) -> None:
    """Copy the command's output to the client, at the client's pace; close the pipe when either side is done."""
    reader = asyncio.StreamReader(limit=CHUNK)
    pipe = os.fdopen(descriptor, "rb", 0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        while data := await reader.read(CHUNK):
            target.write(data)
            await target.drain()
    except (OSError, asyncssh.Error):
        pass  # the client is gone; closing the pipe is what tells the command
    finally:
        transport.close()


async def _feed(process: Process, descriptor: int, child: subprocess.Popen[bytes]) -> None:
    """Copy the client's input to the command until EOF; input that the command does not want any more is thrown away."""
    writer = await _pipe_writer(descriptor)
    try:
        while (data := await _received(process, child)) is not None:
            if not writer.is_closing():
                await _write(writer, data)
    except (OSError, asyncssh.Error):
        pass  # the client is gone, which is an EOF for the command
    finally:
        writer.close()


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(OSError):  # the command has closed its input
        writer.write(data)
        await writer.drain()


async def _received(process: Process, child: subprocess.Popen[bytes]) -> bytes | None:
    """The next piece of input, None at its end. A signal from the client goes to the command's process group."""
    try:
        return await process.stdin.read(ALL) or None
    except asyncssh.SignalReceived as received:
        number = getattr(signal, f"SIG{received.signal}", None)
        if number and child.returncode is None:
            with contextlib.suppress(OSError):
                os.killpg(child.pid, number)
    except (asyncssh.BreakReceived, asyncssh.TerminalSizeChanged):
        pass
    return b""


async def _pipe_writer(descriptor: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()

    def protocol() -> Any:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader())

    transport, made = await loop.connect_write_pipe(protocol, os.fdopen(descriptor, "wb", 0))
    return asyncio.StreamWriter(transport, made, None, loop)


def _report(process: Process, code: int) -> None:
    """Send the exit status, or the signal that ended the command."""
    if code < 0:
        process.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))
    else:
        process.exit(code)
