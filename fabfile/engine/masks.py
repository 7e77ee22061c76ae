"""What is not for people's eyes: names that promise a secret, and text with the secrets taken out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from .redact import MASK as HIDDEN

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|PASS$|_PW|WEBHOOK|DSN|CREDENTIAL|PRIVATE|AUTH(?!OR)", re.IGNORECASE)
_LOGIN = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>[^\s/@:]*)(?::(?P<password>[^\s/@]*))?@")


def looks_secret(name: str) -> bool:
    """True for a variable such as API_TOKEN, DB_PASSWORD or SLACK_WEBHOOK."""
    return bool(_SECRET_NAME.search(name))


def logins(text: str) -> set[str]:
    """Passwords inside the URLs of ``text``; ``https://TOKEN@host`` is one too, ``ssh://git@host`` is not."""
    found = {secret for match in _LOGIN.finditer(text) if (secret := _secret_part(match))}
    return found | {unquote(secret) for secret in found}


def secret_values(variables: Mapping[str, str]) -> set[str]:
    """The values in a .env that nobody may see: by their names, and passwords in URLs."""
    plain = ("", "null", "true", "false", "empty")
    found = {value for name, value in variables.items() if looks_secret(name) and value.lower().strip("()") not in plain}
    return found.union(*(logins(value) for value in variables.values()))


def hide_logins(text: str) -> str:
    """``https://user:********@host/…``"""
    return _LOGIN.sub(_hidden, text)


def mask(text: str, secrets: Iterable[str]) -> str:
    """``text`` without any of ``secrets``, longest first, so that no tail of a longer one stays; logins in URLs go too."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return hide_logins(text)


def _secret_part(match: re.Match[str]) -> str:
    alone = match["user"] if match["scheme"].lower() in ("http", "https") else ""
    return alone if match["password"] is None else match["password"]


def _hidden(match: re.Match[str]) -> str:
    if match["password"] is not None:
        return f"{match['scheme']}://{match['user']}:{HIDDEN}@"
    return f"{match['scheme']}://{HIDDEN}@" if _secret_part(match) else match[0]


__all__ = ["HIDDEN", "hide_logins", "logins", "looks_secret", "mask", "secret_values"]
