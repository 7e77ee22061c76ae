"""Which check each key of deploy.toml passes.

A key whose texts may be anything in one line is not listed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import addresses, validate
from .nearest import did_you_mean
from .schema import Build, Hook, Host, Notify, Project, PublicHtml, Settings, Versions
from .validate import Bad

HOOK_TASK = re.compile(r"[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*")
USUAL = "..."  # the steps that are there anyway


def whole(low: int, high: int = 2**31 - 1) -> Callable[[int], int]:
    """A number from ``low`` to ``high``."""

    def check(number: int) -> int:
        if not low <= number <= high:
            raise Bad(f"must be {low} to {high}" if high < 2**31 - 1 else f"must be {low} or more")
        return number

    return check


def like(pattern: str, example: str) -> Callable[[str], str]:
    """A text that matches all of ``pattern``."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise Bad(f"must look like {example}")
        return text

    return check


def one_of(*words: str) -> Callable[[str], str]:
    """One of ``words``."""

    def check(text: str) -> str:
        if text not in words:
            raise Bad(f"must be one of {', '.join(words)}{did_you_mean(text, words, listed=True)}")
        return text

    return check


def optional(check: Callable[[str], Any]) -> Callable[[str], str]:
    """The empty text, or one that passes ``check``."""
    return lambda text: check(text) if text else ""


def is_address(text: str) -> str:
    """An address, left in one piece."""
    addresses.address(text)
    return text


def health_path(text: str) -> str:
    if not re.fullmatch(r"/\S*", validate.one_line(text)):
        raise Bad('must begin with "/" and hold no spaces, such as /up')
    return text


def socket(text: str) -> str:
    return text if re.fullmatch(r"[\w.-]+:\d{1,5}", text) else validate.absolute(text)


VERSION = optional(like(r"\d+(\.\d+){0,2}", '"8.2" or "18"'))
PROGRAM = like(r"(?!all$)[A-Za-z0-9_][\w.:*-]*", "my-app-worker; supervisor's \"all\" would restart other sites' programs too")
WORD = like(r"[a-z][a-z0-9:_-]*", "queue")
POSITIVE, COUNT = whole(1), whole(0)

RULES: dict[tuple[type, str], Callable[[Any], Any]] = {
    (Project, "name"): optional(like(r"[^\W_][^/\\\x00-\x1f\x7f]*", "My Application")),
    (Project, "path"): validate.no_option,
    (Project, "branch"): addresses.ref,
    (Project, "commit"): optional(addresses.ref),
    (Project, "commit_start"): optional(addresses.ref),
    **{(Versions, name): VERSION for name in ("php", "composer", "node", "npm")},
    (Build, "builder"): optional(like(addresses.HOST_NAME.pattern, "builder")),
    (Build, "path"): optional(validate.server_path),
    (Build, "php"): validate.program,
    (Build, "composer"): validate.program,
    (Build, "script"): like(r"[A-Za-z0-9_][\w.:-]*", "build"),
    (Build, "required"): validate.relative,
    (Build, "timeout"): POSITIVE,
    (Build, "keep_artifacts"): POSITIVE,
    (PublicHtml, "path"): optional(validate.server_path),
    (Host, "address"): optional(is_address),
    (Host, "user"): optional(addresses.user),
    (Host, "port"): whole(0, 65535),
    (Host, "key"): validate.no_option,
    (Host, "known_hosts"): validate.no_option,
    (Host, "gateway"): optional(is_address),
    (Host, "path"): optional(validate.server_path),
    (Host, "url"): optional(addresses.web_url),
    (Host, "branch"): optional(addresses.ref),
    (Host, "php"): validate.program,
    (Host, "composer"): validate.program,
    (Host, "env_file"): validate.no_option,
    (Host, "web_group"): optional(addresses.user),
    **{(Host, name): POSITIVE for name in ("keep_releases", "keep_backups", "backup_days")},
    **{(Host, name): POSITIVE for name in ("health_timeout", "health_tries", "health_successes")},
    **{(Host, name): POSITIVE for name in ("command_timeout", "connect_timeout")},
    **{(Host, name): validate.relative for name in ("shared_folders", "shared_files", "writable", "asset_folders")},
    (Host, "disk_limit"): whole(1, 100),
    (Host, "caches"): WORD,
    (Host, "health_path"): optional(health_path),
    (Host, "warm_paths"): health_path,
    (Host, "resolve"): optional(like(r"[A-Za-z0-9][A-Za-z0-9.-]*|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?", "127.0.0.1")),
    (Host, "fpm_socket"): optional(socket),
    (Host, "opcache_command"): validate.command,
    (Host, "workers"): one_of("auto", "queue", "horizon", "reverb", "pulse", "schedule", "octane", "ssr"),
    (Host, "supervisor"): PROGRAM,
    (Host, "supervisorctl"): validate.program,
    **{(Host, name): COUNT for name in ("keep_assets", "lock_wait", "drain_timeout")},
    (Host, "deadline"): whole(10),
    (Hook, "task"): optional(like(rf"{HOOK_TASK.pattern}|\.\.\.", 'namespace.task or "..."')),
    (Hook, "command"): validate.command,
    (Hook, "timeout"): POSITIVE,
    (Notify, "slack"): optional(addresses.web_url),
    (Notify, "webhook"): optional(addresses.web_url),
    (Notify, "timeout"): POSITIVE,
    (Settings, "default_host"): optional(like(addresses.HOST_NAME.pattern, "prod")),
    (Settings, "modules"): validate.no_option,
}


def hook_from_text(text: str) -> Hook:
    """``namespace.task`` and ``...`` are tasks, everything else is a command for the server's shell."""
    return Hook(task=text) if text == USUAL or HOOK_TASK.fullmatch(text) else Hook(command=text)


SHORT_FORM: dict[type, Callable[[str], Any]] = {Hook: hook_from_text}
