"""Shell and PHP that is longer than a few lines lives in files of its own."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Without PHP's configuration: to load extensions is what its start takes longest for. Ours need these at most, which may be built in;
# where they are, or are not there, nothing is said of it.
SET = ("error_log=/dev/null", "display_startup_errors=0", "extension=json", "extension=openssl", "extension=posix")
BARE = ("-n", *(word for setting in SET for word in ("-d", setting)))
# Whole lines; one that begins with our name is no comment: what is left behind is known by it.
COMMENT = {
    "sh": re.compile(r"^[ \t]*#(?: .*)?\n", re.MULTILINE),
    "php": re.compile(r"^[ \t]*(?://(?: (?!laravel-fab).*)?|/\*\* .*\*/)\n", re.MULTILINE),
}
NEEDS = re.compile(r"^require '((?:\.\./\w+/)?[\w.]+)';$", re.MULTILINE)


@cache
def source(name: str) -> str:
    """The text of file ``name`` of the collection, such as ``engine/look.sh``, as it is sent: its comments are for whoever reads it."""
    text, comment = (ROOT / name).read_text(encoding="utf-8"), COMMENT.get(name.rpartition(".")[2])
    return comment.sub("", text) if comment else text


def php(name: str, run: str = '"$@"') -> str:
    """A shell script that feeds PHP file ``name`` to ``run``, whose last words are the program's arguments.

    PHP reads the program from standard input, so nothing is installed and no argument is too long.
    """
    return f"{run} <<'END-OF-PHP'\n{program(name)}\nEND-OF-PHP"


def program(name: str) -> str:
    """The text of PHP file ``name``, with the files of ours that it requires in the places where it does."""
    folder = name.rpartition("/")[0]
    return NEEDS.sub(lambda found: source(f"{folder}/{found[1]}").removeprefix("<?php\n").rstrip(), source(name))
