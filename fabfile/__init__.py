"""Zero-downtime deployment of Laravel applications: this module only composes the namespace."""

import gc
import sys

from invoke.collection import Collection

gc.disable()  # what is imported stays: looking for garbage in it takes a quarter of the time
# Invoke keeps Python from caching what it compiles (--write-pyc), which suits one tasks.py; this is a package of many modules.
_without_cache, sys.dont_write_bytecode = sys.dont_write_bytecode, bool(sys.flags.dont_write_bytecode)

from .engine import starting

starting.begin()

from . import builder, chains, hooks, info, local, overview, report, server, team
from .engine import commandline, registry
from .sandbox import tasks as sandbox

sys.dont_write_bytecode = _without_cache
commandline.join()
with commandline.ended():
    team.load()  # a project's own module may replace tasks, so it comes before they are collected

ns = Collection(chains.deploy, chains.rollback, chains.setup)
for task in (info.status, info.releases, report.report, overview.steps, info.config, info.lock, info.unlock):
    ns.add_task(task)
ns.add_task(server.verify)
builds = registry.group("builder", builder, builder.TASKS)
builds.add_task(chains.build, default=True)
for space in (
    registry.group("local", local, local.TASKS),
    builds,
    registry.group("server", server, server.TASKS),
    registry.group("hooks", hooks, hooks.TASKS),
    registry.group("sandbox", sandbox, ("start", "stop", "status", "reset")),
    *team.collections(),
):
    ns.add_collection(space)
registry.remember(ns)
gc.freeze()
gc.enable()
