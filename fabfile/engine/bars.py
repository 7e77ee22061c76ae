"""A bar while something is on its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from . import console, options


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar over ``total`` bytes in a terminal, nothing elsewhere; takes the bytes of each piece."""
    if not console.terminal() or options.current.quiet or options.current.json or total < 1 << 16:
        yield lambda size: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    with Progress(TextColumn("   {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda size: bar.advance(task, size)
