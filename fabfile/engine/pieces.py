"""Scripts that travel together: each runs in a shell of its own, and marks in the streams tell who said what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .quoting import bind


@dataclass(frozen=True)
class Piece:
    """A script and what an error message calls it. A ``note``, which this is the script and the values of, can wait for others to
    travel with."""

    script: str
    what: str
    note: tuple[str, tuple[object, ...]] | None = None


def piece(script: str, values: tuple[object, ...], what: str, note: bool = False) -> Piece:
    """``script`` with ``$1``, ``$2`` … bound; called after its first line unless it has a name."""
    return Piece(bind(script, *values), what or title(script), (script, values) if note else None)


def collect(pieces: list[Piece], new: Piece) -> None:
    """Add ``new``. A note right behind another for the same place, its first value, goes into that one, which takes more values."""
    last = pieces[-1].note if pieces else None
    if last and new.note and last[1] and (last[0], last[1][0]) == (new.note[0], new.note[1][0]):
        pieces[-1] = piece(last[0], (*last[1], *new.note[1][1:]), pieces[-1].what, note=True)
    else:
        pieces.append(new)


def title(script: str) -> str:
    lines = [line.strip() for line in script.splitlines() if line.strip() and not line.strip().startswith("#")]
    return lines[0][:120] if lines else "script"


def weave(pieces: Sequence[Piece], token: str) -> str:
    """One script that runs the pieces in turn, up to the first that fails."""
    mark = f"_begin() {{ printf '\\n%s begins %s\\n' {token} \"$1\"; }}\nset -e"
    return "\n".join([mark, *(f"_begin {n}; _begin {n} >&2\n(\nset -eu\n{each.script}\n)" for n, each in enumerate(pieces))])


# What runs beside others: two who hold its output and its errors, its exit code behind these, until nobody is left at the other end (3)
# of the pipe (7) that both wait at. No script inherits one of these; 5 and 6 are where all goes in the end.
HELD = """
{{
{before}
}} 3>&1 >&5 2>&6 | {{
exec 7<&0 </dev/null
{{ {{ (
{script}
) 2>&4 3>&- 4>&- 5>&- 6>&- 7<&-; printf '\n%s.' $? >&4; }} | {{
said=$(cat && echo .)
cat <&7 >/dev/null
printf %s "${{said%.}}" >&5
}} 4>&-; }} 4>&1 | {{
said=$(cat)
cat <&7 >/dev/null
code=${{said##*"
"}}
printf %s "${{said%"
$code"}}" >&6
exit "${{code%.}}"
}}
}}"""


def gather(scripts: Sequence[tuple[int, str]], aside: Sequence[tuple[int, str]], token: str) -> str:
    """One script that runs these in turn, whatever becomes of the others, and those ``aside`` beside them all; the answer to each is
    ended with its number, and the last one's by whoever runs it."""
    *before, (number, last) = scripts
    if not (before or aside):
        return last
    closed = " 3>&- 5>&- 6>&-" if aside else ""
    ran = "".join(f"(\n{script}\n){closed}\n_ended {each} $?\n" for each, script in before) + f"(\n{last}\n){closed}"
    for following, script in aside:
        ran = HELD.format(before=f"{ran}\n_ended {number} $?", script=script)
        number = following
    line = f"printf '\\n%s %s %s\\n' {token} \"$@\""
    return "\n".join([f"_ended() {{ {line}; {line} >&2; }}", *(["exec 5>&1 6>&2"] if aside else []), ran])


def said(text: str, token: str) -> tuple[int, str]:
    """The number of the last piece that began in ``text``, and what it said; -1 if none did."""
    _, mark, rest = text.rpartition(f"\n{token} begins ")
    number, _, words = rest.partition("\n")
    return (int(number), words) if mark else (-1, text)


def names(pieces: Sequence[Piece], last: int) -> str:
    """What to blame when piece ``last`` was the last to begin: a syntax error keeps all of them from running."""
    return pieces[last].what if last >= 0 else " + ".join(each.what for each in pieces)
