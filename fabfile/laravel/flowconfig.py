"""The flow's deployment-config.json [0-init-vars], as the tables of deploy.toml."""

from __future__ import annotations

import re
from typing import Any

from . import jsontext

# where each key of the JSON file goes; hosts.prod is the one server the file knows
MOVES = {
    "project.name": "project.name",
    "project.type": "project.type",
    "project.has_frontend": "project.has_frontend",
    "paths.local_machine": "project.path",
    "paths.server_deploy": "hosts.prod.path",
    "paths.builder_vm": "build.path",
    "repository.url": "project.repository",
    "repository.branch": "project.branch",
    "repository.commit_start": "project.commit_start",
    "repository.commit_end": "project.commit",
    "versions.php": "versions.php",
    "versions.composer": "versions.composer",
    "versions.node": "versions.node",
    "versions.npm": "versions.npm",
    "deployment.strategy": "build.strategy",
    "deployment.keep_releases": "defaults.keep_releases",
    "deployment.shared_folders": "defaults.shared_folders",
}
DOMAIN = "paths.server_domain"
# each release compiles its own views: a shared folder would be emptied under the release that serves (ViewClearCommand)
NOT_SHARED = "storage/framework/views"


def import_flow_json(text: str) -> dict[str, Any]:
    """The settings of ``text`` as nested tables. ``${NAME}`` stays as it is, for deploy.toml knows it too. Raises Failure."""
    data, settings = jsontext.parse(text, "deployment-config.json"), dict[str, Any]()
    for source, target in MOVES.items():
        value = _get(data, source)
        if value is not None:
            _put(settings, target, _read(source, value))
    domain = _get(data, DOMAIN)
    if domain:  # only a hint: nothing touches a document root as long as the mode is none
        _put(settings, "hosts.prod.public_html", {"mode": "none", "path": f"{str(domain).rstrip('/')}/public_html"})
    folders = jsontext.mapping(settings.get("defaults")).get("shared_folders")
    if isinstance(folders, list):
        settings["defaults"]["shared_folders"] = [folder for folder in folders if str(folder).strip("/") != NOT_SHARED]
    return settings


def left_out(text: str) -> list[str]:
    """What of ``text`` does not come along, and why, each in a sentence."""
    told = [f"{name} is not taken over: deploy.toml has no such setting" for name in unknown_keys(text)]
    folders = _get(jsontext.parse(text, "deployment-config.json"), "deployment.shared_folders")
    if isinstance(folders, list) and NOT_SHARED in (str(folder).strip("/") for folder in folders):
        told.append(f"{NOT_SHARED} is not shared: every release compiles views of its own")
    return told


def source_of(message: str) -> str:
    """The key of the JSON file that an error about deploy.toml is about; empty when it is about none."""
    return next((source for source, target in MOVES.items() if re.search(rf"(?<![\w.]){re.escape(target)}\b", message)), "")


def unknown_keys(text: str) -> tuple[str, ...]:
    """Keys of ``text`` that have no place in deploy.toml and were not taken over."""
    data = jsontext.parse(text, "deployment-config.json")
    tables = {name.partition(".")[0] for name in MOVES}
    flat = [
        name
        for table, items in data.items()
        for name in ([f"{table}.{key}" for key in items] if isinstance(items, dict) else [table] if items or table not in tables else [])
    ]
    return tuple(name for name in flat if name not in MOVES and name != DOMAIN)


def _get(data: dict[str, Any], name: str) -> Any:
    table, key = name.split(".")
    return jsontext.mapping(data.get(table)).get(key)


def _read(source: str, value: Any) -> Any:
    """``value`` as deploy.toml wants it where it is only written as a text; anything else is left for its check to refuse."""
    if source == "deployment.keep_releases" and isinstance(value, str) and re.fullmatch("[0-9]+", value):
        return int(value)
    if source == "project.has_frontend" and value in ("true", "false"):
        return value == "true"
    return value


def _put(settings: dict[str, Any], name: str, value: Any) -> None:
    *tables, key = name.split(".")
    for table in tables:
        settings = settings.setdefault(table, {})
    settings[key] = value
