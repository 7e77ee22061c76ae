"""``${NAME}`` and ``${NAME:-default}`` in the strings of deploy.toml."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from .errors import SettingsError
from .masks import looks_secret
from .origin import At
from .tomlfile import read_text

FILE = ".env.deploy"
# A "$" that begins neither "$$" nor "${" is left alone: hooks are full of "$1" and "$HOME", which are the server's business.
_TOKEN = re.compile(r"\$\$|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<fallback>:-(?P<default>[^{}]*))?\}|(?P<broken>\$\{[^}]*\}?)")


class Unset(SettingsError):
    """A variable without a value or a default."""


@dataclass(frozen=True)
class Variables:
    """The environment, and under it ``.env.deploy``."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    file: Mapping[str, str] = field(default_factory=dict, repr=False)

    def get(self, name: str, fallback: str | None = None) -> str | None:
        """The value of ``name``; ``fallback`` when it is unset or empty, as in a shell."""
        value = self.environment.get(name, self.file.get(name))
        return fallback if fallback is not None and not value else value

    def origin(self, name: str) -> str:
        where = "environment" if name in self.environment else FILE if name in self.file else "its default"
        return f"${{{name}}} ({where})"

    def expand(self, text: str, at: At) -> str:
        """``text`` with its variables replaced and ``$$`` made ``$``; what comes out is not looked at again.

        Raises Unset for a variable that has neither value nor default, SettingsError for a ``${`` that is no variable.
        """
        return _TOKEN.sub(lambda match: self._replace(match, at), text)

    def _replace(self, match: re.Match[str], at: At) -> str:
        if match["broken"]:
            raise at.problem(f"{at.key} has {match['broken']!r}; write ${{NAME}}, ${{NAME:-default}}, or $$ for a dollar sign")
        if not match["name"]:
            return "$"
        value = self.get(match["name"], match["default"] and match["default"].replace("$$", "$") if match["fallback"] else None)
        if value is None:
            name = match["name"]
            cure = f"set it in the environment or in {FILE}, or write ${{{name}:-}}"
            raise at.problem(f"{at.key} needs ${{{name}}}, which is not set; {cure}", Unset)
        return value

    def secrets_of(self, text: str) -> set[str]:
        """Values of the variables in ``text`` whose names promise a secret."""
        found = {(match["name"], match["default"]) for match in _TOKEN.finditer(text) if match["name"]}
        return {value for name, default in found if looks_secret(name) and (value := self.get(name, default))}

    def listed(self) -> set[str]:
        """What .env.deploy holds or the environment replaces; a short value such as a port only if its name says secret."""
        pairs = ((name, self.get(name) or "") for name in self.file)
        return {value for name, value in pairs if len(value) > 3 or (value and looks_secret(name))}


def names(text: str) -> list[str]:
    """The variables in ``text``, in order."""
    return [match["name"] for match in _TOKEN.finditer(text) if match["name"]]


def literal(text: str) -> str:
    """``text`` so that ``expand`` gives it back."""
    return text.replace("$", "$$")


def variables(folder: Path | None) -> Variables:
    """The variables for a deploy.toml in ``folder``; ``.env.deploy`` may be missing, but not unreadable."""
    file = folder / FILE if folder else None
    if not file or not os.path.lexists(file):
        return Variables(os.environ)
    from dotenv import dotenv_values  # most have no such file

    # Without interpolation: a password may hold "$", and one "${" must mean the same in both files.
    values = dotenv_values(stream=StringIO(read_text(file)), interpolate=False)
    return Variables(os.environ, {name: value for name, value in values.items() if value is not None})
