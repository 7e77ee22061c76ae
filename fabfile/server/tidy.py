"""What is left behind: old releases and backups go, the log says what happened."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..engine import console, lock, logbook, redact, rules, state, validate
from ..engine.counted import counted
from ..engine.errors import CommandFailed, SettingsError, Unreachable
from ..engine.hosts import Host
from ..engine.records import Record, good
from ..engine.scripts import source
from ..engine.tasks import on_host
from ..engine.version import VERSION

FAILED_KEPT = 2
BROKEN = ("failed", "bad", "uploading")
STATUSES = ("SUCCESS", "FAILED", "ROLLED BACK", "ROLLED BACK ON REQUEST", "ROLLBACK FAILED", "UNFINISHED")
# To the trash first, in one rename: what is half deleted must not look like a release. The trash stays, for a full disk.
REMOVE = """
cd "$1"
[ ! -L releases ] && [ ! -L .deploy ]
mkdir -p .deploy/trash
if [ -d "releases/$2" ] && [ ! -L "releases/$2" ] && [ -f ".deploy/releases/$2.json" ] && [ "$(readlink current)" != "releases/$2" ]; then
  mv -- "releases/$2" ".deploy/trash/$2.$$"
fi
rm -f -- ".deploy/releases/$2.json" ".deploy/releases/$2.manifest" ".deploy/releases/$2.bridged"
"""
EMPTY = """
cd "$1"
mkdir -p .deploy/trash
for part in releases/.*.partial; do
  id=${part#releases/.} id=${id%.partial}
  case $id in *[!0-9]* | "$2") continue ;; ??????????????) ;; *) continue ;; esac
  if [ -d "$part" ] && [ ! -L "$part" ]; then mv -- "$part" ".deploy/trash/$id.partial.$$"; fi
done
rm -rf -- .deploy/trash/*
rm -f -- .deploy/releases/*.new .deploy/lock.json.*
for run in .deploy/run/*; do [ ! -d "$run" ] || [ "$run" = ".deploy/run/$3" ] || rm -rf -- "$run"; done
"""
# $4 and more are those of releases that stay: the database from before their migrations.
BACKUPS = """
cd "$1" 2>/dev/null || exit 0
many=$2 days=$3 count=0
shift 3
for file in $(ls -1 | grep -E '^db-[0-9]+(-before-restore)?\\.gz$' | sort -r); do
  count=$((count + 1))
  case " $* " in *" $file "*) continue ;; esac
  if [ "$count" -gt "$many" ] && [ -n "$(find "$file" -mtime "+$days")" ]; then rm -f -- "$file"; echo "$file"; fi
done
"""


@on_host(flow="9.1-releases", help={"keep": "how many good releases stay, 1 or more; default: keep_releases"})
def cleanup(c: Host, keep: str = "") -> None:
    """Remove old releases, failed ones and old backups; never what is live, last, or being prepared."""
    count = _number(keep) if keep != "" else c.settings.keep_releases
    try:
        gone, backups = _remove(c, count)
    except (CommandFailed, Unreachable) as error:
        console.warn(f"cleanup did not finish, the next one goes on: {error.text}")
    else:
        console.done(f"Cleaned: {counted(gone, 'release')}, {counted(backups, 'backup')}")


def _number(keep: str | int) -> int:
    """What ``--keep`` says. Raises SettingsError unless keep_releases could say it too."""
    try:
        return rules.POSITIVE(int(keep))
    except (ValueError, validate.Bad):
        raise SettingsError(f"--keep must be 1 or more, not {keep!r}", "nothing was removed; fab releases shows what is there") from None


def _remove(c: Host, keep: int) -> tuple[int, int]:
    """How many releases and backups went."""
    found = state.look(c)
    pending, gone = found.pending(), _unused(c, removable(found, keep))
    for id in gone:
        c.shell.do(REMOVE, c.site.root, id, what=f"remove release {id}")
    state.forget(c)
    c.shell.do(EMPTY, c.site.root, pending.id if pending else "", c.run_id, what="empty the trash")
    if c.shell.dry:
        return len(gone), 0
    pinned = [record.backup.rpartition("/")[2] for record in found.records.values() if record.backup and record.id not in gone]
    state.foresee(c)
    values = (c.site.backups, c.settings.keep_backups, c.settings.backup_days, *pinned)
    return len(gone), len(c.shell.ask(BACKUPS, *values, what="old backups").out.split())


def foresee(c: Host) -> None:
    """Let what cleanup asks first travel with the next trip."""
    c.shell.foresee(*_standing(c))


def _standing(c: Host) -> tuple[str, str]:
    return source("server/standing.sh"), c.site.releases


def _unused(c: Host, ids: list[str]) -> list[str]:
    """``ids`` without those where a process still works: a queue worker loads its classes as it meets them."""
    text = c.shell.ask(*_standing(c), what="look for processes in old releases").out
    used = busy(text)
    for id in sorted(used & {*ids}):
        console.say(f"   {id} stays: it is still in use", console.YELLOW)
    if foreign := re.findall(r"^foreign (.*)$", text, re.MULTILINE):
        console.say(f"   not ours, left alone in {c.site.releases}: {', '.join(map(redact.harmless, foreign))}")
    return [id for id in ids if id not in used]


def busy(text: str) -> set[str]:
    """The releases that something stands in, as standing.sh says."""
    root = re.search("^root (.*)$", text, re.MULTILINE)
    return set(re.findall(rf"(?<= ){re.escape(root[1])}/([0-9]{{14}})(?![0-9])", text)) if root else set()


def removable(found: state.ServerState, keep: int) -> list[str]:
    """The ids that may go: all but the current release, the one before it, a pending one, the newest ``keep`` that were
    confirmed live (one to go back to in any case), and the last failed ones, kept to be looked at. Only releases that have a
    record of ours."""
    stay = {found.current, *(record.id for record in _newest(found, keep))}
    if found.live:
        stay.add(found.live.previous)
    if pending := found.pending():
        stay.add(pending.id)
    broken = sorted((r.id for r in found.records.values() if r.state in BROKEN), reverse=True)
    stay.update(broken[:FAILED_KEPT])
    return [id for id in sorted(found.records) if id not in stay]


def surplus(found: state.ServerState, ids: Iterable[str]) -> str:
    """Why each of these ``removable`` ones may go, as one line."""
    reasons = dict.fromkeys(BROKEN, f"failed, bad or broken off, and more than the last {FAILED_KEPT} of them") | {"prepared": "never live"}
    told: dict[str, list[str]] = {}
    for id in ids:
        told.setdefault(reasons.get(found.records[id].state, "more than keep_releases"), []).append(id)
    return "; ".join(f"{why}: {', '.join(of)}" for why, of in told.items())


def _newest(found: state.ServerState, keep: int) -> Iterable[Record]:
    others = good(found.records.values(), found.current)
    return others[: max(keep - 1, 1)]


@on_host(flow="10.1-log", done="Deployment logged", help={"status": f"{', '.join(STATUSES)}; default: what became of the release"})
def log(c: Host, status: str = "", seconds: float = 0.0, release: str = "", note: str = "") -> None:
    """Add a block about a deployment to deployment.log."""
    found = state.look(c)
    record = _told_of(c, found, release)
    if status and status not in STATUSES:
        raise SettingsError(f"--status must be one of {', '.join(STATUSES)}, not {status!r}", "nothing was logged")
    rows = {
        "Deployment": record.id or "none",
        "Timestamp": record.switched or record.created,
        "Commit": record.commit,
        "Branch": record.branch,
        "By": lock.user(),
        "Status": status or _became(record),
        "Serving": found.current or "nothing",
        "Duration": f"{seconds:.1f}s",
        "Tool": f"laravel-fab {VERSION}",
        "Note": " ".join(note.split())[:500],
    }
    logbook.add(c, rows)


def _told_of(c: Host, found: state.ServerState, release: str) -> Record:
    """The record of ``release``, or of the current one; a chain may have ended before the server had its own."""
    record = found.records.get(release or found.current)
    if record is None and release and release not in found.releases and not c.purpose.get("what"):
        raise SettingsError(f"{c.name}: there is no release {release}", f"nothing was logged; fab releases --host={c.name}")
    return record or Record(release or found.current)


def _became(record: Record) -> str:
    if record.state in ("live", "retired") and record.confirmed:
        return "SUCCESS"
    return {"failed": "FAILED", "bad": "ROLLED BACK"}.get(record.state, "UNFINISHED")
