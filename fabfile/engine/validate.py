"""What a text may hold: lines, commands, paths. Each check returns the text, tidied, or raises Bad with a reason.

Quoting keeps a hostile value from running; these keep it from being meant for something else: an option, a
parent folder, a second line, somebody else's directory.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from itertools import pairwise
from unicodedata import category

_SYSTEM = re.compile(r"/(bin|boot|dev|etc|lib|lib32|lib64|proc|sbin|sys)/.*|/(home|Users|export/home)/[^/]+|/usr/[^/]+|/var(/lib)?/[^/]+")


class Bad(ValueError):
    """Why a value is refused, as the rest of a sentence that begins with its key."""


def one_line(text: str) -> str:
    """No control characters and nothing that UTF-8 cannot carry; any script and spaces are fine."""
    if any(category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text):
        raise Bad("must be one line without control characters")
    return text


def no_option(text: str) -> str:
    """One line that no program takes for an option."""
    if one_line(text).startswith("-"):
        raise Bad('must not begin with "-"')
    return text


def program(text: str) -> str:
    """A program's name or path, with or without arguments."""
    if not no_option(text).strip():
        raise Bad("must not be empty")
    return text


def command(text: str) -> str:
    """A command line: newlines and tabs are allowed, NUL and half characters cannot be sent."""
    one_line(text.replace("\n", " ").replace("\t", " "))
    return text


def absolute(text: str) -> str:
    """An absolute path without ``.`` or ``..``, tidied of doubled and trailing slashes."""
    if one_line(text).startswith("~"):
        raise Bad('must not begin with "~", which shells disagree about; write it out, such as /home/USER/my-app')
    if not text.startswith("/"):
        raise Bad("must be absolute, such as /srv/my-app")
    if {".", ".."} & set(text.split("/")):
        raise Bad('must not hold "." or ".."')
    return "/" + text.strip("/") if "//" not in text else posixpath.normpath("/" + text.lstrip("/"))


def server_path(text: str) -> str:
    """A folder that may be ours alone: absolute, and neither a top-level folder, a home, nor the system's."""
    path = absolute(text)
    if path.count("/") < 2 or _SYSTEM.fullmatch(path):
        name = "the whole disk" if path == "/" else "a folder of the system or of a user"
        raise Bad(f"must be a folder of its own, such as /srv/my-app or /home/USER/my-app; this is {name}")
    return path


def relative(text: str) -> str:
    """A path inside a release, without a trailing slash."""
    path = no_option(text).rstrip("/")
    if text.startswith(("/", "~")) or not path or {"", ".", ".."} & set(path.split("/")):
        raise Bad('must be relative to the release, without "." or "..", such as storage/app')
    return path


def apart(paths: Iterable[str]) -> None:
    """No path is given twice or lies inside another."""
    seen = sorted(paths, key=lambda path: path.split("/"))
    for one, two in pairwise(seen):
        if two == one or two.startswith(one + "/"):
            raise Bad(f"must not overlap: {two!r} is " + ("there twice" if one == two else f"inside {one!r}"))
