"""Where does the release go, and is what arrived what was built?"""

from __future__ import annotations

import time

from ..engine import artifacts, console, files, lock, project, records, state
from ..engine.errors import Failure
from ..engine.hosts import Host
from ..engine.records import Record
from ..engine.tasks import on_host
from ..engine.version import VERSION
from . import delivery, readiness, room

# A folder of that name that somebody made meanwhile would get the release inside it.
APPEAR = """
if [ -e "$2" ] || [ -L "$2" ]; then echo "$2 is there already" >&2; exit 1; fi
mv -- "$1" "$2"
"""


@on_host(flow="3.3-release-dir", help={"artifact": "the artifact that will be uploaded; default: the newest one built here"})
def create_release(c: Host, artifact: str = "") -> str:
    """Choose the new release's id and make its folder."""
    made, found = artifacts.find(c, artifact), state.look(c)
    record = Record(found.new_id(), "uploading", made.commit, made.branch, lock.user(), VERSION, created=_now(), previous=found.current)
    readiness.layout(c)
    files.directory(c.shell, c.site.partial(record.id))
    records.write(c.shell, c.site, record)
    if made.place == "local" or made.size:
        room.foresee(c)
        c.shell.flush()  # now: what is wrong with the artifact ends this run before anything else is said
    console.done(f"Release directory: {c.site.release(record.id)}")
    return record.id


@on_host(
    flow="3.4-transfer",
    help={"artifact": "a tar.gz to deploy; default: the newest one built here", "release": "id from server.create-release"},
)
def upload(c: Host, artifact: str = "", release: str = "") -> str:
    """Send the artifact, verify it file by file, and only then call it a release."""
    made, found = artifacts.find(c, artifact), state.look(c)
    record = found.records.get(release) if release else found.pending()
    if c.shell.dry and release:
        record = Record(release, previous=found.current)
    if record is None or record.state != "uploading":
        record = Record(create_release(c, artifact), "uploading", made.commit, made.branch, lock.user(), VERSION, created=_now())
    _check_whole(made)
    if c.shell.dry:
        console.would(c.name, f"upload {made.path}, compare its SHA-256, unpack it, verify every file")
        return record.id
    if made.place == "local":
        room.check(c, made.file.stat().st_size, made.manifest())
    elif made.size:  # else it is on the site's disk already
        room.fits(c, made.size, made.entries)
    expected = delivery.deliver(c, made, record.id, delivery.base(found))
    console.done(f"Files verified: {expected.entries} entries, bit for bit")
    c.shell.do(APPEAR, c.site.partial(record.id), c.site.release(record.id), what="make it a release")
    state.made(c, record.id)
    record = record.but(state="prepared", artifact=made.digest, manifest=expected.digest, files=expected.entries)
    records.write(c.shell, c.site, record)
    return record.id


def _check_whole(made: artifacts.Artifact) -> None:
    """An artifact from elsewhere may be anything: what build.required names must be in it, at its top."""
    required = project.loaded().settings.build.required
    if made.place == "local" and made.file.is_file() and (missing := made.manifest().lacking(required)):
        raise Failure(f"{made.path} lacks {', '.join(missing)}", "pack the application's folder itself, not the one above it")


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
