"""Where the seconds of a deployment went, and how the last ones compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .engine import artifacts, console, journal, page, timeline
from .engine.errors import Failure
from .engine.flow import TITLES
from .engine.hosts import Host
from .engine.page import Run
from .engine.tasks import on_host

LAST = 30  # runs in the trend


@on_host(
    quiet=True,
    mutates=False,
    help={
        "release": "a release on the host; default: what the last run brought",
        "output": "where the page goes; default: beside the artifacts",
    },
)
def report(c: Host, release: str = "", output: str = "") -> None:
    """The seconds of a deployment, step by step, as a table and as a page with its timeline and the trend of the last ones."""
    runs = [_run(line) for line in journal.ends(c, LAST)]
    wanted = [run for run in runs if run.spans and release in ("", run.release)]
    if not wanted:
        known = ", ".join(sorted({run.release for run in runs if run.spans and run.release})[-5:])
        what = f"release {release}" if release else "a deployment"
        raise Failure(f"{c.name}: the journal tells nothing of how long {what} took", f"it knows {known}" if known else "fab deploy")
    _show(wanted[-1])
    file = Path(output) if output else artifacts.folder().parent / f"report-{c.name}.html"
    if not c.shell.dry:
        _write(file, page.html(c.name, wanted[-1], runs))
        console.result(f"timeline: {file}")


def _run(line: dict[str, Any]) -> Run:
    text = {name: str(line.get(name, "")) for name in ("at", "kind", "status", "release", "note")}
    seconds = line.get("seconds")
    return Run(**text, seconds=float(seconds) if isinstance(seconds, int | float) else 0.0, spans=timeline.parsed(line.get("steps")))


def _show(run: Run) -> None:
    console.say(f"{run.kind} {run.release}: {run.status} at {run.at}, {run.seconds:.1f} s", console.BOLD)
    longest = max(span.seconds for span in run.spans) or 1.0
    rows = [
        (
            span.marker + (" ❌" if span.failed else ""),
            "  " * span.depth + span.step,
            TITLES.get(span.step, ""),
            f"{span.start:.2f}",
            f"{span.seconds:.2f}",
            "█" * round(20 * span.seconds / longest),
        )
        for span in run.spans
    ]
    console.table(rows, ("", "step", "what", "after", "seconds", "share"))


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}", "--output=FILE") from error
