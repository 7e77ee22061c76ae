"""What is wrong with a .env for production. Names and lines only: no sentence here ever holds a value."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from .envparse import duplicates, parse, values

MISSING_KEY_HINT = "php artisan key:generate --show makes one; a key that data was encrypted with must be kept"


@dataclass(frozen=True)
class Problem:
    """``error``: the application will not work, or not safely; ``warning``: probably not what was meant."""

    level: Literal["error", "warning"]
    key: str
    line: int
    text: str
    hint: str = ""


def problems(text: str, production: bool = True, framework: str = "", cipher: str = "AES-256-CBC") -> tuple[Problem, ...]:
    """All problems of a .env text; ``framework`` is Laravel's version, if known."""
    found, lines = values(text), {entry.name: entry.line for entry in parse(text)}
    checks = [*_syntax(text), *_app_key(found.get("APP_KEY"), cipher), *_stores(found, framework)]
    if production:
        checks += _production(found)
    placed = (Problem(item.level, item.key, item.line or lines.get(item.key, 0), item.text, item.hint) for item in checks)
    return tuple(sorted(placed, key=lambda item: item.level))


def _syntax(text: str) -> Iterator[Problem]:
    for entry in parse(text):
        if entry.error:
            said = f"Laravel cannot read the file: {entry.error}"
            yield Problem("error", entry.name, entry.line, said, "put the value in double quotes")
    for name, lines in duplicates(text).items():
        where = ", ".join(map(str, lines))
        yield Problem("warning", name, lines[-1], f"set {len(lines)} times (lines {where}): Laravel takes the last one", "keep one of them")


def _app_key(key: str | None, cipher: str) -> Iterator[Problem]:
    """Laravel's Encrypter takes exactly 32 bytes for AES-256 and 16 for AES-128; EncryptionServiceProvider decodes ``base64:``."""
    wanted = 16 if "128" in cipher else 32
    if not key:
        yield Problem("error", "APP_KEY", 0, "is missing" if key is None else "is empty", MISSING_KEY_HINT)
    elif (length := _key_length(key)) != wanted:
        yield Problem("error", "APP_KEY", 0, f"has {length} bytes where {cipher} needs {wanted}", MISSING_KEY_HINT)


def _key_length(key: str) -> int:
    if not key.startswith("base64:"):
        return len(key.encode())
    try:
        return len(base64.b64decode(key[7:]))
    except (binascii.Error, ValueError):
        return 0


def is_true(value: str) -> bool:
    """Whether ``(bool) env(…)`` is true: only false, null, empty, 0 and nothing are not, so ``off`` and ``no`` are (Env.php)."""
    return value.lower() not in ("", "0", "false", "(false)", "null", "(null)", "empty", "(empty)")


def _production(found: Mapping[str, str]) -> Iterator[Problem]:
    if is_true(found.get("APP_DEBUG", "false")):
        yield Problem("error", "APP_DEBUG", 0, "is on: every error page shows secrets to visitors", "APP_DEBUG=false")
    if found.get("APP_ENV", "production") != "production":
        yield Problem("warning", "APP_ENV", 0, "is not production", "APP_ENV=production")


def _stores(found: Mapping[str, str], framework: str) -> Iterator[Problem]:
    """config/cache.php reads CACHE_DRIVER up to Laravel 10 and CACHE_STORE from 11 on; an upgraded application may keep the old file."""
    major = framework.partition(".")[0]
    if not major.isdigit():
        return
    wanted, other = ("CACHE_STORE", "CACHE_DRIVER") if int(major) >= 11 else ("CACHE_DRIVER", "CACHE_STORE")
    if other in found and wanted not in found:
        hint = f"rename it to {wanted}, unless config/cache.php reads {other}"
        yield Problem("warning", other, 0, f"is not read by Laravel {major}, which has {wanted}", hint)
