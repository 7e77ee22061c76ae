"""The PHP in a Blade template, as a PHP text with the same lines."""

from __future__ import annotations

import re

COMMENT = re.compile(r"\{\{--.*?--\}\}", re.DOTALL)
PARTS = re.compile(
    r"""
    (?P<verbatim>@verbatim\b.*?@endverbatim\b)
  | @php\b(?!\s*\()(?P<block>.*?)@endphp\b
  | <\?(?:php\b|=)(?P<plain>.*?)(?:\?>|\Z)
  | (?<!@)\{!!(?P<raw>.*?)!!\}
  | (?<!@)\{\{(?P<echo>.*?)\}\}
  | (?<!@)@(?P<directive>\w+)[ \t]*(?P<arguments>\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))
  | [\s:]:[\w.:-]+="(?P<bound>[^"]*)"
    """,
    re.DOTALL | re.VERBOSE,
)


def to_php(template: str) -> str:
    """``template`` as PHP: Blade comments, @verbatim and HTML are dropped; echoes, directives, @php and bound attributes stay."""
    text = COMMENT.sub(lambda match: "\n" * match[0].count("\n"), template)
    parts, place = ["<?php "], 0
    for match in PARTS.finditer(text):
        code = _code(match)
        before = match.start(_group(match)) if code else match.end()
        parts += ["\n" * text.count("\n", place, before), code, ";" if code else ""]
        place = match.end() if not code else before + len(match[_group(match)])
    return "".join(parts)


def _group(match: re.Match[str]) -> str:
    return next((name for name in ("block", "plain", "raw", "echo", "arguments", "bound") if match[name] is not None), "verbatim")


def _code(match: re.Match[str]) -> str:
    """``@inject('x', 'Foo\\Bar')`` names a class in a string; everything else is PHP as it stands."""
    if match["directive"] == "inject":
        named = re.search(r",\s*['\"]\\?([\w\\]+)['\"]", match["arguments"])
        return f"\\{named[1]}::class" + "\n" * match["arguments"].count("\n") if named else ""
    return "" if match["verbatim"] else match[_group(match)]
