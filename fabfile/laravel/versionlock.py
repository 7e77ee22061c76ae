"""The version lock: which PHP, Composer, Node and npm a project was analyzed with. TOML that is parsed, never sourced."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone

from ..engine.errors import Failure

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOOLS = ("php", "composer", "node", "npm")
# how many numbers have to agree: a PHP 8.2 does what 8.3 does not, a Composer 2.5 what 2.7 does
DEPTH = {"php": 2, "composer": 1, "node": 1, "npm": 1}


@dataclass(frozen=True)
class VersionLock:
    """Versions as the tools print them, without a ``v``; an empty text means: not there, or not asked."""

    php: str = ""
    composer: str = ""
    node: str = ""
    npm: str = ""
    extensions: tuple[str, ...] = ()
    analyzed_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc).replace(microsecond=0))


def dump(lock: VersionLock) -> str:
    """``lock`` as TOML."""
    lines = [f"{tool} = {_text(getattr(lock, tool))}" for tool in TOOLS]
    names = ", ".join(_text(name) for name in sorted(set(lock.extensions)))
    moment = lock.analyzed_at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return "\n".join([*lines, f"extensions = [{names}]", f"analyzed_at = {moment}", ""])


def _text(value: str) -> str:
    """A TOML string is a JSON string, except that DEL has to be escaped and surrogates do not exist."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def load(text: str, name: str = "version-lock.toml") -> VersionLock:
    """The lock in ``text``. Raises Failure when it is not one: it is made anew by an analysis."""
    try:
        data = tomllib.loads(text)
        versions = {tool: str(data.get(tool, "")).removeprefix("v") for tool in TOOLS}
        moment = data["analyzed_at"]
        if not isinstance(moment, datetime) or not isinstance(data.get("extensions", []), list):
            raise KeyError("analyzed_at")
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise Failure(f"{name} is not a version lock: {error}", "fab local.analyze") from None
    return VersionLock(**versions, extensions=tuple(map(str, data.get("extensions", []))), analyzed_at=moment)


def mismatches(wanted: VersionLock, found: VersionLock) -> tuple[str, ...]:
    """One sentence for each tool that differs in what matters, and for each extension that is gone."""
    versions = (_mismatch(tool, getattr(wanted, tool), getattr(found, tool)) for tool in TOOLS)
    gone = (f"the PHP extension {name} is missing" for name in _gone(wanted.extensions, found.extensions))
    return (*filter(None, versions), *gone)


def _gone(wanted: Iterable[str], found: Iterable[str]) -> list[str]:
    return sorted({name.lower() for name in wanted} - {name.lower() for name in found})


def _mismatch(tool: str, wanted: str, found: str) -> str:
    """Only as many numbers are compared as both have, so ``18`` fits ``18.20.4``."""
    if not wanted:
        return ""
    if not found:
        return f"{tool} is missing, {wanted} is wanted"
    depth = min(DEPTH[tool], wanted.count(".") + 1, found.count(".") + 1)
    return "" if wanted.split(".")[:depth] == found.split(".")[:depth] else f"{tool} is {found}, {wanted} is wanted"
