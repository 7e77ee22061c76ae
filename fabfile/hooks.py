"""🟣 The points of a deployment that deploy.toml fills: 1️⃣ before, 2️⃣ in, 3️⃣ after the release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from invoke.context import Context

from .builder.workshop import workshop
from .engine import console, lock, mistakes, project, registry, schema, state
from .engine.foresight import look_again
from .engine.hosts import Host
from .engine.shell import Shell
from .engine.tasks import HostStep, hook_point
from .server import configure

REST = "..."
MARKERS = {"pre_release": "🟣 1️⃣", "mid_release": "🟣 2️⃣", "post_release": "🟣 3️⃣"}
# What runs at each point without being asked for. A list in [hooks] adds to it; "..." says where.
STEPS = {
    "pre_release": ("server.review", "server.backup", "server.down"),
    "mid_release": ("server.optimize", "server.migrate", "server.health"),
    "post_release": ("server.opcache", "server.workers", "server.up", "server.validate"),
}
COMMAND = f"""
{lock.ASIDE}RELEASE=$2 PREVIOUS=$3 COMMIT=$4 HOST=$5 PHASE=$6
export RELEASE PREVIOUS COMMIT HOST PHASE
cd "$1"
"""
TASKS = ("pre_release", "mid_release", "post_release", "on_failure", "on_rollback")


@dataclass(frozen=True)
class Moment:
    """What a hook is told: the point, the releases it stands between, and whether any was served before."""

    phase: str
    release: str = ""
    previous: str = ""
    commit: str = ""
    served: bool = False


@hook_point(flow="5-pre-release", quiet=True)
def pre_release(c: Host, release: str = "") -> None:
    """🟣 1️⃣ In the current release, before the new one is prepared: backup, maintenance, yours."""
    run(c, "pre_release", release)


@hook_point(flow="6-mid-release", quiet=True)
def mid_release(c: Host, release: str = "") -> None:
    """🟣 2️⃣ In the new release, before it serves: caches, migrations, health, yours."""
    run(c, "mid_release", release)


@hook_point(flow="8-post-release", quiet=True, help={"stay_down": "leave maintenance mode as it is"})
def post_release(c: Host, release: str = "", stay_down: bool = False) -> None:
    """🟣 3️⃣ In the release that serves now: OPcache, workers, validation, yours."""
    run(c, "post_release", release, stay_down)


@hook_point(quiet=True)
def on_failure(c: Host, release: str = "") -> None:
    """🟣 What deploy.toml lists for a deployment that failed."""
    run(c, "on_failure", release)


@hook_point(quiet=True)
def on_rollback(c: Host, release: str = "") -> None:
    """🟣 What deploy.toml lists for a deployment that was rolled back."""
    run(c, "on_rollback", release)


def run(c: Host, phase: str, release: str = "", stay_down: bool = False) -> None:
    """Run everything at ``phase``, in order. Raises Failure at the first that fails and may not."""
    moment = _moment(state.look(c), phase, release)
    with console.point(MARKERS.get(phase, "🟣")):
        for number, hook in enumerate(planned := _planned(c, phase, stay_down), 1):
            if number == len(planned) and hook.command and phase in MARKERS:
                state.foresee(c)  # the next step looks at what the command may have changed
                if phase == "mid_release":
                    configure.foresee(c, moment.release)
            _there(c, hook, moment)


def back(c: Host, release: str, stay_down: bool = False, forgiven: Sequence[str] = ()) -> None:
    """What post_release holds for a release that serves again. Each step has its turn, whatever became of the one before.

    A listed one that fails is a warning, since it may be what the new release failed with, and so is one of the ``forgiven``.
    Raises what another usual one raised first.
    """
    moment, raised = _moment(state.look(c), "post_release", release), list[Exception]()
    with console.point(MARKERS["post_release"]):
        for hook in _planned(c, "post_release", stay_down):
            try:
                _there(c, hook, moment)
            except Exception as error:  # noqa: BLE001 a task of the team's may raise anything
                if hook.task in STEPS["post_release"] and hook.task not in forgiven:
                    raised.append(error)
                else:
                    _warn(hook, error)
    if raised:
        raise raised[0]


def _planned(c: Host, phase: str, stay_down: bool) -> Sequence[schema.Hook]:
    """What runs at ``phase``; with ``stay_down`` the usual way out of maintenance mode is left out, not one that the team lists."""
    settings = project.loaded().settings.hooks
    listed: Sequence[schema.Hook] = getattr(settings, phase)
    return [hook for hook in plan(c.settings, settings, phase) if not stay_down or hook.task != "server.up" or hook in listed]


def _moment(found: state.ServerState, phase: str, release: str) -> Moment:
    """``release``, else the one that ``phase`` is about; a deployment that failed before it had one has none."""
    pending = found.pending() if phase in ("pre_release", "mid_release") else None
    id = release or (pending.id if pending else "" if phase in ("on_failure", "on_rollback") else found.current)
    record = found.records.get(id)
    previous = found.current if id != found.current else (record.previous if record else "")
    return Moment(phase, id, previous, record.commit if record else "", bool(found.current))


def around_build(c: Context, phase: str) -> None:
    """Run what is listed at before_build or after_build: there is no release yet."""
    for hook in getattr(project.loaded().settings.hooks, phase):
        _one(c, hook, Moment(phase))
        look_again()


def plan(host: schema.Host, hooks: schema.Hooks, phase: str) -> tuple[schema.Hook, ...]:
    """What runs at ``phase``: the built-in steps that the settings want, and the listed hooks around or after them."""
    listed: Sequence[schema.Hook] = getattr(hooks, phase)
    named = {hook.task for hook in listed}
    rest = [schema.Hook(task=name) for name in STEPS.get(phase, ()) if name not in named and _wanted(host, name)]
    if REST not in named:
        return (*rest, *listed)
    at = next(number for number, hook in enumerate(listed) if hook.task == REST)
    return (*listed[:at], *rest, *(hook for hook in listed[at:] if hook.task != REST))


def _wanted(host: schema.Host, name: str) -> bool:
    return {"server.down": host.maintenance, "server.migrate": host.migrate, "server.review": host.migrate}.get(name, True)


def _there(c: Host, hook: schema.Hook, moment: Moment) -> None:
    """Run ``hook``. What is none of our steps there, nor a command there, may look at the server and change it in its own way."""
    ours = isinstance(registry.tasks.get(hook.task), HostStep) if hook.task else hook.place == "server"
    if not ours:
        c.step_aside()
    _one(c, hook, moment)
    if not ours:
        c.step_aside()


def _one(c: Context, hook: schema.Hook, moment: Moment) -> None:
    if not moment.served and moment.phase == "pre_release" and (hook.task == "server.down" or (hook.command and hook.place == "server")):
        console.say(f"   {hook.task or hook.command} skipped: first deployment, there is no current release")
        return
    try:
        if hook.task:
            with mistakes.told():  # Fabric's own @task knows nothing of ours
                registry.call(hook.task, c, release=moment.release)
        else:
            _command(c, hook, moment)
    except Exception as error:  # a task of the team's may raise anything
        if hook.on_error == "fail":
            raise
        _warn(hook, error)


def _warn(hook: schema.Hook, error: Exception) -> None:
    console.warn(f"{hook.task or hook.command}: {mistakes.line(error)}")


def _command(c: Context, hook: schema.Hook, moment: Moment) -> None:
    """Run a command of the team's; the locks' descriptors are closed, so that a daemon it starts does not hold a lock."""
    shell, folder = _place(c, hook, moment)
    step = console.begin(MARKERS.get(moment.phase, "🟣"), "", hook.command, f"{shell.place}:{folder}")
    values = (folder, moment.release, moment.previous, moment.commit, project.host_name(c), moment.phase)
    try:
        shell.work(f"{COMMAND}\n{hook.command}", *values, timeout=hook.timeout, what=hook.command)
    except BaseException as error:
        step.failed(str(error))
        raise
    step.ended("Hook done")


def _place(c: Context, hook: schema.Hook, moment: Moment) -> tuple[Shell, str]:
    building = moment.phase in ("before_build", "after_build")
    if hook.place == "local":
        return project.local(), str(project.root())
    if hook.place == "builder" or building:
        shop = workshop(c)
        return shop.shell, shop.base if moment.phase == "before_build" else shop.work
    server = project.host(c)
    if moment.phase == "mid_release":
        return server.shell, server.site.release(moment.release)
    return server.shell, server.site.current if moment.served else server.site.root
