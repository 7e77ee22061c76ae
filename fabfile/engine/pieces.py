"""Scripts that travel together: each runs in a shell of its own, and marks in the streams tell who said what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .errors import CommandFailed
from .quoting import bind
from .shortened import shortened
from .wire import ENDED, Answer


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
    return shortened(lines[0], 120) if lines else "script"


def marks(values: tuple[object, ...]) -> list[str]:
    """Those of a script's ``values`` that nobody can guess (secrets.token_hex): it begins the lines with them that are meant for us."""
    return [f"{value} " for value in values if re.fullmatch(r"[0-9a-f]{32}", str(value))]


def weave(pieces: Sequence[Piece], token: str, first: int = 0) -> str:
    """One script that runs the pieces in turn, up to the first that fails; the ``first`` one bears that number."""
    mark = f"_begin() {{ printf '\\n%s begins %s\\n' {token} \"$1\"; }}\nset -e"
    return "\n".join([mark, *(f"_begin {n}; _begin {n} >&2\n(\nset -eu\n{each.script}\n)" for n, each in enumerate(pieces, first))])


def said(text: str, token: str) -> tuple[int, str]:
    """The number of the last piece that began in ``text``, and what it said; -1 if none did."""
    _, mark, rest = text.rpartition(f"\n{token} begins ")
    number, _, words = rest.partition("\n")
    return (int(number), words) if mark else (-1, text)


def judged(place: str, sent: Sequence[Piece], answer: Answer, token: str, check: bool, limit: int) -> Answer:
    """What the last of the pieces that were ``sent`` said. Raises CommandFailed when an earlier one failed, or that one and ``check``."""
    (last, out), (_, err) = said(answer.out, token), said(answer.err, token)
    begun = last == len(sent) - 1 or (len(sent) == 1 and answer.code in ENDED)  # of one that was ended, perhaps nobody heard it begin
    if answer.code and (check or not begun):
        words = "\n".join(text for text in (out[-2000:].strip(), err.strip()) if text)
        raise CommandFailed(place, _names(sent, last), answer.code, words, limit if answer.late(limit) else 0)
    return replace(answer, out=out, err=err)


def _names(pieces: Sequence[Piece], last: int) -> str:
    """What to blame when piece ``last`` was the last to begin: a syntax error keeps all of them from running."""
    return pieces[last].what if last >= 0 else " + ".join(each.what for each in pieces)
