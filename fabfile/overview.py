"""The chain as a list: what ``fab deploy`` runs, in order."""

from __future__ import annotations

from typing import NamedTuple

from invoke.context import Context

from . import hooks
from .engine import console, project, registry
from .engine.schema import Host
from .engine.tasks import BuildStep, HereStep, here


class Line(NamedTuple):
    """One step: marker, id in the flow or the hook point, task, place (local, builder or server), and what it does."""

    marker: str
    flow: str
    name: str
    place: str
    title: str


BEFORE = ("server.check",)
LOCAL = ("local.analyze", "local.check")
BUILD = ("prepare", "versions", "clone", "restore-cache", "install", "assets", "optimize", "validate")
AFTER = (
    *("server.create-release", "server.upload", "server.link-shared", "server.env"),
    *("pre_release", "mid_release", "server.switch", "post_release"),
    "server.cleanup",
)
END = ("server.log", "local.notify")
OTHERWISE = ("on_failure", "on_rollback")
MARKERS = {"local": "🟢", "builder": "🟡", "server": "🔴"}


def chain(host: Host, built: bool = True) -> list[Line]:
    """Every step of a deployment to ``host``, hooks included; without the build where there is an artifact."""
    build = (*LOCAL, "before_build", *(f"builder.{name}" for name in BUILD), "after_build", "builder.package") if built else ()
    tidy = ("builder.cleanup",) if built else ()
    return [line for name in (*BEFORE, *build, *AFTER, *tidy, *END) for line in _lines(host, name)]


def otherwise(host: Host) -> list[Line]:
    """What runs in place of the rest where a deployment fails."""
    return [line for name in OTHERWISE for line in _lines(host, name)]


def _lines(host: Host, name: str) -> list[Line]:
    if "." in name:
        return [_task(name, MARKERS[name.partition(".")[0]])]
    planned = hooks.plan(host, project.loaded().settings.hooks, name)
    building = name in ("before_build", "after_build")
    places = {"server": "builder"} if building else {}
    return [_hook(name, hook.task, hook.command, places.get(hook.place, hook.place)) for hook in planned]


def _hook(point: str, task: str, command: str, place: str) -> Line:
    marker = hooks.MARKERS.get(point, "🟣")
    return _task(task, marker, point) if task else Line(marker, point, "command", place, command)


def _task(name: str, marker: str, point: str = "") -> Line:
    task = registry.find(name)
    place = "local" if isinstance(task, HereStep) else "builder" if isinstance(task, BuildStep) else "server"
    title = getattr(task, "title", "") or (task.__doc__ or "").strip().partition("\n")[0]
    return Line(marker, getattr(task, "flow", "") or point, name, place, title)


@here(quiet=True)
def steps(c: Context) -> None:
    """The chain that fab deploy runs, with markers, ids, places, and what each hook point runs."""
    project.insist()
    name, build = project.host_name(c), project.loaded().settings.build
    names = {"local": "local", "server": name, "builder": {"local": "local", "server": name}.get(build.place, build.builder)}
    entry = project.entry(name)
    lines = [line._replace(place=names[line.place]) for line in (*chain(entry), *otherwise(entry))]
    console.table(lines, ("", "id", "step", "place", "what it does"))
