"""Processes that keep the code they started with: they are told to start again, after the switch, and then looked for."""

from __future__ import annotations

import re
import secrets
import shlex

from ..engine import console, state
from ..engine.errors import Failure
from ..engine.hosts import Host
from ..engine.scripts import php as php_script
from ..engine.scripts import source
from ..engine.tasks import on_host
from . import booting, common, processes

# Each ends or signals its processes; a process manager starts them again with the new release. One by one and not by `reload`
# (Laravel 12.41), which ends with 0 whatever became of them (Foundation/Console/ReloadCommand, Console/View/Components/Task).
SIGNALS = {
    "queue": "queue:restart",
    "horizon": "horizon:terminate",
    "reverb": "reverb:restart",
    "pulse": "pulse:restart",
    "schedule": "schedule:interrupt",
    "octane": "octane:reload",
    "ssr": "inertia:stop-ssr",
}
# These speak to a process by its pid or port and fail where none runs, as in an application that has them and does without.
DIRECT = ("octane", "ssr")
LOOK = php_script("server/processes.php", f"(root=$1 served=$2 mark=$4; shift 6; {processes.LOOK})")
# Those that somebody starts again when they have ended; cron starts the others (queue:work --stop-when-empty, schedule:run).
LASTING = re.compile(r"(queue:(work|listen)(?!.*--(stop-when-empty|once))|horizon|reverb:start|pulse:(check|work)|schedule:work)( |$)")
BACK = 5  # seconds that it may take: supervisor looks every second
UNTROUBLED = ("not running", "already started")  # of a program that ended, or began, by itself meanwhile


@on_host(flow="8.2-workers")
def workers(c: Host) -> None:
    """Tell queue workers and their like to finish what they do and start again."""
    found = state.look(c)
    kinds = _kinds(c, found.current) if c.settings.workers else []
    told = _signal(c, found, kinds) if kinds else []
    if c.settings.supervisor:
        _restart(c, c.settings.supervisor)
        told += [f"supervisor program {program}" for program in c.settings.supervisor]
    console.done(f"Background services restarted: {', '.join(told) or 'none'}")


def _kinds(c: Host, release: str) -> list[str]:
    if c.settings.workers != ("auto",):
        return once([kind for kind in c.settings.workers if kind in SIGNALS])
    if c.shell.dry and not release:
        return []
    known = booting.known(c, release)
    return once([kind for kind, command in SIGNALS.items() if re.search(rf"^ *{command}\s", known, re.MULTILINE)])


def once(kinds: list[str]) -> list[str]:
    """Nobody is told twice: horizon:terminate sends what queue:restart sends (Horizon: Console/TerminateCommand)."""
    return [kind for kind in kinds if kind != "queue" or "horizon" not in kinds]


def _signal(c: Host, found: state.ServerState, kinds: list[str]) -> list[str]:
    """From the new release, and from the previous one: a signal is kept in the cache store and under the prefix of the release it
    was sent from (Queue/Console/RestartCommand), and old workers look at theirs. Notes who ran before."""
    previous = found.live.previous if found.live and found.live.previous in found.releases else ""
    mark, known = secrets.token_hex(16), c.shell.known
    both, direct = ([SIGNALS[kind] for kind in kinds if (kind in DIRECT) == wanted] for wanted in (False, True))
    values = (c.site.root, found.current, previous, mark, " ".join(both), " ".join(direct), *common.php(c))
    what = f"php artisan {', '.join((*both, *direct))}"
    said = c.shell.work(f"{LOOK}\n{source('server/workers.sh')}", *values, what=what).out
    c.shell.known = known
    for command in re.findall(rf"^{mark} failed (.*)$", said, re.MULTILINE):
        console.warn(f"{command} failed in the previous release {previous}: its workers may run on")
    nobody = re.findall(rf"^{mark} nobody (.*)$", said, re.MULTILINE)
    seen = processes.parse(said, mark)
    if seen.unseen:
        console.say(f"   not seen: {seen.unseen}", console.YELLOW)
    c.running_on = tuple(one.command for one in seen.old(found.current))
    return [command for command in (*both, *direct) if command not in nobody]


def _restart(c: Host, programs: tuple[str, ...]) -> None:
    """As long as supervisor itself gives a program to end (stopwaitsecs): cut short in between, it would be left stopped."""
    words, what = shlex.split(c.settings.supervisorctl), f"{c.settings.supervisorctl} restart {' '.join(programs)}"
    c.running_on += programs
    answer = c.shell.work('exec "$@"', *words, "restart", *programs, check=False, timeout=0, patient=True, what=what)
    wrong = [line for line in answer.out.splitlines() if "ERROR (" in line]  # older ones end with 0 all the same
    if bad := [line for line in wrong if not line.endswith(tuple(f"ERROR ({text})" for text in UNTROUBLED))]:
        raise Failure(f"{c.name}: {what}: {'; '.join(dict.fromkeys(bad))}", f"see what there is: {c.settings.supervisorctl} status")
    if answer.code and not wrong:
        raise Failure(f"{c.name}: {what} failed (exit code {answer.code}): {answer.out.strip()[-500:]}", "set supervisorctl for this host")


def foresee(c: Host) -> None:
    """Let what ``drain`` asks where it waits for nobody travel with the next trip."""
    if not c.shell.dry:
        processes.foresee(c)


@on_host(mutates=False, help={"wait": "--no-wait: only look"})
def drain(c: Host, wait: bool = True) -> None:
    """Wait until no worker runs an earlier release any more, up to drain_timeout seconds; ends none."""
    if c.shell.dry:
        console.done("Would wait for workers of earlier releases")
        return
    seconds, served = c.settings.drain_timeout if wait else 0, state.look(c).current
    back = any(LASTING.search(command) for command in c.running_on)
    seen = processes.look(c, seconds, BACK if back else 0)
    if seen.unseen:
        console.say(f"   not seen: {seen.unseen}", console.YELLOW)
    old = seen.old(served)
    for one in old:
        console.warn(f"{c.name}: process {one} still runs old code: {_cure(c, one, seconds)}")
    if back and not seen.runs and not seen.unseen:
        console.warn(f"{c.name}: workers have ended and none came back in {BACK} s: who starts them again? (supervisor: autorestart=true)")
    elif not old:
        console.done("No process runs an earlier release any more")


def _cure(c: Host, one: processes.Process, seconds: int) -> str:
    if one.deaf:
        why = "Octane keeps the folder it was started in" if one.deaf == "octane" else f"{one.deaf} listens to no signal"
        return f"{why}: have its process manager restart it, by name in supervisor = [...]"
    nobody = not (c.settings.workers or c.settings.supervisor)
    why = "nobody told it to end, since workers = []" if nobody else f"it has not ended in {seconds} s"
    return f"{why}; unless it has a long job: kill -TERM {one.pid}, then fab server.drain --host={c.name}"
