"""Texts that do harm wherever one of them is taken for a command; what they run leaves a file that $CANARY names."""

from __future__ import annotations

import string

from hypothesis import strategies as st

RUN = "touch $CANARY"
FRAGMENTS = [
    f"$({RUN})", f"`{RUN}`", f"; {RUN} ;", f"& {RUN} &", f"| {RUN} |", f"'; {RUN}; '", f'"; {RUN}; "', f"${{x:-$({RUN})}}", f"\\$({RUN})",
    f"'\"'\"'; {RUN} #", f"<({RUN})", f"') {RUN} ('", "-rf", "--", "-", "*", "?", "[a-z]", "~", "~root", "!!", "#", "%s%n%%", "$", "$$",
    "$1", "${HOME}", "{a,b}", "\\", "\\\\", "'", '"', "''", " ", "  ", "ü", "日本", "\u2028", "\x85", "\u202e", "END-OF-LIST", "SCRIPT",
]  # fmt: skip
BROKEN = [f"\n{RUN}\n", "\n", "\r\n", "\t", "\x1b[2J", f"'\n{RUN}\n'", f"END-OF-LIST\n{RUN}\n", f"SCRIPT\n{RUN}\n"]
EVERYTHING = string.printable.strip() + " " + "".join(FRAGMENTS)

# One line, as settings, refs, names and messages are; and whatever a value may be.
one_line = st.lists(st.sampled_from(FRAGMENTS + list(string.printable[:95])), max_size=8).map("".join)
anything = st.lists(st.sampled_from(FRAGMENTS + BROKEN + list(string.printable)), max_size=8).map("".join)
# A name of a file: what a folder may hold on any system we can test on.
file_name = one_line.map(lambda text: text.replace("/", "")).filter(lambda text: text not in ("", ".", "..") and len(text.encode()) < 200)
# A folder that has it all, but for what the applications themselves cannot stand: PHP's glob() has no quoting, its own web
# server takes "%" and "?" for itself, and a colon ends a part of PATH.
FOLDER = f"a b'ü$x;y\"z`{RUN}`&!#~()<>|-$({RUN})"
