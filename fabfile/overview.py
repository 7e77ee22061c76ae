"""The chain as a list: what ``fab deploy`` runs, in order."""

from __future__ import annotations

from typing import NamedTuple

from invoke.context import Context

from . import hooks
from .engine import console, project, registry
from .engine.schema import Host
from .engine.tasks import here


class Line(NamedTuple):
    """One step: marker, id in the flow, name or place, and what it does."""

    marker: str
    flow: str
    name: str
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
MARKERS = {"local": "🟢", "builder": "🟡", "server": "🔴"}


def chain(host: Host, built: bool = True) -> list[Line]:
    """Every step of a deployment to ``host``, hooks included; without the build where there is an artifact."""
    build = (*LOCAL, "before_build", *(f"builder.{name}" for name in BUILD), "after_build", "builder.package") if built else ()
    tidy = ("builder.cleanup",) if built else ()
    return [line for name in (*BEFORE, *build, *AFTER, *tidy, *END) for line in _lines(host, name)]


def _lines(host: Host, name: str) -> list[Line]:
    if "." in name:
        return [_task(name, MARKERS[name.partition(".")[0]])]
    planned = hooks.plan(host, project.loaded().settings.hooks, name)
    building = name in ("before_build", "after_build")
    places = {"server": "builder"} if building else {}
    return [_hook(hook.task, hook.command, places.get(hook.place, hook.place), hooks.MARKERS.get(name, "🟣")) for hook in planned]


def _hook(task: str, command: str, place: str, marker: str) -> Line:
    return _task(task, marker) if task else Line(marker, "hook", f"({place})", command)


def _task(name: str, marker: str) -> Line:
    task = registry.find(name)
    return Line(marker, getattr(task, "flow", ""), name, getattr(task, "title", ""))


@here(quiet=True)
def steps(c: Context) -> None:
    """The chain that fab deploy runs, with markers, ids, places, and what each hook point runs."""
    lines = chain(project.entry(project.host_name(c)))
    console.table(lines, ("", "id", "step", "what it does"))
