"""The ten points that are verified after a deployment, each with what it was judged by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..engine import console, options, state
from ..engine.errors import Failure
from ..engine.hosts import Host
from ..engine.tasks import on_host
from . import common, database, evidence, probing, tidy
from .evidence import Evidence

ORDER = ("site", "migrations", "uploads", "workers", "logs", "OPcache", "TLS", "maintenance", "releases", "log")
UPLOADS = "storage/app/public"
SIGNS = {True: "✅", False: "❌", None: "\N{EN DASH}"}
WORKERLESS = ("sync", "null")  # queue connections


class Point(NamedTuple):
    """``good`` is None where the point does not apply or cannot be seen; ``why`` is the evidence, one line."""

    title: str
    good: bool | None
    why: str

    @property
    def sign(self) -> str:
        return SIGNS[self.good]


@on_host(mutates=False)
def checklist(c: Host) -> None:
    """Verify what serves now, point by point; changes nothing."""
    if c.shell.dry:
        console.done("Would verify ten points")
        return
    record = common.release_of(c)
    points = _sorted([*_answers(c), _migrations(c, record.id), *_seen(c, evidence.gather(c, record.id))])
    _tell(points)
    bad = [point.title for point in points if point.good is False]
    if bad:
        raise Failure(f"{c.name}: {len(bad)} of {len(points)} checks failed: {', '.join(bad)}", "the lines with ❌ say why")
    console.done(f"Verification checklist: nothing is wrong ({sum(1 for point in points if point.good)} of {len(points)} apply)")


def foresee(c: Host) -> None:
    """Let what ``summary`` asks travel with the next trip."""
    if not c.shell.dry:
        evidence.foresee(c, state.look(c).current)


def summary(c: Host, left_down: bool = False) -> None:
    """The same at the end of a deployment, whose own steps have just proven some of it. What is wrong is a warning."""
    if c.shell.dry:
        return
    try:
        points = _sorted(_proven(c) + _seen(c, evidence.gather(c, state.look(c).current), left_down))
    except Failure as error:
        console.say(f"   nothing could be verified any more: {error.text}", console.YELLOW)
        return
    shown = "  ".join(f"{point.sign} {point.title}" for point in points)
    if not _events(points):
        console.say(f"📋 {shown}")
        if options.current.verbose:
            console.table([(point.sign, point.title, point.why) for point in points])
    for point in points:
        if point.good is False:
            console.warn(f"{c.name}: {point.title}: {point.why}")


def _sorted(points: list[Point]) -> list[Point]:
    return sorted(points, key=lambda point: ORDER.index(point.title))


def _tell(points: Sequence[Point]) -> None:
    if not _events(points):
        console.table([(point.sign, point.title, point.why) for point in points])


def _events(points: Sequence[Point]) -> bool:
    told = [console.event("check", check=point.title, good=point.good, why=point.why) for point in points]
    return all(told)


def _proven(c: Host) -> list[Point]:
    """What a deployment would not have come here without."""
    site = Point("site", True, "it answered server.validate") if c.settings.url else Point("site", None, "this host has no url")
    migrated = "server.health found none pending" if c.settings.migrate else "migrate is off"
    return [site, _opcache(c, site), Point("migrations", c.settings.migrate or None, migrated)]


def _answers(c: Host) -> list[Point]:
    """Does the site answer, and is it the current release?"""
    if not c.settings.url:
        site = Point("site", None, "this host has no url")
    elif state.look(c).down:
        site = Point("site", None, "it is in maintenance mode")
    else:
        try:
            probing.validate(c)
            site = Point("site", True, f"{c.settings.url} answers")
        except Failure as error:
            site = Point("site", False, error.text.splitlines()[0])
    return [site, _opcache(c, site)]


def _opcache(c: Host, site: Point) -> Point:
    if not site.good:
        return Point("OPcache", None, "not known while nothing answers")
    if not c.told:
        return Point("OPcache", None, "PHP does not tell which release it runs, or is not asked")
    return Point("OPcache", c.told == state.look(c).current, f"PHP runs release {c.told}, as it told itself")


def _migrations(c: Host, release: str) -> Point:
    try:
        left = database.pending(c, release)
    except Failure as error:
        return Point("migrations", False, error.text.splitlines()[0])
    return Point("migrations", not left, f"pending: {', '.join(left)}" if left else "none is pending")


def _seen(c: Host, found: Evidence, left_down: bool = False) -> list[Point]:
    """What one look tells."""
    at = state.look(c)
    return [
        _uploads(c, found),
        _workers(found, at.current),
        _logs(found),
        _certificate(c, found),
        _maintenance(c, at, left_down),
        _releases(c, at, found),
        _logged(found, at.current),
    ]


def _uploads(c: Host, found: Evidence) -> Point:
    """Visitors delete files of their own meanwhile: a few that are gone are no sign."""
    if found.apart:
        return Point("uploads", False, f"not shared with the release: {', '.join(found.apart)}: fab server.link-shared --host={c.name}")
    if not any(f"{UPLOADS}/".startswith(f"{folder}/") for folder in c.settings.shared_folders):
        return Point("uploads", None, f"{UPLOADS} is not one of shared_folders")
    if c.settings.storage_link and not found.linked:
        return Point("uploads", False, f"public/storage does not lead to shared/{UPLOADS}")
    lost = found.uploads < found.before - max(10, found.before // 10) or (found.before > 0 and not found.uploads)
    count = f"files in shared/{UPLOADS}: {found.uploads}"
    return Point("uploads", not lost, count + (f", {found.before} before the deployment" if found.before >= 0 else ""))


def _workers(found: Evidence, served: str) -> Point:
    if old := found.seen.old(served):
        return Point("workers", False, f"old code: {'; '.join(map(str, old))}")
    if stopped := [line for line in found.programs if not line.endswith((" RUNNING", " STARTING"))]:
        return Point("workers", False, f"supervisor: {'; '.join(stopped)}")
    if found.seen.runs or found.programs:
        pids = [str(one.pid) for one in found.seen.runs]
        return Point("workers", True, "; ".join((f"{len(pids)} run {served}", *pids, *found.programs)))
    why = found.seen.unseen or (f"the queue is {found.queue}: none is needed" if found.queue in WORKERLESS else "none runs at the moment")
    return Point("workers", None, why)


def _logs(found: Evidence) -> Point:
    if found.errors:
        return Point("logs", False, f"errors since the switch: {found.errors}, the last one in {found.last}")
    if not found.writable:
        return Point("logs", None, "no error since the switch; whether PHP may write to storage/logs cannot be seen from here")
    return Point("logs", True, "no error since the switch; storage/logs is writable")


def _certificate(c: Host, found: Evidence) -> Point:
    if not found.certificate:
        return Point("TLS", None, "the url is not https" if c.settings.url else "this host has no url")
    if wrong := found.certificate.get("wrong"):
        return Point("TLS", False, str(wrong))
    return Point("TLS", True, f"valid until {found.certificate['until']}, {found.certificate['days']} days")


def _maintenance(c: Host, at: state.ServerState, left_down: bool) -> Point:
    if at.down:
        return Point("maintenance", None if left_down else False, f"on; to end it: fab server.up --host={c.name}")
    return Point("maintenance", None, "kept in the application's cache") if at.unseen else Point("maintenance", True, "off")


def _releases(c: Host, at: state.ServerState, found: Evidence) -> Point:
    many = [id for id in tidy.removable(at, c.settings.keep_releases) if id in at.releases]
    if left := [id for id in many if id not in found.busy]:
        return Point("releases", False, f"{tidy.surplus(at, left)}: fab server.cleanup --host={c.name}")
    return Point("releases", True, f"{len(at.releases)} are kept" + (f", {', '.join(many)} still in use" if many else ""))


def _logged(found: Evidence, served: str) -> Point:
    rows = dict(line.partition(": ")[::2] for line in found.logged.splitlines())
    if rows.get("Serving") == served:
        return Point("log", True, f"deployment.log: {rows.get('Deployment')} {rows.get('Status')}")
    return Point("log", False, f"the end of deployment.log knows nothing of {served}")
