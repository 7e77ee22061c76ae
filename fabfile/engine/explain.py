"""``fab config``: every setting with its value and where it came from, secrets masked."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from .masks import HIDDEN, mask
from .origin import SECRET_KEYS
from .schema import Hook
from .settings import Loaded
from .trace import leaves_of, of_host, origin


class Row(NamedTuple):
    """One setting."""

    key: str
    value: str
    origin: str


def describe(loaded: Loaded, host: str = "", values: Mapping[str, Any] | None = None) -> list[Row]:
    """The rows of all sections, with those of ``host`` where the schema has hosts; ``values`` as in Loaded.host.

    Raises SettingsError when the host cannot be used.
    """
    rows = [Row(key, shown(key, value, loaded), loaded.origins[key]) for key, value in leaves_of(loaded.settings)]
    middle = next((i for i, row in enumerate(rows) if row.key.startswith("hooks.")), len(rows))
    return rows[:middle] + (_host_rows(loaded, host, values) if host else []) + rows[middle:]


def _host_rows(loaded: Loaded, host: str, values: Mapping[str, Any] | None) -> list[Row]:
    made, leaves = loaded.host(host, values), of_host(loaded.hosts, host, values)
    variables = loaded.hosts.converter.variables
    rows = []
    for key, value in leaves_of(made, ("hosts", host)):
        leaf = leaves[key]
        rows.append(Row(key, shown(key, value, loaded), origin(leaf, variables) if leaf else "default"))
    return rows


def shown(key: str, value: object, loaded: Loaded) -> str:
    """``value`` as TOML would have it, without secrets."""
    if key in SECRET_KEYS and value:
        return HIDDEN
    return toml(value, loaded.secrets)


def toml(value: object, secrets: Collection[str] = ()) -> str:
    """``value`` as in deploy.toml, without ``secrets``; what has no value there is empty."""
    if isinstance(value, tuple):
        return f"[{', '.join(toml(item, secrets) for item in value)}]"
    if isinstance(value, Hook):
        return _hook(value, secrets)
    if isinstance(value, str):  # masked before it is quoted: a secret may hold quotes
        value = mask(value, secrets)
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _hook(hook: Hook, secrets: Collection[str]) -> str:
    if hook in (Hook(task=hook.task), Hook(command=hook.command)):
        return toml(hook.task or hook.command, secrets)
    pairs = [(key, value) for key, value in leaves_of(hook) if value != getattr(Hook(), key)]
    return f"{{ {', '.join(f'{key} = {toml(value, secrets)}' for key, value in pairs)} }}"
