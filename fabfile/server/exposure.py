"""What a web server must keep to itself, and how to see from its answers whether it does."""

from __future__ import annotations

import json
import re
import secrets

LISTING = "Index of |Directory listing|Parent Directory"
# Path -> what is in it. What a site answers to any path at all, such as the page of a single-page application, is none of these.
PRIVATE = {
    "/.env": r"(?m)^(APP|DB)_\w+=",
    "/shared/.env": r"(?m)^(APP|DB)_\w+=",
    "/.git/config": r"\[core\]",
    "/.git/HEAD": r"^(ref: |[0-9a-f]{40})",
    "/composer.json": r'"(require|name|autoload)"\s*:',
    "/artisan": r"^#!|<\?php",
    "/storage/logs/laravel.log": r"^\[\d{4}-\d\d-\d\d",
    "/deployment.log": r"(?m)^={37}$",
    "/vendor/autoload.php": r"^\s*$|ComposerAutoloader",
    "/vendor/": LISTING,
    "/releases/": LISTING,
    "/backups/": LISTING,
}


def nobody() -> str:
    """A path that no site has: what it answers there it answers anywhere."""
    return f"/{secrets.token_hex(16)}"


def served(answers: str) -> list[str]:
    """The paths that are handed out; ``answers`` are lines of [path, status, body's beginning], ``nobody`` first."""
    (_, anywhere, _), *rows = [row for line in answers.splitlines() if (row := _row(line))] or [("", 0, "")]
    return [path for path, status, body in rows if _good(status) and (not _good(anywhere) or re.search(PRIVATE[path], body))]


def _row(line: str) -> tuple[str, int, str] | None:
    """None for what PHP says besides, such as "[22-Nov-2026 10:15:00 UTC] PHP Warning"."""
    try:
        path, status, body = json.loads(line)
        return (str(path), int(status), str(body))
    except (ValueError, TypeError):
        return None


def _good(status: int) -> bool:
    return 200 <= status <= 299
