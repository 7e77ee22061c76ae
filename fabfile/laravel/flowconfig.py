"""The flow's deployment-config.json [0-init-vars], as the tables of deploy.toml."""

from __future__ import annotations

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
            _put(settings, target, value)
    domain = _get(data, DOMAIN)
    if domain:  # only a hint: nothing touches a document root as long as the mode is none
        _put(settings, "hosts.prod.public_html", {"mode": "none", "path": f"{str(domain).rstrip('/')}/public_html"})
    folders = jsontext.mapping(settings.get("defaults")).get("shared_folders")
    if isinstance(folders, list):
        settings["defaults"]["shared_folders"] = [folder for folder in folders if str(folder).strip("/") != NOT_SHARED]
    return settings


def unknown_keys(text: str) -> tuple[str, ...]:
    """Keys of ``text`` that have no place in deploy.toml and were not taken over."""
    data = jsontext.parse(text, "deployment-config.json")
    flat = [f"{table}.{key}" if isinstance(items, dict) else table for table, items in data.items() for key in (items or [""])]
    return tuple(dict.fromkeys(name for name in flat if name not in MOVES and name != DOMAIN))


def _get(data: dict[str, Any], name: str) -> Any:
    table, key = name.split(".")
    return jsontext.mapping(data.get(table)).get(key)


def _put(settings: dict[str, Any], name: str, value: Any) -> None:
    *tables, key = name.split(".")
    for table in tables:
        settings = settings.setdefault(table, {})
    settings[key] = value
