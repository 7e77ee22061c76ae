"""What of a site's folder its user may not use, as check.sh and look.sh say it: whose it is, who asks, and the path."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """Why nothing can be deployed, and what to do about it."""

    text: str
    hint: str


def closed(said: str) -> Problem:
    owner, me, path = said.split(" ", 2)
    if owner == me:
        return Problem(f"{path} is closed to {me}, who owns it", "its mode, or its disk, which may be mounted read-only")
    hint = f"everybody deploys as the same user: log in as {owner}, or have it given to {me}"
    return Problem(f"{path} belongs to {owner}, you are {me}", hint)
