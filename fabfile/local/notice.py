"""Telling people: never in the way of a deployment."""

from __future__ import annotations

import json
from typing import Any

from invoke.context import Context

from ..engine import console, lock, options, project
from ..engine.tasks import here

SIGNS = {"success": "✅", "failure": "❌", "rollback": "↩️"}


@here(flow="10.2-notify", help={"event": "success, failure or rollback"})
def notify(c: Context, event: str = "success", release: str = "", note: str = "", seconds: float = 0.0) -> None:
    """Send the outcome to Slack and to a webhook, as deploy.toml says."""
    wanted = project.loaded().settings.notify
    facts = {"event": event, "project": project.loaded().settings.project.name or project.folder().name, "host": options.current.host}
    facts |= {"release": release, "by": lock.user(), "seconds": f"{seconds:.1f}", "note": note}
    receivers = [("Slack", wanted.slack, slack(facts)), ("webhook", wanted.webhook, facts)]
    if event not in wanted.events or options.current.dry_run or not any(url for _, url, _ in receivers):
        console.done("Nobody to notify")
        return
    sent = [name for name, url, body in receivers if url and _post(name, url, body, wanted.timeout)]
    if sent:
        console.done(f"Notifications sent: {', '.join(sent)}")


def slack(facts: dict[str, str]) -> dict[str, Any]:
    """A Slack message (https://api.slack.com/reference/messaging/attachments): fields belong into an attachment."""
    text = f"{SIGNS.get(facts['event'], '')} {facts['project']} → {facts['host']}: {facts['event']}"
    rows = [{"title": key.title(), "value": facts[key], "short": True} for key in ("release", "by", "seconds") if facts[key]]
    rows += [{"title": "Note", "value": facts["note"], "short": False}] if facts["note"] else []
    return {"text": text, "attachments": [{"fallback": text, "fields": rows}]}


def _post(name: str, url: str, body: Any, timeout: int) -> bool:
    import urllib.request  # here, since most runs of fab tell nobody
    from http.client import HTTPException

    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310 checked with the settings
    try:
        with urllib.request.urlopen(request, timeout=timeout):  # noqa: S310
            return True
    except (OSError, ValueError, HTTPException) as error:
        console.say(f"   ⚠️  {name} could not be told: {error}", console.YELLOW)
        return False
