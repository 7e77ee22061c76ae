"""What a web server must keep to itself, and how to see from its answers whether it does."""

from __future__ import annotations

import json
import re
import secrets

LATE = ("no time left", "no answer in time", "no whole answer in time")  # see http.php
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


def served(answers: str) -> tuple[list[str], list[str]]:
    """The paths that are handed out, and those of which nothing is known: all where the site is silent, those that time ran out for.

    ``answers`` are lines of [path, status, body's beginning]; one of a path that no site has (``nobody``) says what any path is
    answered. A web server that hangs up on a private path, and on no other, keeps it to itself.
    """
    rows = [row for line in answers.splitlines() if (row := _row(line))]
    anywhere = next((status for path, status, _ in rows if path not in PRIVATE), 0)
    private = [row for row in rows if row[0] in PRIVATE]
    out = [path for path, status, body in private if _good(status) and (not _good(anywhere) or re.search(PRIVATE[path], body))]
    asked = {path for path, _, body in private if anywhere and body not in LATE}
    return out, [path for path in PRIVATE if path not in asked]


def _row(line: str) -> tuple[str, int, str] | None:
    """None for what PHP says besides, such as "[22-Nov-2026 10:15:00 UTC] PHP Warning"."""
    try:
        path, status, body = json.loads(line)
        return (str(path), int(status), str(body))
    except (ValueError, TypeError):
        return None


def _good(status: int) -> bool:
    return 200 <= status <= 299
