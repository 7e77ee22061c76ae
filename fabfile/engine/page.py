"""A deployment's timeline as one page that needs nothing else: no script, no font, no other file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from .flow import TITLES
from .scripts import source
from .timeline import Span

COLOURS = {"🟢": "here", "🟡": "build", "🔴": "server"}  # all others are hooks
GOOD = ("SUCCESS", "ROLLED BACK ON REQUEST")


@dataclass(frozen=True)
class Run:
    """A deployment or rollback: when it ended and how, and the seconds of it and of its steps."""

    at: str
    kind: str
    status: str
    release: str
    note: str
    seconds: float
    spans: list[Span] = field(default_factory=list)


def html(host: str, run: Run, runs: Sequence[Run]) -> str:
    """The page for ``run`` and, as its trend, ``runs``."""
    end = max((span.start + span.seconds for span in run.spans), default=0.0) or 1.0
    parts = {
        "title": escape(f"{host}: {run.kind} {run.release}"),
        "status": escape(f"{run.status}, {run.at}, {run.seconds:.1f} s" + (f": {run.note}" if run.note else "")),
        "state": "good" if run.status in GOOD else "bad",
        "end": f"{end:.1f} s",
        "steps": "\n".join(_bar(span, end) for span in run.spans),
        "trend": _trend(run, runs),
    }
    return re.sub(r"@(\w+)@", lambda found: parts[found[1]], source("engine/page.html"))


def _bar(span: Span, end: float) -> str:
    kind = "failed" if span.failed else COLOURS.get(span.marker[:1], "hook")
    title = escape(f"{span.step}  {TITLES.get(span.step, '')}".strip())
    left, width = 100 * span.start / end, max(100 * span.seconds / end, 0.15)
    return (
        f'<tr><th style="padding-left:{span.depth}em">{escape(span.marker)} {title}</th><td class="number">{span.seconds:.2f}</td>'
        f'<td class="line"><span class="{kind}" style="margin-left:{left:.2f}%;width:{width:.2f}%" title="{title}: {span.seconds:.2f} s">'
        "</span></td></tr>"
    )


def _trend(run: Run, runs: Sequence[Run]) -> str:
    longest = max((each.seconds for each in runs), default=0.0) or 1.0
    return "\n".join(
        f'<li class="{"good" if each.status in GOOD else "bad"}{" this" if each is run else ""}" '
        f'title="{escape(f"{each.at} {each.kind} {each.release}: {each.status}, {each.seconds:.1f} s")}">'
        f'<span style="height:{max(100 * each.seconds / longest, 1):.1f}%"></span><b>{each.seconds:.1f}</b></li>'
        for each in runs
    )
