"""What a person, a pipe or a program sees of a run."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from . import options, timeline
from .outlet import write
from .redact import harmless, mask

DIM, BOLD, RED, YELLOW, GREEN = "2", "1", "31", "33", "32"
warnings: list[str] = []


def terminal() -> bool:
    """Whether a person is watching."""
    return sys.stdout.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def paint(text: str, *codes: str) -> str:
    """``text`` in colour where colour is wanted (https://no-color.org); nothing else in it moves the cursor."""
    text = harmless(mask(text))
    return f"\033[{';'.join(codes)}m{text}\033[0m" if codes and terminal() and not os.environ.get("NO_COLOR") else text


def event(kind: str, **values: Any) -> bool:
    """Print one event if --json was asked for; whether it was."""
    if options.current.json:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        _print(json.dumps({"at": at, "event": kind, **values}, ensure_ascii=False, default=str))
    return options.current.json


def say(text: str, *codes: str) -> None:
    """A line of the story; not in --quiet."""
    if not event("say", text=text) and not options.current.quiet:
        _print(paint(text, *codes))


def result(text: str) -> None:
    """What was asked for; also in --quiet."""
    if not event("result", text=text):
        _print(paint(text))


def warn(text: str) -> None:
    """Something a person should look at; the run goes on and ends with the exit code for warnings."""
    warnings.append(text)
    if not event("warning", text=text):
        _print(paint(f"   ⚠️  {text}", YELLOW))


def would(place: str, script: str) -> None:
    """A line of a dry run."""
    if not event("would", place=place, script=script):
        for line in script.strip().splitlines():
            _print(paint(f"   {place} would: ", DIM) + paint(line))


def live(place: str, ours: tuple[str, ...]) -> Callable[[bytes], None]:
    """Takes the bytes of a long command's output as they come and shows its lines, but for those that start with one of ``ours``."""
    pending = b""

    def show(piece: bytes) -> None:
        nonlocal pending
        *lines, pending = (pending + piece).split(b"\n")
        for line in (line.decode("utf-8", "replace") for line in lines):
            if line.strip() and not line.startswith(ours):
                _live_line(place, line)

    return show


def _live_line(place: str, line: str) -> None:
    if options.current.json:
        if options.current.verbose:
            event("output", place=place, line=line)
    elif options.current.verbose:
        _print(paint(f"   │ {line}", DIM))
    elif terminal() and not options.current.quiet:
        width = (shutil.get_terminal_size().columns or 80) - 6  # Python 3.10 takes a terminal's word that it has none
        write("\r\033[K" + paint(f"   │ {harmless(mask(line)).expandtabs()[:width]}", DIM) + "\r")


def table(rows: Sequence[Sequence[str]], columns: Sequence[str] = ()) -> None:
    """Rows, under headings if there are any, as wide as they need to be; with --json an object a row."""
    everything = [columns, *rows] if columns else list(rows)
    widths = [max(len(_cell(row[i])) for row in everything) for i in range(len(everything[0]))] if everything else []
    for row in everything:
        line = "  ".join(_cell(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        if row is columns:
            if not options.current.json:
                _print(paint(line, BOLD))
        elif not event("row", values=dict(zip(columns, row, strict=True)) if columns else list(row)):
            _print(line)


def _cell(text: str) -> str:
    """One line of what may be somebody else's words."""
    return harmless(" ".join(text.split("\n")))


def _print(text: str) -> None:
    clear = "\r\033[K" if terminal() and not options.current.json else ""
    write(f"{clear}{mask(text)}\n")


class Step:
    """A step on the screen, from its header to its result."""

    def __init__(self, name: str, title: str, marker: str = "", task: str = "") -> None:
        self.name, self.title, self.span = name, title, timeline.Span(marker, name, len(steps))
        self.names = {"step": name, "task": task} if task else {"step": name}
        self.results: list[str] = []

    def _taken(self, failed: bool = False) -> float:
        """The seconds it took, noted."""
        steps.remove(self)
        seconds = time.monotonic() - timeline.BEGAN - self.span.start
        timeline.spans.append(replace(self.span, seconds=seconds, failed=failed))
        return seconds

    def ended(self, done: str) -> None:
        """The expected result, or what the step said of itself, and how long it took."""
        seconds = self._taken()
        if event("step-end", **self.names, seconds=round(seconds, 3), results=self.results or [done]) or options.current.quiet:
            return
        for text in self.results or ([done] if done else []):
            sign = paint("   ·  dry run: ", DIM) + paint(text) if options.current.dry_run else paint(f"   ✅ {text}", GREEN)
            _print(sign + paint(f"  {seconds:.2f} s", DIM))

    def failed(self, why: str) -> None:
        seconds = self._taken(failed=True)
        if not event("step-failed", **self.names, seconds=round(seconds, 3), error=why):
            _print(paint(f"   ❌ {self.title}", RED) + paint(f"  {seconds:.2f} s", DIM))


class Chain:
    """Where a chain is: which step of how many (0: nobody counts), and the point of it that hooks belong to."""

    total = 0
    number = 0
    marker = ""

    @classmethod
    def left(cls) -> None:
        """What runs from here on was not planned, so it bears no number."""
        cls.total = 0


@contextmanager
def point(marker: str) -> Iterator[None]:
    """Steps inside belong to a hook point and bear its ``marker``."""
    before, Chain.marker = Chain.marker, marker
    try:
        yield
    finally:
        Chain.marker = before


steps: list[Step] = []


def begin(marker: str, flow: str, title: str, where: str, task: str = "") -> Step:
    """Print a step's header: marker, flow id, title, place, and n of m in a chain; programs are told the ``task`` too."""
    marker = Chain.marker or marker
    step = Step(flow or title, title, marker, task)
    steps.append(step)
    Chain.number += 1
    number = f"  ({Chain.number}/{Chain.total})" if Chain.number <= Chain.total else ""
    if not event("step-start", **step.names, title=title, where=where) and not options.current.quiet:
        _print(f"{marker} {paint(f'[{flow}] ' if flow else '', DIM)}{paint(title, BOLD)}  {paint(where + number, DIM)}")
    return step


def done(text: str) -> None:
    """What the running step achieved, in place of its expected result."""
    if steps:
        steps[-1].results.append(text)
    else:
        say(f"   ✅ {text}")
