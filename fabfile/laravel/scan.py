"""What else in a project's source goes wrong in production, though it works on a developer's machine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from . import sources
from .phptokens import Token, at, calls, closing, tokens

ENV = re.compile(r"\benv\b")
VERBS = ("get", "post", "put", "patch", "delete", "options", "any", "match", "fallback")


@dataclass(frozen=True)
class Finding:
    """Something to look at: ``kind`` is ``env``, ``closure-route`` or ``hot``."""

    kind: str
    file: str
    line: int
    text: str
    hint: str


def analyze(project: Path, framework: str = "") -> tuple[Finding, ...]:
    """All findings of a project; ``framework`` is Laravel's version, because it decides what matters."""
    stamps = sources.stamps(project, sources.read(project / "composer.json"))
    return (*_in_code(project, stamps, framework), *_hot(project))


@lru_cache(4)
def _in_code(project: Path, stamps: tuple[sources.Stamp, ...], framework: str) -> tuple[Finding, ...]:
    files = {file: sources.php(project / file) for file, _, _ in stamps}
    return (*env_outside_config(files), *closure_routes(files, framework))


def env_outside_config(files: Mapping[str, str]) -> tuple[Finding, ...]:
    """Calls of ``env()`` that answer null once ``config:cache`` has run, for .env is not read any more then (all versions)."""
    hint = "read it in a file of config/ and use config() here"
    return tuple(
        Finding("env", file, words[place].line, f"env({at(words, place + 2).text}) is null when the configuration is cached", hint)
        for file, text in files.items()
        if not file.startswith("config/") and ENV.search(text)
        for words in [tokens(text)]
        for place in calls(words, "env")
    )


def closure_routes(files: Mapping[str, str], framework: str) -> tuple[Finding, ...]:
    """Routes with a closure, where they cannot be cached: up to Laravel 7. From 8 on they are serialized (Route.php)."""
    major = framework.partition(".")[0]
    if not major.isdigit() or int(major) >= 8:
        return ()
    hint = 'move it to a controller, or leave "route" out of the host\'s caches'
    text = "route:cache fails on a route with a closure before Laravel 8"
    routes = {file: tokens(source) for file, source in files.items() if file.startswith("routes/")}
    return tuple(Finding("closure-route", file, line, text, hint) for file, words in routes.items() for line in _closures(words))


def _closures(words: Sequence[Token]) -> Iterator[int]:
    """The lines of ``Route::get(…, function () {…})``; ``->group(function …)`` is no route, and ``routes/console.php`` has none."""
    for place, word in enumerate(words):
        verb = word.text in VERBS and at(words, place - 1).text in ("::", "->") and at(words, place + 1).text == "("
        if verb and any(item.text in ("function", "fn") for item in words[place + 2 : closing(words, place + 1)]):
            yield word.line


def _hot(project: Path) -> Iterator[Finding]:
    if (project / "public/hot").exists():
        text = "public/hot makes every page load its assets from the development server"
        yield Finding("hot", "public/hot", 1, text, "stop the development server (npm run dev), or delete the file; it is never shipped")
