"""What a deployment will ask this machine, asked while the way to the server is opened."""

from __future__ import annotations

from invoke.context import Context

from ..engine import project
from . import analysis, committed


def foresee(c: Context, branch: str = "") -> None:
    """Have it answered from now on what ``analyze`` and ``check`` will want to know of a deployment of ``branch``."""
    analysis.foresee()
    if not project.loaded().settings.modules:  # a step of the team's may commit something before it is asked
        committed.foresee(branch or project.branch(c))
    project.local().hurry()
