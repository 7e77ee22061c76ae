"""What every end of a deployment has in common: the record of the release, the log, who is told, and the error to raise."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps

from . import hooks, local, server
from .engine import console, errors, journal, lock, mistakes, options, records, redact, state, timeline
from .engine.errors import Failure
from .engine.hosts import Host
from .engine.quoting import words
from .engine.records import Record


@dataclass
class Deployment:
    """One run of a chain. ``previous`` is the release that served when it began, ``others`` what stood in its place that is none of
    ours; ``interrupted``: there has been a Ctrl-C; ``given`` are the flags that say what to deploy.
    """

    kind: str
    started: float
    release: str = ""
    previous: str = ""
    others: str = ""
    was_down: bool = False
    built: bool = False
    interrupted: bool = False
    given: dict[str, str] = field(default_factory=dict)

    def again(self, host: str, mended: bool = False) -> str:
        """The command line that does this once more; ``mended``: with another commit of the same branch."""
        flags = [f"--{name}={value}" for name, value in self.given.items() if value and (name == "branch" or not mended)]
        return words("fab", self.kind, f"--host={host}", *flags)


def why(error: BaseException) -> str:
    """``error`` as one line."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    text = redact.mask(mistakes.line(error))
    return (text.splitlines() or [type(error).__name__])[0]


def record(c: Host, id: str) -> Record:
    """The record of release ``id``, or a bare one where it has none."""
    return state.look(c).records.get(id) or Record(id, "live", confirmed=True)


def finally_left(way: Callable[..., BaseException]) -> Callable[..., BaseException]:
    """Ctrl-C while ending: out at once. The server is safe without us: its lock goes when its work ends, and it goes back by itself."""

    @wraps(way)
    def guarded(c: Host, run: Deployment, error: BaseException, *more: BaseException) -> BaseException:
        console.Chain.left()
        run.interrupted |= isinstance(error, KeyboardInterrupt)
        try:
            if any(isinstance(second, KeyboardInterrupt) and second is not error for second in more):
                return left(c, errors.ROLLBACK_FAILED)
            return way(c, run, error, *more)
        except KeyboardInterrupt:
            return left(c, errors.FAILED)

    return guarded


def left(c: Host, code: int) -> Failure:
    """Out at once: the conversation ends here, so that nothing at the end of this run waits for what still runs there."""
    c.shell.close()
    return Failure(f"{c.name}: left at once; the server goes on by itself and frees its lock", f"fab status --host={c.name}", code)


def mark(c: Host, release: str, how: records.State, reason: str) -> None:
    """Note in the release's record what became of it."""
    if release and not c.shell.dry and (known := state.look(c).records.get(release)):
        records.write(c.shell, c.site, known.but(state=how, reason=reason, confirmed=False))
        c.shell.flush()


def lift(c: Host) -> None:
    """End maintenance mode, where this run may have begun it."""
    if c.run_id and ((found := state.look(c)).down or (found.unseen and c.settings.maintenance)):
        server.up(c)


def close(c: Host, run: Deployment, status: str, event: str, note: str, hook: str = "", last: Callable[[], object] | None = None) -> None:
    """Hooks, log, what is wanted ``last`` under the lock, notification: whatever of it fails is said, and changes nothing of the result.

    A first Ctrl-C ends what runs then, and takes neither the log's block nor the journal's last line away; a second one is raised.
    """
    seconds = time.monotonic() - run.started
    facts = {"kind": run.kind, "status": status, "release": run.release, "note": note[:300], "seconds": round(seconds, 1)}

    def finish() -> None:
        journal.note(c, "finished", **facts, steps=timeline.rows())

    def leave() -> None:
        if run.interrupted and not journal.read(c, c.run_id).status:
            finish()
        lock.release(c)

    if hook:
        _attempt(run, lambda: hooks.run(c, hook, run.release))
    if c.run_id or c.shell.dry:
        _attempt(run, lambda: server.log(c, status=status, seconds=seconds, release=run.release, note=note), insist=True)
        _attempt(run, finish)
        _attempt(run, last or (lambda: None))
        _attempt(run, leave, insist=True)
    _attempt(run, lambda: local.notify(c, event=event, release=run.release, note=note, seconds=seconds))


def _attempt(run: Deployment, step: Callable[[], object], insist: bool = False) -> None:
    """Run ``step``; the outcome is decided, and nothing that becomes of this may replace it. ``insist``: once more after a Ctrl-C."""
    try:
        (insisted if insist else interruptible)(run, step)
    except Exception as error:  # noqa: BLE001
        console.warn(why(error))


def interruptible(run: Deployment, step: Callable[[], object]) -> bool:
    """Run ``step``, which the run's first Ctrl-C ends, and no more than that; whether it came to its end."""
    try:
        step()
    except KeyboardInterrupt:
        if run.interrupted:
            raise
        run.interrupted = True
        console.warn("interrupted at the end of the run, which still says how it ended; Ctrl-C again leaves at once")
        return False
    return True


def insisted(run: Deployment, step: Callable[[], object]) -> None:
    """Run ``step``, and once more where the run's first Ctrl-C came between. It must be one that can be done twice."""
    if not interruptible(run, step):
        step()


def end(error: BaseException, text: str, hint: str, code: int) -> Failure:
    """What to raise: what went wrong, what serves now, and what to type next."""
    if isinstance(error, KeyboardInterrupt):
        return Failure(f"interrupted; {text}", hint, code)
    if not isinstance(error, Failure) and options.current.verbose:
        console.say("".join(traceback.format_exception(error)))
    more = f"\n  → {error.hint}" if isinstance(error, Failure) and error.hint else ""
    return Failure(f"{mistakes.line(error)}{more}\n{text}", hint, code)
