"""A run that died with the lock could not say so: whoever takes the lock next says it in its place."""

from __future__ import annotations

import json
from typing import Any

from . import console, journal, logbook, state
from .errors import CommandFailed
from .hosts import Host


def write_down(c: Host, found: state.ServerState, left: str) -> None:
    """Note in journal and log how the run ended whose lock record is ``left``; ``found`` is the server before we came."""
    whose = record(left)
    run = str(whose.get("run", ""))
    if not run:
        return
    told = journal.read(c, run)
    if told.status or told.reverted:  # it ended, or the server wrote its end
        return
    release = max((id for id in found.records if id >= run[:14] and not found.records[id].confirmed), default="")
    note = f"{whose.get('what')} died{f' in {told.step}' if told.step else ''}"
    journal.note(c, "aborted", of=run, step=told.step, release=release)
    rows = {"Deployment": release or "none", "Timestamp": whose.get("since"), "Commit": whose.get("commit"), "By": whose.get("who")}
    logbook.add(c, {**{key: str(value or "") for key, value in rows.items()}, "Status": "ABORTED", "Serving": found.current, "Note": note})
    try:
        c.shell.flush()
    except CommandFailed as error:
        console.warn(f"{c.name}: an earlier run ({note}) could not be written down: {error.text}")


def record(text: str) -> dict[str, Any]:
    """The lock record in ``text``; empty if that is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
