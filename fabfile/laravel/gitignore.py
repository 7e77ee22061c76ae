"""Rules in the language of .gitignore, decided exactly as git decides: the last rule wins, and nothing returns from a folder that is out.

The patterns are pathspec's; what it does not do is tell a rule that means the path itself from one that means a folder above it,
and on that depends what a ``!`` can bring back. A test compares with ``git check-ignore``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..engine.errors import SettingsError


@dataclass(frozen=True)
class Rule:
    """One line: ``out`` is False after ``!``; ``folders`` means it ends with a slash; ``line`` counts from 1."""

    text: str
    line: int
    regex: re.Pattern[str]
    out: bool
    folders: bool

    def names(self, path: str, folder: bool) -> bool:
        """Whether the rule means ``path`` itself, and not something above it."""
        if self.folders and not folder:
            return False
        path = _bytes(path)
        match = self.regex.search(path)
        if match is None or self.regex.pattern == ".":
            return match is not None
        return match.end() == len(path) if self.regex.pattern.endswith("$)") else match.end() < len(path)


def parse(text: str, name: str = ".deployignore") -> tuple[Rule, ...]:
    """The rules of ``text``. Raises SettingsError for a pattern that git would not take."""
    lines = enumerate(text.removeprefix("\ufeff").split("\n"), 1)
    return tuple(rule for line, raw in lines for rule in _rule(raw.removesuffix("\r"), line, name))


def _rule(raw: str, line: int, name: str) -> Iterator[Rule]:
    text = re.sub(r"(?<!\\) +$", "", raw)
    if not text or text.startswith("#"):
        return
    from pathspec.patterns.gitignore import GitIgnorePatternError  # here, since most runs of fab need neither
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    pattern = _bytes(text.removesuffix("/"))
    try:
        regex, out = GitIgnoreSpecPattern.pattern_to_regex(pattern)
    except GitIgnorePatternError:
        raise SettingsError(f"{name}, line {line}: {text!r} is not a pattern", "see git help ignore") from None
    if regex is not None:
        yield Rule(text, line, re.compile(regex), bool(out), text.endswith("/"))


def _bytes(text: str) -> str:
    """One character for each byte, because ``?`` and ``[…]`` are one byte to git."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


class Rules:
    """Decides paths by a list of rules and remembers what it decided about folders."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self.any = re.compile("|".join(re.sub(r"\(\?P<\w+>", "(?:", rule.regex.pattern) for rule in self.rules) or "(?!)")
        self.folders: dict[str, Rule | None] = {"": None}

    def excluded_by(self, path: str) -> Rule | None:
        """The rule that leaves the file ``path`` (relative, with ``/``) out, or None."""
        return self._folder(path.rpartition("/")[0]) or self._last(path, folder=False)

    def _folder(self, path: str) -> Rule | None:
        if path not in self.folders:
            self.folders[path] = self._folder(path.rpartition("/")[0]) or self._last(path, folder=True)
        return self.folders[path]

    def _last(self, path: str, folder: bool) -> Rule | None:
        if not self.any.search(_bytes(path)):  # most paths are named by none
            return None
        rule = next((rule for rule in reversed(self.rules) if rule.names(path, folder)), None)
        return rule if rule and rule.out else None
