"""What the checklist can see of a server in one look."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field

from ..engine.errors import Failure
from ..engine.hosts import Host
from ..engine.logins import apart
from ..engine.quoting import words
from ..engine.scripts import php as php_script
from ..engine.scripts import source
from . import common, configure, processes, tidy
from .processes import MARK

LIMIT = 60  # seconds
# Side by side; what the shell sees is said after what PHP sees.
LOOK = f"""
root=$1 served=$2 mark=$3 given=$4
shift 4
{{
{php_script("server/evidence.php", '"$@" -- "$root" "$mark" "$given" "$served"')}
}} &
stands=$(
set -- "$root/releases"
{source("server/standing.sh")}
)
wait "$!" || :
printf '%s\\n' "$stands"
"""


@dataclass(frozen=True)
class Evidence:
    """``apart`` are shared folders that the release does not share, ``before`` the number of uploads when the release was prepared (-1:
    not known), ``errors`` those logged since the switch, ``logged`` the last block of deployment.log, ``programs`` what supervisor says
    of those that the settings name."""

    apart: tuple[str, ...] = ()
    linked: bool = True
    uploads: int = 0
    before: int = -1
    errors: int = 0
    last: str = ""
    writable: bool = True
    queue: str = ""
    certificate: dict[str, str | int] = field(default_factory=dict)
    logged: str = ""
    seen: processes.Seen = field(default_factory=processes.Seen)
    busy: frozenset[str] = frozenset()
    programs: tuple[str, ...] = ()


def foresee(c: Host, served: str) -> None:
    """Let ``gather`` travel with the next trip."""
    c.shell.foresee(*_question(c, served), timeout=LIMIT)


def gather(c: Host, served: str) -> Evidence:
    """All of it, in one trip. Raises Failure where the server's PHP could not look."""
    said = c.shell.ask(*_question(c, served), check=False, timeout=LIMIT, what="look at the site").out
    found = re.search(rf"^{MARK} facts (.*)$", said, re.MULTILINE)
    if not found:
        raise Failure(f"{c.name}: PHP could not look at {c.site.root}: {said.strip()[-300:]}")
    facts = json.loads(found[1])
    facts.update(apart=tuple(facts["apart"]), certificate=dict(facts["certificate"]), seen=processes.parse(said, MARK))
    programs = tuple(" ".join(line.split()[:2]) for line in said.partition(f"\n{MARK} programs\n")[2].splitlines() if line.strip())
    return Evidence(**facts, busy=frozenset(tidy.busy(said)), programs=programs)


def _question(c: Host, served: str) -> tuple[str, ...]:
    folders = [path for path in c.settings.shared_folders if path != configure.VIEWS]
    given = json.dumps({"url": apart(c.settings.url).url, "resolve": c.settings.resolve, "folders": folders})
    return f"{LOOK}{_status(c)}", c.site.root, served, MARK, given, *common.visitor(c)


def _status(c: Host) -> str:
    """Shell that asks supervisor for its programs that are named in the settings, if any are."""
    if not c.settings.supervisor:
        return ""
    return f"echo {words(MARK)} programs\n{words(*shlex.split(c.settings.supervisorctl), 'status', *c.settings.supervisor)} 2>&1 || :\n"
