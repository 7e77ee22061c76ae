"""journal.jsonl: one line for each start and end of a step, in the order the server saw them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .hosts import Host
from .scripts import source

LATER = ("end",)  # on the disk with the next line: what comes between them changes nothing
ENDS = 'grep -a \'"event":"finished"\' "$1/journal.jsonl" 2>/dev/null | tail -n "$2" || :'
TAIL = 'tail -n 300 "$1/journal.jsonl" 2>/dev/null || :'


@dataclass(frozen=True)
class Story:
    """What the journal tells of one run: the ``step`` that began and has not ended, since when; how the run ended, if it did."""

    step: str = ""
    since: str = ""
    status: str = ""
    reverted: str = ""


def note(c: Host, event: str, **values: Any) -> None:
    """Add a line about this run; it travels with the next command. Nothing without a lock: then nothing changes."""
    if c.run_id and not c.shell.dry:
        body = json.dumps({"run": c.run_id, "event": event, **values}, separators=(",", ":"))
        c.shell.do(source("engine/journal.sh"), c.site.own, body[1:], "" if event in LATER else "sync", what="journal", note=True)


def read(c: Host, run: str) -> Story:
    """What the server's journal tells of ``run``."""
    return story(c.shell.ask(TAIL, c.site.own, what="read the journal").out, run) if run else Story()


def ends(c: Host, count: int) -> list[dict[str, Any]]:
    """The lines with which the last ``count`` runs ended, the newest last: status, release, seconds, and the steps they took."""
    said = c.shell.ask(ENDS, c.site.own, count, what="read the journal").out
    return [line for line in map(_line, said.split("\n")) if line.get("event") == "finished"]


def story(text: str, run: str) -> Story:
    """What the lines of ``text`` tell of ``run``. Steps that call others are open around them: the innermost counts."""
    opened: list[dict[str, Any]] = []
    status = reverted = ""
    for line in filter(None, map(_line, text.split("\n"))):
        if line.get("run") != run:
            continue
        event = line.get("event")
        if event == "start":
            opened.append(line)
        elif event in ("end", "failed"):
            opened = _closed(opened, line.get("step"))
        elif event == "finished":
            status = str(line.get("status", ""))
        elif event == "reverted":
            reverted = f"{line.get('at')}: went back from {line.get('release')} to {line.get('serving')}: {line.get('why')}"
    last = opened[-1] if opened else {}
    return Story(str(last.get("step", "")), str(last.get("at", "")), status, reverted)


def _closed(opened: list[dict[str, Any]], step: object) -> list[dict[str, Any]]:
    """Without ``step`` and what began inside it."""
    at = next((n for n in range(len(opened) - 1, -1, -1) if opened[n].get("step") == step), len(opened))
    return opened[:at]


def _line(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # cut short by a full disk
        return {}
    return value if isinstance(value, dict) else {}
