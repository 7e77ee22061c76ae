"""Composer's version constraints: ``^8.0``, ``~8.1.0``, ``8.*``, ``>=7.3 <9``, ``7.4 - 8.2``, ``^7.3|^8.0``.

The grammar is that of composer/semver 3 (https://getcomposer.org/doc/articles/versions.md); a test compares with the real one.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator

from ..engine.errors import Failure

Version = tuple[int, int, int, int, int, int, int]
Bound = tuple[str, "Version | str"]

STABILITY = {"dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2, "rc": 3, "stable": 4, "": 4, "p": 5, "pl": 5, "patch": 5}
NUMBERS = r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\.(\d+))?"
SUFFIX = r"(?:[._-]?(stable|beta|b|rc|alpha|a|patch|pl|p)((?:[.-]?\d+)*))?([.-]?dev)?(?:\+[\w.-]+)?"
FULL = re.compile(NUMBERS + SUFFIX, re.IGNORECASE)
WILD = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\.[x*])+", re.IGNORECASE)
BRANCH = re.compile(r"v?(\d+)(?:\.(\d+|x))?(?:\.(\d+|x))?(?:\.(\d+|x))?[.-]dev", re.IGNORECASE)
PREFIXED = re.compile(r"(<>|!=|>=|<=|==|[<>=^~])?\s*(.+)")
OPERATORS: dict[str, Callable[[Version, Version], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def satisfies(version: str, constraint: str) -> bool:
    """Whether ``version`` is allowed by ``constraint``. Raises Failure when one of them cannot be read."""
    # what a distribution adds to PHP's version (8.2.7-1+deb12u1) is left off, as Composer does
    found = parse_version(version if FULL.fullmatch(version.strip()) else re.sub(r"(?<=\d)[~+-](?!dev).*", "", version))
    return any(all(_holds(found, bound) for bound in _bounds(part)) for part in re.split(r"\s*\|\|?\s*", constraint.strip()))


def parse_version(text: str) -> Version | str:
    """A version as numbers that compare as Composer's do; the name itself for a branch such as ``dev-main``. Raises Failure."""
    text = text.strip()
    if text.lower().startswith("dev-"):
        return text.split("#")[0]
    match = FULL.fullmatch(text)
    branch = BRANCH.fullmatch(text)
    if branch and (not match or "x" in text.lower()):
        return _version([9999999 if part in (None, "x", "X") else int(part) for part in branch.groups()], 0)
    if not match:
        raise Failure(f"{text!r} is not a version Composer knows", "correct it, for example to 8.2.10")
    return _from(match)


def _from(match: re.Match[str]) -> Version:
    numbers, (stability, count, dev) = [int(part or 0) for part in match.groups()[:4]], match.groups()[4:]
    if dev and not stability:
        return _version(numbers, 0)
    return _version(numbers, STABILITY[(stability or "").lower()], int(re.sub(r"\D", "", count or "") or 0), 0 if dev else 1)


def _version(numbers: list[int], stability: int, count: int = 0, last: int = 1) -> Version:
    return (numbers[0], numbers[1], numbers[2], numbers[3], stability, count, last)


def _holds(found: Version | str, bound: Bound) -> bool:
    sign, wanted = bound
    if isinstance(found, str) or isinstance(wanted, str):  # a branch is only ever itself
        return {"=": found == wanted, "!=": found != wanted}.get(sign, False)
    return OPERATORS[sign](found, wanted)


def _bounds(part: str) -> Iterator[Bound]:
    """The bounds that one alternative puts on a version, all of which have to hold."""
    between = re.fullmatch(r"(\S+) +- +(\S+)", part.strip())
    if between:
        yield ">=", _lowest(between[1])
        yield from _up_to(between[2])
        return
    for piece in re.split(r"(?<![<>=^~!, ])[, ]+(?=\S)", re.sub(r"([<>=^~!])\s+", r"\1", part.strip())):
        yield from _piece(piece)


def _piece(piece: str) -> Iterator[Bound]:
    piece = re.sub(r"@(stable|rc|beta|alpha|dev)$", "", piece.strip(), flags=re.IGNORECASE).split("#")[0]
    if re.fullmatch(r"(?:[x*](?:\.[x*])*)?", piece, re.IGNORECASE):
        return
    match = PREFIXED.fullmatch(piece)
    sign, text = (match[1] or "", match[2]) if match else ("", piece)
    if sign in ("^", "~"):
        yield ">=", _lowest(text)
        yield "<", _after(text, _caret(text) if sign == "^" else max(1, _given(text) - 1))
    elif WILD.fullmatch(text) and sign in ("", "=", "=="):
        yield ">=", _lowest(re.sub(r"(\.[xX*])+$", "", text))
        yield "<", _after(text, _given(text))
    else:
        sign = {"": "=", "==": "=", "<>": "!="}.get(sign, sign)
        yield sign, _lowest(text) if sign in ("<", ">=") else parse_version(text)


def _up_to(text: str) -> Iterator[Bound]:
    """The right side of ``a - b``: up to and including b, or everything that begins with a shortened b."""
    match = FULL.fullmatch(text)
    whole = match and (match[3] is not None or match[5] or match[7])
    yield ("<=", parse_version(text)) if whole else ("<", _after(text, _given(text)))


def _lowest(text: str) -> Version | str:
    """A bound without a stability includes the development versions on their way to it."""
    version, match = parse_version(text), FULL.fullmatch(text)
    return version if isinstance(version, str) or not match or match[5] or match[7] else _version(list(version[:4]), 0)


def _given(text: str) -> int:
    """How many of the four numbers are written out."""
    return len([part for part in _numbers(text) if part is not None])


def _caret(text: str) -> int:
    """The place of the first number that is not zero: what a caret keeps."""
    given = [int(part) for part in _numbers(text) if part is not None][:3]
    return next((place + 1 for place, number in enumerate(given) if number), len(given))


def _after(text: str, place: int) -> Version:
    numbers = [int(part or 0) for part in _numbers(text)][:place]
    return _version([*numbers[:-1], numbers[-1] + 1, *[0] * (4 - place)], 0)


def _numbers(text: str) -> tuple[str | None, ...]:
    match = re.match(NUMBERS, text)
    if not match:
        raise Failure(f"{text!r} is not a version constraint Composer knows", "correct it, for example to ^8.2")
    return match.groups()
