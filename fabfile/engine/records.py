"""The record of a release: one line of JSON on the server, which every task reads instead of remembering."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Literal, get_args

from .layout import RELEASE_ID, Site
from .shell import Shell

State = Literal["uploading", "prepared", "live", "retired", "failed", "bad"]
WRITE = 'umask 077; [ -d "${1%/*}" ] || mkdir -p "${1%/*}"; printf "%s\\n" "$2" >"$1.new"; mv -f "$1.new" "$1"'

# Records (a path and a line each) of a switch that holds: site $1 serves release $2, and unless $3 says that it may still be undone,
# nobody is about to. So it can be on its way before the answer to the switch is.
NOTED = f"""
cd "$1"
[ "$(readlink current)" = "releases/$2" ]
if [ -z "$3" ] && {{ [ -e .deploy/pending ] || [ -e .deploy/reverting ]; }}; then echo 'it may still be undone' >&2; exit 1; fi
shift 3
while [ "$#" -gt 0 ]; do
  ({WRITE})
  shift 2
done
"""


@dataclass(frozen=True)
class Record:
    """What is known of one release. Times are UTC, ISO 8601; ``order`` counts activations on this server."""

    id: str
    state: State = "uploading"
    commit: str = ""
    branch: str = ""
    who: str = ""
    tool: str = ""
    artifact: str = ""
    manifest: str = ""
    files: int = 0
    migrations: tuple[str, ...] = ()
    backup: str = ""
    previous: str = ""
    order: int = 0
    confirmed: bool = False
    created: str = ""
    switched: str = ""
    reason: str = ""

    def but(self, **changes: object) -> Record:
        """A copy with ``changes``."""
        return replace(self, **changes)  # type: ignore[arg-type]


def dump(record: Record) -> str:
    return json.dumps(asdict(record), separators=(",", ":"))


def parse(line: str) -> Record | None:
    """The record in one line; None where there is none (a foreign or damaged file). Unknown keys are left out."""
    try:
        values = json.loads(line)
        known = {field.name: values[field.name] for field in fields(Record) if field.name in values}
        record = Record(**{**known, "migrations": tuple(known.get("migrations", ()))})
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return record if _sound(record) else None


def _sound(record: Record) -> bool:
    """Whether everything is of its type: whoever wrote the file, parts of it become paths and numbers."""
    plain = Record("")
    typed = all(type(getattr(record, field.name)) is type(getattr(plain, field.name)) for field in fields(Record))
    return typed and bool(RELEASE_ID.fullmatch(record.id)) and record.state in get_args(State)


def write(shell: Shell, site: Site, record: Record) -> None:
    """Put ``record`` on the server in one rename."""
    shell.do(WRITE, site.record(record.id), dump(record), what=f"record of {record.id}")
    if shell.known and not shell.dry:
        shell.known = shell.known.but(record)


def noted(site: Site, release: str, undecided: bool, *records: Record) -> tuple[str, ...]:
    """A question that puts ``records`` on the server if ``release`` serves there, and for good unless that is ``undecided``."""
    pairs = (text for record in records for text in (site.record(record.id), dump(record)))
    return NOTED, site.root, release, "yes" if undecided else "", *pairs


def good(records: Iterable[Record], current: str) -> list[Record]:
    """The releases that were confirmed live once and are not bad, without the current one; last activated first."""
    found = (r for r in records if r.confirmed and r.state in ("live", "retired") and r.id != current)
    return sorted(found, key=lambda r: r.order, reverse=True)


def targets(records: dict[str, Record], current: str) -> list[Record]:
    """The releases a rollback may go to: good ones that were activated before the current one.

    One that was activated later was left for the current one, and a full disk kept us from writing that down.
    """
    newest = records[current].order if current in records else 0
    return [r for r in good(records.values(), current) if not newest or r.order < newest]
