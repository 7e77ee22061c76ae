"""Secrets never reach a screen, a log or a record: every text passes here first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote as url_quote

from .quoting import quote

MASK = "********"
# What a terminal obeys: escape sequences, and control characters but for tabs and line breaks.
CONTROL = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\].*?(?:\x07|\x1b\\)|[@-_])|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_secrets: list[str] = []


def remember(values: Iterable[str]) -> None:
    """Mask these from now on. Texts under four characters are left alone: they would mask half of every line."""
    known = {*_secrets, *(text for value in values if len(value) >= 4 for text in spellings(value))}
    _secrets[:] = sorted(known, key=len, reverse=True)


def spellings(secret: str) -> Iterator[str]:
    """``secret`` as it is, as shells, .env files, JSON, Python and URLs write it, and so each longer line of one with several."""
    for text in (secret, *(line for line in secret.splitlines() if len(line) >= 8)):
        in_quotes = re.sub(r'([\\"$])', r"\\\1", text)
        for shown in (text, in_quotes, quote(text.replace("\0", "")).removeprefix("'").removesuffix("'")):
            yield from (shown, json.dumps(shown)[1:-1], json.dumps(shown, ensure_ascii=False)[1:-1])
        yield from (repr(text)[1:-1], url_quote(text, safe="", errors="replace"))


def mask(text: str) -> str:
    """``text`` with every remembered secret replaced."""
    spans = sorted((at, at + len(secret)) for secret in _secrets if secret in text for at in _starts(secret, text))
    for start, end in reversed(_joined(spans)):
        text = text[:start] + MASK + text[end:]
    return text


def harmless(text: str) -> str:
    """``text`` from elsewhere, without anything in it that a terminal would obey."""
    return CONTROL.sub("", text)


def _starts(secret: str, text: str) -> Iterator[int]:
    at = text.find(secret)
    while at >= 0:
        yield at
        at = text.find(secret, at + 1)


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans with those that overlap made one: no end of a secret is left beside the start of another."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
