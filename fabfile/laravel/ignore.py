"""What of a build is shipped: fixed rules, the user's .deployignore, and what that must not take away.

.deployignore speaks of the sources, but is applied to a finished build: a ``/public/build/`` in it would ship a site without
assets, and a bare ``tests`` would take folders out of packages in vendor/. Such rules are overridden, and it is said so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from .artifactrules import ALWAYS, BUILT, DEFAULT, NODE_MODULES, SECRETS
from .gitignore import Rule, Rules, parse

VENDOR = re.compile(r"!?(/vendor(/|$)|vendor/)")


@dataclass(frozen=True)
class LeftOut:
    """A path that is not shipped, and the text of the rule that says so."""

    path: str
    reason: str


@dataclass(frozen=True)
class Overridden:
    """A rule of .deployignore that would have taken ``count`` files the application needs, such as ``example``."""

    rule: str
    line: int
    example: str
    count: int


@dataclass(frozen=True)
class Selection:
    """What ``select`` decided, in the order of the paths."""

    shipped: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    overridden: tuple[Overridden, ...]


def select(paths: Iterable[str], rules: str = "", keep: Iterable[str] = (), node_modules: bool = False) -> Selection:
    """Which of ``paths`` (files and links of a build, relative, with ``/``) go into the artifact.

    ``rules`` is the text of .deployignore, ``keep`` the files that an asset manifest names, ``node_modules`` whether that is
    shipped. Raises SettingsError for a rule that cannot be read.
    """
    judge = _Judge(rules, frozenset(keep), node_modules)
    reasons = [(path, judge.reason(path)) for path in paths]
    shipped = tuple(path for path, rule in reasons if rule is None)
    left_out = tuple(LeftOut(path, rule.text) for path, rule in reasons if rule)
    over = tuple(Overridden(rule.text, rule.line, lost[0], len(lost)) for rule, lost in judge.overridden.items())
    return Selection(shipped, left_out, over)


@dataclass
class _Judge:
    text: str
    keep: frozenset[str]
    node_modules: bool
    overridden: dict[Rule, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        user = parse(self.text)
        self.always = Rules(parse(ALWAYS if self.node_modules else ALWAYS + NODE_MODULES))
        self.git = Rules(parse(".git"))
        self.user = Rules(user)
        self.vendor = Rules(rule for rule in user if VENDOR.match(rule.text))
        self.all = Rules((*parse(SECRETS), *user))  # the user's rules come last, so a "!" of theirs counts

    def reason(self, path: str) -> Rule | None:
        """The rule that leaves ``path`` out, or None."""
        if path.startswith("vendor/"):
            rule, protected = self.git.excluded_by(path) or self.vendor.excluded_by(path), True
        else:
            rule, protected = self.always.excluded_by(path), path.startswith(BUILT) or path in self.keep
        if rule or not protected:
            return rule or self.all.excluded_by(path)
        self._protect(path)
        return None

    def _protect(self, path: str) -> None:
        if rule := self.user.excluded_by(path):
            self.overridden.setdefault(rule, []).append(path)


def default_deployignore() -> str:
    """The text ``fab local.deployignore`` writes."""
    return DEFAULT
