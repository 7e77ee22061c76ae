"""Texts of ours that a server has kept since an earlier run: they need not travel again.

Each is a file under the SHA-256 of what is in it, which is computed there anew in each run before any is relied on: a line of shell that
gives the text to whoever reads it. In a frame a line stands for it, which the agent replaces by the text before anything is run.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from functools import cache

from .quoting import quote
from .scripts import ROOT, program, source

WORTH = 250  # bytes from which on a text is kept
NAME = re.compile(r"^([0-9a-f]{64}) [ *]\1$", re.MULTILINE)
FOLDER = "kept"
LIST = f'cd "$1/{FOLDER}" 2>/dev/null || exit 0; sha256sum -- * 2>/dev/null || shasum -a 256 -- * 2>/dev/null || :'
QUOTED = quote("s/'/'\"'\"'/g")  # for sed: a quote within quotes
# What has been there for long may be another version's; if it is not, it travels once more. None of it may keep a run from ending.
KEEP = f"""
umask 077
(mkdir -p "$1/{FOLDER}" && cd "$1/{FOLDER}" || exit
shift
find . -type f -mtime +60 -exec rm -f -- {{}} +
rm -f -- ./*.new # of whoever was killed
while [ "$#" -gt 0 ]; do
  {{ (printf "row='" && printf %s "$2" | LC_ALL=C sed {QUOTED} && echo "'") >"$1.new" && mv -f -- "$1.new" "$1"; }} || rm -f -- "$1.new"
  shift 2
done) 2>/dev/null || :
"""


def listed(said: str) -> set[str]:
    """The names in what LIST says of those that are whole."""
    return set(NAME.findall(said))


def abridge(script: str, token: str, kept: set[str]) -> tuple[str, set[str]]:
    """``script`` with a line of ``token`` and a name for each text that is ``kept``; the names of all that it holds."""
    parts, used, at, done = list[str](), set[str](), 0, 0
    while at < len(script):
        end = script.find("\n", at) + 1 or len(script)
        name = next((name for name, text in _texts().get(script[at:end], ()) if script.startswith(text, at)), "")
        if name:
            used.add(name)
            end = at + len(text_of(name))
        if name in kept:
            parts += [script[done:at], f"{token}@{name}\n"]
            done = end
        at = end
    return "".join([*parts, script[done:]]), used


def text_of(name: str) -> str:
    """The text of that name."""
    return _named()[name]


def _file(text: str) -> str:
    """What KEEP makes of it."""
    return f"row={quote(text)}\n"


@cache
def _named() -> dict[str, str]:
    """All texts that may be kept, by name: those of our files, also as a value holds them, and as a value in a value does. The first
    line may stand behind other words: it travels."""
    texts = set[str]()
    for path in ROOT.rglob("*.*"):
        if path.suffix in (".sh", ".php"):
            name = path.relative_to(ROOT).as_posix()
            text = program(name) if path.suffix == ".php" else source(name)
            for _ in range(3):
                texts.add(text.partition("\n")[2])
                text = quote(f"{text} ")[1:-2]  # a space: who needs no quotes gets none
    return {hashlib.sha256(_file(text).encode()).hexdigest(): text for text in texts if len(text) >= WORTH}


@cache
def _texts() -> dict[str, list[tuple[str, str]]]:
    """Name and text by the first line, the longest first."""
    found = defaultdict[str, list[tuple[str, str]]](list)
    for name, text in sorted(_named().items(), key=lambda item: -len(item[1])):
        found[text[: text.index("\n") + 1]].append((name, text))
    return found
