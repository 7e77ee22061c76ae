"""Nested dicts as TOML: enough for a deploy.toml that a test generates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def dumps(tree: Mapping[str, Any], prefix: str = "") -> str:
    """Return ``tree`` as TOML; values are texts, numbers, booleans, lists, and lists of tables (inline)."""
    tables = {name: value for name, value in tree.items() if isinstance(value, Mapping)}
    lines = [f"{name} = {inline(value)}" for name, value in tree.items() if name not in tables]
    blocks = [f"\n[{prefix}{name}]\n{dumps(value, f'{prefix}{name}.')}" for name, value in tables.items()]
    return "".join(line + "\n" for line in lines) + "".join(blocks)


def inline(value: Any) -> str:
    """Return one value; what JSON and TOML write alike is left to JSON."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {inline(item)}" for name, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with what ``over`` says, table by table."""
    both = {name: merge(base[name], over[name]) for name in over if isinstance(base.get(name), Mapping)}
    return {**base, **over, **both}
