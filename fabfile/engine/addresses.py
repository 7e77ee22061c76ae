"""What leads to servers and sources: addresses, users, refs, URLs. Each check returns the text or raises Bad with a reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from .errors import SettingsError
from .masks import hide_logins
from .origin import printable
from .validate import Bad, no_option, one_line

T = TypeVar("T")
HOST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SIX = r"\[(?P<six>[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%\w+)?)\]"
_ADDRESS = re.compile(rf"(?:(?P<user>.+)@)?(?:{_SIX}|(?P<host>[A-Za-z0-9_][A-Za-z0-9._-]*))(?::(?P<port>[0-9]{{1,5}}))?")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@\\+-]*\$?")
_SCP = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9._-]*:[^\s:-]\S*")
_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_REPOSITORY = re.compile(rf"(?:[^\s/@-][^\s/@]*@)?{_HOST}/\S*")
_WEB = re.compile(rf"https?://(?:[^\s/@?#]+@)?{_HOST}(?:[/?]\S*)?")


class Address(NamedTuple):
    """Where SSH connects to; "" and 0 leave it to ssh_config."""

    host: str
    user: str = ""
    port: int = 0


def address(text: str) -> Address:
    """``user@host:port``, an ssh_config alias, or IPv6 in brackets."""
    match = _ADDRESS.fullmatch(one_line(text))
    if not match:
        raise Bad("must be user@host:port, an ssh_config alias, or an IPv6 address in brackets such as [::1]:22")
    port = int(match["port"] or 0)
    if match["port"] and not 0 < port < 65536:
        raise Bad("must have a port of 1 to 65535")
    return Address(match["six"] or match["host"], user(match["user"]) if match["user"] else "", port)


def user(text: str) -> str:
    if not _USER.fullmatch(text):
        raise Bad("must be the name of a user, such as deploy")
    return text


def ref(text: str) -> str:
    """A branch, tag or commit by a shorter list than git's, which calls ``a;b`` and ``a$(id)`` valid."""
    if not re.fullmatch(r"[A-Za-z0-9._/+@-]+", text) or text == "@":
        raise Bad("may hold letters, digits and . _ / + @ - only")
    if text.startswith(("-", "/", ".")) or text.endswith(("/", ".", ".lock")):
        raise Bad('must not begin with "-", "/" or ".", nor end with "/", "." or ".lock"')
    if ".." in text or "//" in text or "/." in text or ".lock/" in text:
        raise Bad('must not hold "..", "//", "/." or ".lock/"')
    return text


def repository(text: str, base: Path | None = None) -> str:
    """A URL git may be given, or a local path that exists (from ``base``); git's ``ext::`` and the like run commands."""
    no_option(text)
    if re.match(r"[A-Za-z0-9+.-]*::", text):
        raise Bad("must not use a git transport helper (::)")
    if "://" in text:
        return _repository_url(text)
    if _SCP.fullmatch(text) or (text and _exists(base or Path(), text)):
        return text
    raise Bad("must be an https, http, ssh or file URL, git@host:path, or a local path that exists")


def local_absolute(text: str, base: Path) -> str:
    """``text`` as a repository that means the same in every folder of this machine: a relative path is counted from ``base``."""
    if "://" in text or _SCP.fullmatch(text):
        return text
    path = Path(text).expanduser()
    return str(path) if path.is_absolute() else str((base / path).resolve())


def _repository_url(text: str) -> str:
    scheme, _, rest = text.partition("://")
    if scheme not in ("https", "http", "ssh", "git+ssh", "file"):
        raise Bad("must have one of the schemes https, http, ssh, git+ssh, file")
    if scheme == "file" and rest.startswith("/"):
        return text
    if not _REPOSITORY.fullmatch(rest):
        raise Bad("must be a URL with a host and a path, without spaces")
    return text


def _exists(base: Path, text: str) -> bool:
    try:
        return (base / Path(text).expanduser()).exists()
    except (OSError, RuntimeError):  # a name too long, a user unknown
        return False


def web_url(text: str) -> str:
    """An http or https URL without a trailing slash."""
    if not _WEB.fullmatch(one_line(text)):
        raise Bad("must be a URL that begins with https:// or http://, such as https://www.example.com")
    return text.rstrip("/")


def check_ref(text: str, what: str = "branch") -> str:
    """``text`` if it can be a branch or tag; raises SettingsError that calls it ``what``."""
    return _checked(ref, text, what)


def check_commit(text: str) -> str:
    """``text`` if it can be a commit's hash or a tag; raises SettingsError."""
    return _checked(ref, text, "commit")


def check_repository(text: str, base: Path | None = None) -> str:
    """``text`` if git may be given it; raises SettingsError."""
    return _checked(lambda given: repository(given, base), text, "repository")


def check_address(text: str) -> Address:
    """The parts of ``user@host:port``; raises SettingsError."""
    return _checked(address, text, "address")


def _checked(check: Callable[[str], T], text: str, what: str) -> T:
    try:
        return check(text)
    except Bad as reason:
        raise SettingsError(printable(f"{what} {reason}; given: {hide_logins(text)!r}")) from None
