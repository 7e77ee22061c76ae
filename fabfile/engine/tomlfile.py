"""deploy.toml as a file: finding it, reading it, and the line each key is on."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME = "deploy.toml"
VARIABLE = "FAB_DEPLOY_FILE"
BESIDE_FABFILE = Path(__file__).resolve().parents[2]
Key = tuple[str | int, ...]


def find(path: Path | None, cwd: Path | None) -> Path | None:
    """``path``, else $FAB_DEPLOY_FILE, else the first deploy.toml from ``cwd`` upwards, else the one beside the fabfile.

    Raises SettingsError when a file that was asked for by name is not there.
    """
    named = path or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    here = _here(cwd)
    if named is None:
        return next((file for folder in (here, *here.parents, BESIDE_FABFILE) if os.path.lexists(file := folder / NAME)), None)
    file = here / home(named)
    if not os.path.lexists(file):
        raise SettingsError(f"{str(file)!r} does not exist; {VARIABLE} must name a deploy.toml, and fab local.init writes one")
    return file


def borrowed(file: Path | None, cwd: Path | None = None) -> bool:
    """Whether ``file`` is the one beside the fabfile, taken for want of one nearer to ``cwd``."""
    here = _here(cwd)
    beside = file is not None and file.parent == BESIDE_FABFILE and BESIDE_FABFILE not in (here, *here.parents)
    return beside and not os.environ.get(VARIABLE)


def read_text(file: Path) -> str:
    """The text of ``file``, whatever editor wrote it; raises SettingsError in one line."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{file.name}:{line}: is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{file.name}: cannot be read: {(error.strerror or type(error).__name__).lower()} ({str(file)!r})") from None


def parse(text: str, name: str) -> dict[str, Any]:
    """``text`` as TOML; raises SettingsError with the line of a syntax error."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise SettingsError(f"{name}: is nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError is one; a number of thousands of digits raises a plain one
        match = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL)
        what, line, column = match.groups() if match else (str(error), None, None)
        where = f"{line or len(text.splitlines())}" if match else "1"
        reason = what if what.isprintable() else repr(what)
        raise SettingsError(f"{name}:{where}: not TOML: {reason}" + (f" (column {column})" if column else "")) from None


def value(text: str) -> Any:
    """``text`` as one TOML value, or None when it is not one."""
    try:
        data = tomllib.loads(f"x = {text}")
    except (ValueError, RecursionError):
        return None
    return data["x"] if len(data) == 1 else None


def key(text: str) -> Key | None:
    """A dotted TOML key as a path, or None; ``hosts."a.b".path`` is a path of three."""
    try:
        data: Any = tomllib.loads(f"{text} = 0") if text.isprintable() else 0
    except ValueError:
        return None
    path = tuple(_chain(data))
    return path or None


def locate(text: str) -> dict[Key, int]:
    """The line of each key and table of ``text``, which is known to be TOML.

    No TOML library tells lines, so statements are parsed one by one: a statement ends where it parses.
    """
    found: dict[Key, int] = {}
    table: Key = ()
    for line, statement, data in _statements(text.split("\n")):
        if statement.startswith("["):
            table = tuple(_chain(data))
            if statement.startswith("[["):
                found.setdefault(table, line)
                table += (sum(len(path) == len(table) + 1 and path[:-1] == table for path in found),)
            found[table] = line
        else:
            found |= {table + path: line for path in _paths(data)}
    return found


def home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # ~nobody-we-know
        return path


def _here(cwd: Path | None) -> Path:
    try:
        return cwd.absolute() if cwd else Path.cwd()
    except OSError:
        raise SettingsError("the working directory is gone; cd to one that exists") from None


def _statements(lines: list[str]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    start = 0
    for end in range(1, len(lines) + 1):
        statement = "\n".join(lines[start:end]).strip()
        try:
            data = tomllib.loads(statement)
        except ValueError:
            continue
        if data:
            yield start + 1, statement, data
        start = end


def _chain(data: Any) -> Iterator[str]:
    while isinstance(data, Mapping) and len(data) == 1:
        [(name, data)] = data.items()
        yield name


def _paths(data: Mapping[str, Any], path: Key = ()) -> Iterator[Key]:
    for name, item in data.items():
        yield (*path, name)
        if isinstance(item, Mapping):
            yield from _paths(item, (*path, name))
