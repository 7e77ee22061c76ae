"""Composer's content-hash: which part of composer.json a composer.lock was made from.

What counts, and how it is written before hashing, is Composer's ``Locker::getContentHash`` (the same in 1.x and 2.x): a few keys,
sorted, in the words of PHP's ``json_encode`` without flags.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from . import jsontext

RELEVANT = (
    "name",
    "version",
    "require",
    "require-dev",
    "conflict",
    "replace",
    "provide",
    "minimum-stability",
    "prefer-stable",
    "repositories",
    "extra",
)
SHORT = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def content_hash(composer_json: str) -> str:
    """The hash Composer would write into composer.lock for this composer.json. Raises Failure when it is not JSON."""
    content = jsontext.parse(composer_json, "composer.json")
    relevant = {key: content[key] for key in RELEVANT if key in content}
    platform = jsontext.mapping(content.get("config")).get("platform")
    if platform is not None:
        relevant["config"] = {"platform": platform}
    return hashlib.md5(php_json({key: relevant[key] for key in sorted(relevant)}).encode(), usedforsecurity=False).hexdigest()


def php_json(value: Any) -> str:
    """``json_encode(json_decode(text, true))`` as PHP does it: an empty object and one with the keys 0, 1, 2… come back as lists."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, dict) and list(value) != [str(place) for place in range(len(value))]:
        return "{" + ",".join(f"{_string(key)}:{php_json(item)}" for key, item in value.items()) + "}"
    return "[" + ",".join(php_json(item) for item in (value.values() if isinstance(value, dict) else value)) + "]"


def _string(text: str) -> str:
    return '"' + re.sub(r'["\\/\x00-\x1f]|[^\x00-\x7f]', lambda match: _escape(match[0]), text) + '"'


def _escape(char: str) -> str:
    if char in SHORT:
        return SHORT[char]
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))


def _number(value: float) -> str:
    """PHP has 64 bits for an integer and reads more as a float; it writes 10.0 as 10 and 1e+25 as 1.0e+25."""
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return str(value)
    value = float(value)
    if value.is_integer() and abs(value) < 1e17:
        from decimal import Decimal  # hardly a composer.json has such a number

        return format(Decimal(repr(value)), "f").removesuffix(".0")  # the shortest digits, filled up with zeros
    digits, _, exponent = repr(value).partition("e")
    return digits if not exponent else f"{digits if '.' in digits else digits + '.0'}e{int(exponent):+d}"
