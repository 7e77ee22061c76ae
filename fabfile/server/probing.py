"""Is the release well? Before the switch from inside, after it over HTTP."""

from __future__ import annotations

from ..engine import console, state
from ..engine.counted import counted
from ..engine.errors import Failure
from ..engine.hosts import Host
from ..engine.tasks import on_host
from ..engine.wire import Answer
from . import asking, booting, common, database, visiting, which

UNPROVEN = (
    "neither public/index.php nor a page beside it tells; let public/index.php require storage/framework/maintenance.php, "
    "as Laravel's does since 8 (docs/servers.md), or set health_release = false where something else makes sure"
)


@on_host(flow="6.3-health", mutates=False)
def health(c: Host, release: str = "") -> None:
    """Boot the release, reach its database, and answer the health path with it, before any visitor does."""
    if c.shell.dry:
        console.would(c.name, f"php artisan --version; GET {c.settings.health_path or '/'} with the release itself")
        return
    record = common.release_of(c, release)
    _before(c, state.look(c), record.id)
    aside = not c.settings.migrate or database.settled(c, record.id)
    seconds = c.settings.health_timeout * (2 if aside else 1)  # where they share a processor, each waits for the other
    first = visiting.visit(c, record.id, c.settings.health_path or "/", seconds)
    if aside:
        visiting.foresee(c, first)
    booted = booting.boot(c, record.id, first.seconds)
    console.done(f"Application boots: {booted.version or 'artisan said nothing'}")
    if booted.database is not None:
        reached = f"Database reached: connection {booted.database}"
        console.done(reached if booted.database else "No database to reach: there is no default connection")
    if c.settings.migrate and (left := database.pending(c, record.id)):
        text = f"{c.name}: still pending: {counted(len(left), 'migration')}: {', '.join(left)}"
        raise Failure(text, f"fab server.migrate --host={c.name}")
    _visited(c, record.id, first)


def _visited(c: Host, release: str, first: visiting.Visit) -> None:
    """The first visitor of the health page, and of each page that shall be warm, is us: in the pool that will serve it, if we may."""
    socket, path = c.settings.fpm_socket, first.path
    pages = [path, *(page for page in c.settings.warm_paths if page != path)]
    for page in pages[:1] if socket else pages:
        who, answer = visiting.alone(c, first if page == path else visiting.visit(c, release, page, c.settings.health_timeout))
        _answers(c, page, who, answer, warm=page != path)
    for page in pages if socket else []:
        _answers(c, page, f"the new release in {socket}", visiting.in_pool(c, release, page, warm=page != path), warm=page != path)


def _answers(c: Host, path: str, who: str, answer: Answer, warm: bool = False) -> None:
    """Raises Failure unless the status is 2xx, or 3xx where a page is only warmed."""
    status, detail = asking.status(answer.out)
    if answer.code or not 200 <= status <= (399 if warm else 299):
        raise Failure(f"{c.name}: {who} answers {path} with {status}: {(detail + answer.err[-800:]).strip()}")
    console.done(f"{'Warm' if warm else 'Health checks passed'}: {path} answers {status} from {who}")


def _before(c: Host, found: state.ServerState, release: str) -> None:
    """How the site answers while its old release serves, for ``validate``: what was broken before is no new release's fault."""
    closed = found.down or (found.unseen and c.settings.maintenance)
    if not c.settings.url or not found.current or release == found.current or closed:
        return
    status, detail = asking.get(c, c.settings.health_path or "/")
    c.before = (found.current, status)
    if not 200 <= status <= 299:
        console.say(f"   the site is broken already, with {found.current}: {status or 'no answer'}: {detail[:300]}", console.YELLOW)


@on_host(flow="8.3-validate", mutates=False)
def validate(c: Host) -> None:
    """Ask the site itself, over HTTP, from the server: is it well, and is it this release that answers?"""
    if c.shell.dry or not c.settings.url:
        console.done("Skipped: this host has no url" if not c.settings.url else f"Would GET {c.settings.url}{c.settings.health_path}")
        return
    (before, status), found = c.before, state.look(c)
    current = found.current
    try:
        _answers_well(c)
        if current != before:
            _is_served(c, current, (found.live.previous if found.live else "") or before)
        served, unanswered = asking.exposed(c)
        if served:
            console.warn(f"{c.settings.url} serves {', '.join(served)}: {asking.CURE}")
        if unanswered:
            text = f"whether {c.settings.url} serves {', '.join(unanswered)} is not known: it did not answer"
            console.warn(f"{text}; ask again with fab verify --host={c.name}")
    except Failure as error:
        if not before or 200 <= status <= 299:
            raise
        if current == before:  # gone back to what was broken before: nothing more can be done from here
            console.warn(f"{error.text} (as it did before)")
            return
        raise Failure(f"{error.text}\n  it was broken before this deployment too, with {before}", error.hint) from error


def _answers_well(c: Host) -> None:
    path, tries = c.settings.health_path or "/", c.settings.health_tries
    url = c.settings.url.rstrip("/") + path
    status, detail, elsewhere = asking.reply(c, path, tries, c.settings.health_successes)
    if elsewhere:
        text = f"from here {url} leads to {elsewhere}, not to this server; where that is a load balancer or a CDN, set"
        console.say(f'   {text} hosts.{c.name}.resolve = "127.0.0.1"', console.YELLOW)
    if status == 503 and state.look(c).down:
        console.done(f"In maintenance mode: {url} answers {status}")
        return
    if not 200 <= status <= 299:
        raise Failure(f"{c.name}: {url} answers {status or 'nothing'} after {tries} tries: {detail}")
    console.done(f"Application responding correctly: {url} answers {status}")


def _is_served(c: Host, release: str, before: str) -> None:
    """Is it this release? PHP itself tells; or a file that only this release has, for a moment: a document root may lead elsewhere."""
    if not c.settings.health_release:
        return
    said = _said(c, release, before)
    c.told = said.release if said.how in ("php", "page") else ""
    if said.how == "full":
        # a full disk must keep nobody from going back
        console.say(f"   whether it is {release} that answers was not asked: no file can be written", console.YELLOW)
    elif said.how != "none" and said.release != release:
        raise _other(c, release, said)
    elif c.told:
        console.done(f"It is release {release} that answers")
    else:
        _unproven(c, release, said)


def _said(c: Host, release: str, before: str) -> which.Said:
    """What the best way to ask says that says anything; else the last."""
    for way in which.WAYS:
        said = which.answers(c, release, before, way)
        if said.release or said.how == "full":
            break
    return said


def _unproven(c: Host, release: str, said: which.Said) -> None:
    text = "which code PHP runs was not proven"
    if said.how == "file":
        text = f"{release} is what the document root leads to; {text}"
    if state.look(c).down:  # where nobody is answered by it, it can wait
        console.say(f"   {text}", console.YELLOW)
    else:
        console.warn(f"{c.name}: {text}: {UNPROVEN}")


def _other(c: Host, release: str, said: which.Said) -> Failure:
    if said.release:
        return which.stale(c, release, said.release)
    return Failure(
        f"{c.name}: {c.settings.url} does not serve release {release}: "
        f"a file of its public folder is answered with {said.status or 'nothing'}",
        f"point the document root at {c.site.current}/public, clear caches before it; "
        f"or set health_release = false for {c.name}, where public files come from elsewhere",
    )
