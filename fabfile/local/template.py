"""The deploy.toml of one application: what was found, what was imported, and the few keys a person has to fill in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..laravel.detect import Application

HEAD = """\
# laravel-fab deploys this application with:  fab deploy --host=prod
# Every key, its default and what it is for: docs/configuration.md of laravel-fab.
# ${NAME} and ${NAME:-default} come from the environment or from .env.deploy beside this file, where secrets belong.
"""
COMMENTS = {  # of [hosts.prod]
    "address": "user@host, user@host:port or an ssh_config alias",
    "path": "the site's folder on the server: holds releases, shared and current",
    "url": "asked after every switch; the deployment goes back if it does not answer",
    "health_path": "what is asked there",
    "php": "the server's PHP",
    "env_file": "the first .env of this server; fab local.env writes one to fill in",
}


def deploy_toml(found: Application, imported: Mapping[str, Any]) -> str:
    """The text of a deploy.toml; ``imported`` wins over what was found."""
    tables: dict[str, dict[str, Any]] = {
        "project": {"name": found.name or "my-app", "type": "laravel-with-js" if found.has_frontend else "laravel"},
        "versions": {},
        "build": {},
        "defaults": {"shared_folders": list(found.shared_folders), "health_path": found.health_path or "/"},
        "hosts.prod": {"address": "deploy@prod.example.com", "path": f"/srv/{found.name or 'my-app'}", "url": "https://prod.example.com"},
    }
    tables["project"] |= {key: value for key, value in (("repository", found.repository), ("branch", found.branch)) if value}
    for name in ("project", "versions", "build", "defaults"):
        tables[name] |= imported.get(name, {})
    prod = dict(imported.get("hosts", {}).get("prod", {}))
    docroot = prod.pop("public_html", None)
    if tables["build"].get("strategy") == "builder":  # it needs a host, which the flow's file has no key for
        tables["build"]["builder"], tables["hosts.builder"] = "builder", {"address": "build@builder.example.com"}
    tables["hosts.prod"] |= prod
    tables["hosts.prod"]["env_file"] = ".env.prod"
    if docroot:
        tables["hosts.prod.public_html"] = docroot
    return HEAD + "".join(_table(name, values) for name, values in tables.items() if values)


def _table(name: str, values: Mapping[str, Any]) -> str:
    comments = COMMENTS if name == "hosts.prod" else {}
    lines = [f"{key} = {_value(value)}{f'  # {comments[key]}' if key in comments else ''}" for key, value in values.items()]
    return f"\n[{name}]\n" + "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """A value as TOML: of the kinds used here JSON writes the same, but for DEL."""
    text = re.sub(r"\$\{(\w+)\}", r"${\1:-}", json.dumps(value, ensure_ascii=False))  # the flow's COMMIT_START may be unset
    return text.replace("\x7f", "\\u007f")
