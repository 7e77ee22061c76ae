"""What must be true after any fault: of the answers visitors got, the words and the exit code of the client, and of `fab status`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.support.load import Answer
from tests.support.site import log_blocks

SENTINEL = "s3ntinel-of-the-sweep"
KEY = "base64:czNudGluZWwgb2YgdGhpcnR5LXR3byBieXRlcyAuLi4="
NEXT = re.compile(r"^ *→ .*\b(fab [a-z]|ssh |set hosts\.)", re.MULTILINE)
LIVE, WARNED, FAILED, BACK, UNDECIDED, INTERRUPTED = 0, 3, 4, 5, 6, 130
ENDS = (LIVE, WARNED, FAILED, BACK, UNDECIDED, INTERRUPTED)


def answers(seen: Sequence[Answer], versions: dict[str, str], new: str) -> list[str]:
    """I2: every request succeeded, and each answer is of one release; any that ``versions`` does not name brings version ``new``."""
    broken = [f"I2 request failed: {answer.status} {answer.body[:80]}" for answer in seen if answer.status != 200]
    for answer in (each for each in seen if each.status == 200):
        facts = json.loads(answer.body)
        if str(facts["version"]) != versions.get(facts["release"], new):
            broken.append(f"I2 mixed: version {facts['version']} of release {facts['release']}")
    return list(dict.fromkeys(broken))[:3]


def end(code: int, kind: str, before: str, now: str) -> list[str]:
    """I3: the exit code is one of ours, and says what serves."""
    signalled = {"kill-before": (-9,), "kill-after": (-9,), "moment": (-9, -2, -15)}.get(kind, ())
    if code not in (*ENDS, *signalled):
        return [f"I3 exit code {code}"]
    new = now != before
    wrong = {LIVE: not new, WARNED: not new, FAILED: bool(before) and new, BACK: not before or new, INTERRUPTED: new}
    return [f"I3 exit code {code}, but {now or 'nothing'} serves, and before that {before or 'nothing'}"] if wrong.get(code) else []


def words(code: int, text: str) -> list[str]:
    """I5 and I11: no secret, no traceback, and whoever has to act is told what to type."""
    broken = ["I5 a secret is in the output"] if secret(text) else []
    if "Traceback (most recent call last)" in text:
        broken.append("I11 a traceback")
    if code in (FAILED, BACK, UNDECIDED, INTERRUPTED) and not NEXT.search(text):
        broken.append(f"I11 exit code {code} without a command to type next")
    if code == WARNED and "⚠️" not in text and not NEXT.search(text):
        broken.append("I11 exit code 3 without a warning")
    return broken


def secret(text: str) -> bool:
    return SENTINEL in text or KEY.removeprefix("base64:") in text


def written(site: Path) -> list[str]:
    """I5: nothing that we write down on the server holds a secret."""
    files: Iterable[Path] = (path for path in (site / "deployment.log", *(site / ".deploy").rglob("*")) if path.is_file())
    return [f"I5 a secret is in {path.relative_to(site)}" for path in files if secret(path.read_text(errors="replace"))]


def status(text: str, code: int, before: str, now: str) -> list[str]:
    """What `fab status` says: what serves, and that it is live; confirmed, but for a first release that did not come so far."""
    rows = dict(re.findall(r"^(current|state|lock) {2,}(.*)$", text, re.MULTILINE)[:3])
    broken = [] if rows.get("current") == (now or "nothing is deployed") else [f"status: {rows.get('current')} is current, not {now}"]
    unsure = not before and code not in (LIVE, WARNED)
    if now and rows.get("state") not in (("live", "live, not confirmed") if unsure else ("live",)):
        broken.append(f"status: {now}, which serves, is {rows.get('state')}")
    if not rows.get("lock", "").startswith("free"):
        broken.append(f"status: the lock is {rows.get('lock')}")
    return broken


def told(site: Path, code: int, now: str, known: int) -> list[str]:
    """After a Ctrl-C: one block in the log that says what the exit code says; it has ``known`` from before."""
    blocks = log_blocks(site)[known:] if (site / "deployment.log").exists() else []
    if code == INTERRUPTED:
        return [f"log: {len(blocks)} blocks of a run that did not begin"] if blocks else []
    ours = [block for block in blocks if block.get("By") != "the server itself"]
    if code not in (LIVE, WARNED):
        return []
    good = len(ours) == 1 and ours[0]["Serving"] == now and ours[0]["Status"] in ("SUCCESS", "ROLLED BACK ON REQUEST")
    return [] if good else [f"log: {now} serves, and the log says {ours}"]
