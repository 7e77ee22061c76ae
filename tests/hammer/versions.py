"""Versions of the example application of which every page tells from each of its parts which version that part is of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tests.support.artifact import Artifacts

# The pause lets a request begin before a switch and go on after it; what is loaded late is code that OPcache has, or has not.
PAGE = """<!doctype html>
<script type="module" src="{{ App\\Assets::url('resources/js/app.js') }}"></script>
<link rel="stylesheet" href="{{ App\\Assets::url('resources/css/app.css') }}">
<i id="release">{{ basename(base_path()) }}</i>
<i id="code">{{ App\\Version::NUMBER }}</i>
<i id="configured">{{ config('app.version') }}</i>
<i id="view">%s</i>
@php usleep(mt_rand(0, 20000)) @endphp
<i id="late">{{ App\\Late::NUMBER }}</i>
"""
LATE = "<?php\n\nnamespace App;\n\nfinal class Late\n{\n    public const NUMBER = '%s';\n}\n"
MANIFEST = '{"resources/js/app.js": {"file": "assets/app-%s.js"}, "resources/css/app.css": {"file": "assets/app-%s.css"}}'
PARTS = re.compile(r'<i id="(\w+)">([^<]*)</i>')
ASSETS = re.compile(r'(?:src|href)="(?:http://[^/"]+)?(/build/[^"]+)"')
NUMBER = re.compile(r"/build/assets/[a-z]+-(\w+)\.")


def artifacts(made: Artifacts, numbers: Iterable[str]) -> dict[str, Path]:
    """An artifact for each number."""
    return {number: made.version(number, changes(number)) for number in numbers}


def changes(number: str) -> dict[str, str]:
    """What the version has of its own: code, a view, assets, and a part of them that is loaded later."""
    files = {name: f"/* {name} */" for name in (f"app-{number}.js", f"app-{number}.css", f"chunk-{number}.js")}
    return {
        "app/Late.php": LATE % number,
        "resources/views/notes.blade.php": PAGE % number,
        "public/build/manifest.json": MANIFEST % (number, number),
        **{f"public/build/assets/{name}": text for name, text in files.items()},
    }


def parts(body: str) -> dict[str, str]:
    """What a page says of each of its parts, its assets included."""
    said = dict(PARTS.findall(body))
    return said | {path: number[1] if (number := NUMBER.match(path)) else "?" for path in ASSETS.findall(body)}


def assets(body: str) -> list[str]:
    """The assets of a page: those it names, and what its script loads later."""
    named = ASSETS.findall(body)
    return [*named, *(path.replace("app-", "chunk-") for path in named if path.endswith(".js"))]


def is_asset(path: str, body: str) -> bool:
    """Whether that is the file that was asked for, and not a page in its place."""
    return body == f"/* {path.rpartition('/')[2]} */"
