"""The server's lock: a kernel flock that the work itself inherits, and a record of who holds it."""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
import time
from typing import Any

from . import aborted, console, guard, journal, kept, options, owners, state
from .errors import Failure, Locked
from .hosts import Host
from .scripts import source
from .shell import Shell
from .wire import Answer

HELD, NO_FLOCK, UNWRITABLE, BY_HAND, BUILDING = 0, 69, 73, 76, 77
ASIDE = "exec 8>&- 9>&-\n"  # what a command of the user's may start, and leave behind, holds no lock of ours
LEAVE = 'rm -rf -- "$1"; rm -f -- "$2/lock.json"; [ ! -f "$2/journal.jsonl" ] || sync "$2/journal.jsonl" 2>/dev/null || :'


class _Unwritable(Failure):
    """The lock cannot be taken, whoever has it."""


def hold(c: Host, what: str, by_hand: bool = False) -> None:
    """Take the lock of ``c`` for the rest of this run, and that of the folder there in which it ``builds``; nothing if this run has them
    or only looks.

    Raises Locked when somebody else has it (after the host's lock_wait seconds), or one set by hand keeps everybody out but
    whoever comes to open it (``by_hand``); Failure when it cannot be taken at all.
    """
    if c.shell.dry or (c.run_id and c.shell.builds in ("", c.shell.shop)):
        return
    run, deadline = f"{state.now(c)}-{secrets.token_hex(4)}", time.monotonic() + max(c.settings.lock_wait, options.current.lock_wait)
    take = _beside if c.run_id else _take
    while (answer := take(c, run, what, by_hand)).code and time.monotonic() < deadline:
        console.say(f"   … {c.name} is locked, waiting")
        time.sleep(1)
    if answer.code:
        raise _building(c, answer) if answer.code == BUILDING else _held(c, state.look(c))


def ahead(c: Host, found: state.ServerState) -> None:
    """Raises Locked, before minutes of building, where ``hold`` would raise it if it came at once."""
    if c.run_id or c.shell.dry:
        return
    _check_owner(c, found)
    if found.manual:
        raise _by_hand(c, found.manual)
    if found.held and not max(c.settings.lock_wait, options.current.lock_wait):
        raise _held(c, found)


def _check_owner(c: Host, found: state.ServerState) -> None:
    if found.closed:
        problem = owners.closed(found.closed)
        raise Failure(f"{c.name}: {problem.text}", problem.hint)


def _by_hand(c: Host, manual: dict[str, Any]) -> Locked:
    return Locked(f"{c.name}: locked by hand: {describe(manual)}", f"fab unlock --host={c.name}")


def _held(c: Host, found: state.ServerState) -> Locked:
    record = {**found.lock, "step": journal.read(c, str(found.lock.get("run", ""))).step}
    return Locked(f"{c.name}: another deployment holds the lock: {describe(record)}", f"fab status --host={c.name}")


def _building(c: Host, answer: Answer) -> Locked:
    text = f"{c.name}: another build is running in {c.shell.builds}: {describe(aborted.record(answer.out))}"
    return Locked(text, f"wait for it, as hosts.{c.name}.lock_wait does, or give this project another build.path")


def _take(c: Host, run: str, what: str, by_hand: bool) -> Answer:
    state.foresee(c)
    c.shell.foresee(kept.LIST, c.site.own)
    try:
        answer = attempt(c.shell, c.site.own, run, {"what": what, **c.purpose}, c.php[0], by_hand, c.shell.builds, c.site.root)
    except _Unwritable:
        _check_owner(c, state.look(c))
        raise
    if answer.code == BY_HAND:  # set since this run looked, as while it waited
        raise _by_hand(c, aborted.record(answer.out))
    if answer.code == HELD:
        c.shell.run, c.shell.shop = run, c.shell.builds
        found = state.look(c)
        c.shell.kept = kept.listed(c.shell.ask(kept.LIST, c.site.own, what="what is kept of our scripts").out)
        guard.resolve(c)
        aborted.write_down(c, found, answer.out)
    return answer


def _beside(c: Host, _run: str, what: str, _by_hand: bool) -> Answer:
    """The lock of the build's folder, where this run took its own before anybody knew that it builds."""
    script = f"{source('engine/flock.sh')}{source('engine/beside.sh')}beside"
    answer = c.shell.own(script, shop=c.shell.builds, run=c.run_id, record=_record(c.run_id, {"what": what, **c.purpose}), php=c.php[0])
    if answer.code == HELD:
        c.shell.shop = c.shell.builds
    return _possible(c.shell, c.shell.builds, answer)


def take(shell: Shell, folder: str, run: str, what: str, php: str = "php") -> int:
    """Take the lock in ``folder`` with the shell's agent, until it is closed: HELD, or another number if somebody has it.

    Raises Failure when it cannot be taken at all.
    """
    return attempt(shell, folder, run, {"what": what}, php).code


def attempt(
    shell: Shell, folder: str, run: str, purpose: dict[str, str], php: str, by_hand: bool = False, shop: str = "", site: str = ""
) -> Answer:
    """As ``take``; says the record of a run that died with the lock, if this one got it, or that of who keeps it from it.

    BY_HAND when one was set by hand, unless this run comes ``by_hand`` to open it; BUILDING when somebody else builds in ``shop``. ``site``
    is made where it is not there, for everybody to go through.
    """
    script = f"{source('engine/flock.sh')}{source('engine/beside.sh') if shop else ''}{source('engine/lock.sh')}"
    values = {"folder": folder, "run": run, "record": _record(run, purpose), "php": php, "shop": shop, "site": site}
    answer = shell.own(script, **values, open="yes" if by_hand else "")
    if answer.code == HELD:
        shell.child = f"{folder}/run/{run}/child"
    return _possible(shell, folder, answer)


def _record(run: str, purpose: dict[str, str]) -> str:
    return json.dumps({"run": run, **purpose, **who()}, separators=(",", ":"))


def _possible(shell: Shell, folder: str, answer: Answer) -> Answer:
    """``answer``, unless nobody can lock there."""
    if answer.code == UNWRITABLE:
        raise _Unwritable(
            f"{shell.place}: cannot lock {folder}: {answer.err.strip()}", "create the folder above it and give it to the user who deploys"
        )
    if answer.code == NO_FLOCK:
        raise Failure(f"{shell.place}: there is no flock, PHP or Perl to lock with", "set php in deploy.toml to a PHP that is there")
    return answer


def release(c: Host) -> None:
    """Give the lock back and end the conversation; only ever our own."""
    if not c.run_id:
        return
    _keep(c)
    c.shell.do(LEAVE, c.site.run(c.run_id), c.site.own, what="unlock")
    c.shell.flush()
    c.shell.close()


def _keep(c: Host) -> None:
    """What this run had to send is there for the next one; what is alike stands together, where compression finds it."""
    if names := sorted(c.shell.spoken - (c.shell.kept or set()), key=kept.text_of):
        c.shell.kept = None  # these are the texts themselves
        c.shell.do(kept.KEEP, c.site.own, *(part for name in names for part in (name, kept.text_of(name))), what="keep scripts")


def describe(record: dict[str, Any]) -> str:
    """Who holds it, from where, since when, for what and where they are, as one line."""
    order = ("who", "from", "since", "what", "commit", "step", "message")
    return ", ".join(f"{key} {record[key]}" for key in order if record.get(key)) or "by an unknown run"


def who() -> dict[str, str]:
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"who": user(), "from": socket.gethostname(), "since": since, "pid": str(os.getpid())}


def user() -> str:
    """The name of whoever deploys: CI's actor if CI says one, else the log-in name."""
    actor = os.environ.get("GITHUB_ACTOR") or os.environ.get("GITLAB_USER_LOGIN")
    try:
        return actor or getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
