"""Code that does not run in production, or that looks before it leaps: both may name a dev package."""

from __future__ import annotations

from collections.abc import Sequence

from .phptokens import Token, at, calls, closing

CHECKS = ("class_exists", "interface_exists", "trait_exists", "enum_exists", "function_exists")


def guarded(words: Sequence[Token]) -> tuple[set[int], set[str]]:
    """The places inside ``if (app()->isLocal()) { … }`` and its like, and the names that are asked for with ``class_exists``."""
    skipped: set[int] = set()
    for place, word in enumerate(words):
        if word.kind == "name" and word.text.lower() in ("if", "elseif") and at(words, place + 1).text == "(":
            end = closing(words, place + 1)
            if _never_in_production(words[place + 2 : end]) and at(words, end + 1).text == "{":
                skipped.update(range(place, closing(words, end + 1) + 1))
    return skipped, {_checked(at(words, place + 2)) for place in calls(words, *CHECKS)}


def _checked(word: Token) -> str:
    return word.text.strip("'\"").replace("\\\\", "\\") if word.kind == "string" else word.text


def _never_in_production(condition: Sequence[Token]) -> bool:
    """Whether a condition is about the environment and excludes production; one with ``||`` says nothing for sure."""
    names = {word.text for word in condition if word.kind == "name"}
    production = "isProduction" in names or any(word.text.strip("'\"") == "production" for word in condition if word.kind == "string")
    local = not production and bool(names & {"isLocal", "runningUnitTests", "environment"})
    negated = any(word.text == "!" for word in condition)
    either = any(word.text == at(condition, place + 1).text == "|" for place, word in enumerate(condition))
    return not either and ((production and negated) or (local and not negated))
