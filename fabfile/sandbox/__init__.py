"""The host called ``sandbox``: an SSH server and a PHP web server of this user on loopback, for the demo and for trying things out.

It is a process of its own for each project, found again through a JSON file in its folder; asyncssh is imported only there,
so ``fab`` starts as fast without it.
"""

from __future__ import annotations

from .control import ensure, reset, status, stop
from .state import Sandbox, places

__all__ = ["Sandbox", "ensure", "places", "reset", "status", "stop"]
