"""Which processes of a site run, and which release's code: as /proc on the server tells."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass

from ..engine import redact, state
from ..engine.hosts import Host
from ..engine.quoting import words
from ..engine.scripts import BARE
from ..engine.scripts import php as php_script
from . import common

# Where PHP may not look, there is nothing to wait for.
LOOK = f'"$@" {words(*BARE)} -- "$root" "$served" 0 "$mark" 0 || printf "%s unseen PHP may not look at /proc\\n" "$mark"'
MARK = secrets.token_hex(16)  # no process can have named itself so
LATE = 30  # seconds more than the server may wait, for the look itself


@dataclass(frozen=True)
class Process:
    """``release`` is its id, or words where it is only known to be an earlier one; ``seconds`` how long it has run."""

    pid: int
    release: str
    command: str
    seconds: int

    @property
    def deaf(self) -> str:
        """Which of those it is that no signal brings to other code, if it is one: Octane keeps the base path that it was started with
        (laravel/octane#996), and schedule:work looks for no interrupt (Console/Scheduling/ScheduleWorkCommand), schedule:run does."""
        return next((name for name in ("octane", "schedule:work") if name in self.command), "")

    def __str__(self) -> str:
        return f"{self.pid} ({redact.harmless(self.command)}, release {self.release}, for {self.seconds} s)"


@dataclass(frozen=True)
class Seen:
    """Processes of the site, and what could not be seen."""

    runs: tuple[Process, ...] = ()
    unseen: str = ""

    def old(self, served: str) -> list[Process]:
        """Those that run another release than ``served``."""
        return [one for one in self.runs if one.release != served]


def foresee(c: Host) -> None:
    """Let a ``look`` that waits for nobody travel with the next trip."""
    c.shell.foresee(*_question(c, 0, 0), timeout=LATE, beside=True)


def look(c: Host, seconds: int = 0, back: int = 0) -> Seen:
    """What runs now, or once none runs an earlier release than the current one, for which ``seconds`` are left, and any runs that
    one, for which ``back`` more are."""
    what, limit = "look for processes of earlier releases", seconds + back + LATE
    said = c.shell.ask(*_question(c, seconds, back), check=False, timeout=limit, what=what)
    return parse(said.out, MARK) if not said.code else Seen(unseen=f"PHP could not look at /proc: {said.err.strip()[-200:]}")


def _question(c: Host, seconds: int, back: int) -> tuple[str, ...]:
    values = (*common.bare(c), "--", c.site.root, state.look(c).current, seconds, MARK, back)
    return php_script("server/processes.php"), *map(str, values)


def parse(text: str, mark: str) -> Seen:
    """What processes.php said between other things."""
    runs = (json.loads(line) for line in re.findall(rf"^{mark} runs (.*)$", text, re.MULTILINE))
    unseen = re.findall(rf"^{mark} unseen (.*)$", text, re.MULTILINE)
    return Seen(tuple(Process(**one) for one in runs), "; ".join(unseen))
