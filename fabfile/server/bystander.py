"""The release that serves while another one's migrations run: it has to stand them until the switch."""

from __future__ import annotations

from ..engine import console, state
from ..engine.errors import Failure
from ..engine.hosts import Host
from ..engine.records import Record
from . import asking


def is_well(c: Host, release: str) -> bool:
    """Whether the site answers now, with another release than ``release``; not asked where it has no url or is closed."""
    found = state.look(c)
    closed = found.down or (found.unseen and c.settings.maintenance)
    if c.shell.dry or closed or not c.settings.url or found.current in ("", release):
        return False
    return 200 <= _asked(c)[0] <= 299


def insist(c: Host, record: Record, ran: tuple[str, ...], meant: bool = False) -> None:
    """Raises Failure where the site that was well before these migrations is not any more; a warning where that was ``meant``."""
    status, detail = _asked(c, c.settings.health_tries)
    if 200 <= status <= 299:
        return
    serving, path = state.look(c).current, c.settings.health_path or "/"
    text = f"{c.name}: {serving}, which serves, was well before the migrations and now answers {path} with {status or 'nothing'}"
    if meant:  # to stop here would leave it so
        console.warn(f"{text}, until the switch")
        return
    back = f"fab server.restore --host={c.name} --release={record.id}" if record.backup else "a migration that puts it right"
    raise Failure(
        f"{text}: {detail[:300]}\n  migrations that ran: {', '.join(ran)}; the schema stays as it is now, nothing was undone or switched",
        f"deploy again: the new release, which knows the schema, takes over; or back to the old schema: {back}",
    )


def _asked(c: Host, tries: int = 1) -> tuple[int, str]:
    return asking.get(c, c.settings.health_path or "/", tries)
