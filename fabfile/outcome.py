"""How a deployment begins and ends: what serves then, what the person reads, and the exit code."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from . import backward, closing, server
from .closing import Deployment, why
from .engine import console, errors, guard, lock, state
from .engine.counted import counted
from .engine.errors import Failure
from .engine.hosts import Host


def begin(c: Host, kind: str, steps: int = 0, foreseen: Callable[[Host], None] | None = None, **given: str) -> Deployment:
    """A run of so many ``steps`` that starts now, with these flags; what serves is read from the server, and what is ``foreseen`` travels
    along."""
    console.say(
        f"🚀 {kind} → {c.name}: {c.user}@{c.host}:{c.site.root}" + ("  (dry run: nothing changes)" if c.shell.dry else ""), console.BOLD
    )
    console.Chain.total = steps
    c.purpose["what"] = kind
    state.foresee(c)
    server.foresee(c)
    if foreseen:
        foreseen(c)
    found = state.look(c)
    lock.ahead(c, found)
    down = found.down and not found.owed
    return Deployment(kind, time.monotonic(), previous=found.current, others=found.others, was_down=down, given=given)


def stays_down(c: Host, run: Deployment) -> bool:
    """Whether somebody had put the site into maintenance mode before this run, which does not do that itself: not ours to end; nor is
    what is kept in the application's cache, which may be somebody's."""
    if run.was_down and not c.settings.maintenance:
        console.say(f"   {c.name} was in maintenance mode before and stays in it; to end it: fab server.up --host={c.name}", console.YELLOW)
        return True
    return not c.settings.maintenance and state.look(c).unseen


def tidied(run: Deployment, *steps: Callable[[], object]) -> None:
    """What comes after a release is live and confirmed changes nothing of that, whatever becomes of it."""
    for step in steps:
        try:
            step()
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001
            run.interrupted |= isinstance(error, KeyboardInterrupt)
            console.warn(f"{why(error)}: what comes after a release is live was not all done, the next run goes on")


def live(c: Host, run: Deployment) -> None:
    """The good end."""
    status = "SUCCESS" if run.kind == "deploy" else "ROLLED BACK ON REQUEST"
    event, left_down = "success" if run.kind == "deploy" else "rollback", run.was_down and not c.settings.maintenance
    last = (lambda: server.summary(c, left_down)) if run.kind == "deploy" else None
    if last:
        tidied(run, lambda: server.foresee_summary(c))
    stays = list[bool]()
    tidied(run, lambda: stays.append(left_down and state.look(c).down))
    tidied(run, lambda: closing.close(c, run, status, event, "", last=last))
    if c.shell.dry:
        console.result(f"dry run: nothing was changed, {run.previous or 'nothing'} serves")
        return
    seconds = time.monotonic() - run.started
    live = f"is live{f' at {c.settings.url}' if c.settings.url else ''}"
    if any(stays):
        live = f"is in place, and visitors still get maintenance mode; to end it: fab server.up --host={c.name}"
    console.result(f"⚡ {c.name}: {run.release} {live}  ({seconds:.1f} s)")
    if console.warnings:
        raise Failure(f"live, with {counted(len(console.warnings), 'warning')}", "see ⚠️ above", code=errors.WARNINGS)


@closing.finally_left
def abandoned(c: Host, run: Deployment, error: BaseException) -> BaseException:
    """Before the switch: the old release serves, and goes on serving; what to raise."""
    if _nothing_done(error, run):
        _give_back(c, error)
        return error
    untouched = "what is there was not touched" if run.others else "nothing is live yet"
    serving = f"{run.previous} still serves" if run.previous else untouched
    with suppress(Failure):
        switched = bool(run.release) and state.look(c).current == run.release  # it may have been stopped in the moment after the rename
        if switched and not run.previous:
            return nothing_to_go_back_to(c, run, error)
        if c.run_id or switched:
            _go_back(c, run)
    with suppress(Failure):
        if run.kind == "deploy":
            closing.mark(c, run.release, "failed", why(error))
        if not run.was_down:
            closing.lift(c)
    closing.close(c, run, "FAILED", "failure", why(error), "on_failure")
    return closing.end(error, f"{run.kind} failed; {serving}", f"mend it and run it again: {run.again(c.name)}", errors.FAILED)


@closing.finally_left
def nothing_to_go_back_to(c: Host, run: Deployment, error: BaseException) -> BaseException:
    """A first deployment has no predecessor: it stays, unconfirmed."""
    with suppress(Failure):
        if state.look(c).confirmed == run.release:
            return _confirmed_before(c, run, error, "SUCCESS", "success")
    closing.close(c, run, "FAILED", "failure", why(error), "on_failure")
    text = f"the first release {run.release} is in place but not confirmed; there is none to go back to"
    return closing.end(error, text, f"mend it and deploy again: {run.again(c.name, mended=True)}", errors.FAILED)


@closing.finally_left
def rolled_back(c: Host, run: Deployment, error: BaseException) -> BaseException:
    """After the switch: the previous release serves again."""
    with suppress(Failure):
        closing.mark(c, run.release, "bad", why(error))
    closing.close(c, run, "ROLLED BACK", "rollback", why(error), "on_rollback")
    ran = closing.record(c, run.release).migrations if run.release else ()
    extra = f"; migrations that stay: {', '.join(ran)}" if ran else ""
    return closing.end(
        error,
        f"rolled back: {run.previous} serves again{extra}",
        f"mend it and deploy again: {run.again(c.name, mended=True)}",
        errors.ROLLED_BACK,
    )


@closing.finally_left
def undone(c: Host, run: Deployment, error: BaseException) -> BaseException:
    """A rollback on request did not come to its end: what served before it serves again. A person has to act, or wanted it so."""
    try:
        _go_back(c, run)
        found = state.look(c)
        if found.current == found.confirmed == run.release:
            backward.left_behind(c, found.records.get(run.previous))
            return _confirmed_before(c, run, error, "ROLLED BACK ON REQUEST", "rollback")
    except Failure as second:
        return stuck(c, run, error, second)
    serving, stopped = found.current, isinstance(error, KeyboardInterrupt)
    if serving != run.previous:
        return stuck(c, run, error, error)
    closing.close(c, run, "ROLLBACK FAILED", "failure", why(error), "on_failure")
    text = f"{'the rollback was stopped' if stopped else 'THE ROLLBACK FAILED'}; {serving} serves again, as before it"
    hint = f"fab rollback --host={c.name} --to=RELEASE goes to another one, fab status --host={c.name} says what serves"
    return closing.end(error, text, hint, errors.FAILED if stopped else errors.ROLLBACK_FAILED)


def _confirmed_before(c: Host, run: Deployment, error: BaseException, status: str, event: str) -> BaseException:
    """It ended as it should, but for what it would have said; raises Failure where the records cannot be written any more."""
    server.confirm(c, run.release)
    closing.close(c, run, status, event, why(error))
    return closing.end(error, f"it was confirmed before that: {run.release} serves", f"fab status --host={c.name}", errors.WARNINGS)


def to_previous(c: Host, run: Deployment) -> None:
    """Back after a switch; as the watchman goes, who asks for no record, where that of what served was lost or it is another tool's."""
    if run.previous in state.look(c).records:
        server.switch(c, release=run.previous)
        return
    _go_back(c, run)
    if (serving := state.look(c).current) != run.previous:
        raise Failure(f"{c.name}: {serving or 'nothing'} serves, not {run.previous}, of which nothing is known")


def _go_back(c: Host, run: Deployment) -> None:
    """Undo a switch that nobody confirmed. A conversation that was cut short has lost the lock: whoever has it next goes back."""
    if c.run_id:
        guard.go_back(c, f"the {run.kind} was not confirmed")
    else:
        lock.hold(c, run.kind)


@closing.finally_left
def stuck(c: Host, run: Deployment, error: BaseException, second: BaseException) -> BaseException:
    """The way back failed too: a person has to act."""
    closing.close(c, run, "ROLLBACK FAILED", "failure", f"{why(error)}; then {why(second)}", "on_failure")
    if isinstance(second, errors.Unreachable) and run.previous:
        text = f"the server is out of reach and goes back to {run.previous} by itself as soon as it notices"
        return closing.end(error, text, f"see whether it did: fab status --host={c.name}", errors.ROLLBACK_FAILED)
    text = f"THE ROLLBACK FAILED: {why(second)}; see what serves: fab status --host={c.name}"
    return closing.end(
        error,
        text,
        f"fab rollback --host={c.name} --to=RELEASE, or by hand: ln -s releases/ID new && mv -T new current",
        errors.ROLLBACK_FAILED,
    )


def _nothing_done(error: BaseException, run: Deployment) -> bool:
    """A wrong setting or flag, a lock or an unreachable server ends as itself when nothing had begun."""
    usage = isinstance(error, Failure) and error.code == errors.USAGE
    return not run.release and (usage or isinstance(error, errors.Locked | errors.Unreachable))


def _give_back(c: Host, error: BaseException) -> None:
    """The lock, if it was taken already; where the connection is gone, the server gives it back itself."""
    if not isinstance(error, errors.Unreachable):
        with suppress(Failure):
            lock.release(c)
