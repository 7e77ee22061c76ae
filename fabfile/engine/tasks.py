"""The kinds of task: each knows where it runs, what the flow calls it, and what it says when it is done."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fabric
from fabric import Connection
from invoke.context import Context
from invoke.parser import Argument

from . import console, flags, journal, leaving, lock, mistakes, options, project, registry
from .errors import CommandFailed, Failure
from .flow import TITLES
from .foresight import look_again
from .hosts import Host


class Step(fabric.Task):  # type: ignore[misc]
    """A task with the common options, a header and a result on the screen.

    ``flow`` is its id in the flow, ``marker`` says where it runs, ``done`` is the expected result, ``mutates``
    whether it needs the server's lock.
    """

    marker = "🟢"
    depth = 0  # how many steps are inside one another

    def __init__(self, *args: Any, flow: str = "", done: str = "", mutates: bool = True, quiet: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.flow, self.done, self.mutates, self.silent = flow, done, mutates, quiet

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        own = flags.strict(super().get_arguments(ignore_unknown_help))
        taken = {name for argument in own for name in argument.names}
        return own + [argument for argument in options.arguments() if not taken & set(argument.names)]

    def __call__(self, c: Context, *args: Any, **kwargs: Any) -> Any:
        options.take(kwargs)
        if not Step.depth:  # somebody else may have been at work since the step before
            look_again()
        Step.depth += 1
        try:
            with leaving.told(registry.name_of(self)):
                place = self.place(c)
                with self.shown(place), mistakes.told():
                    return super().__call__(place, *args, **kwargs)
        finally:
            Step.depth -= 1
            registry.left(self)

    def place(self, c: Context) -> Context:
        """Where the body runs."""
        raise NotImplementedError

    def where(self, c: Context) -> str:
        """The place and path of the header."""
        return f"local:{project.folder()}"

    @contextmanager
    def shown(self, c: Context) -> Iterator[None]:
        """Header before, result after; a failure is named after the step."""
        if self.silent:
            yield
            return
        step = console.begin(self.marker, self.flow, self.title, self.where(c), registry.name_of(self))
        try:
            yield
            self.settle(c)
        except BaseException as error:
            if isinstance(error, Failure):
                error.locate(registry.name_of(self) + (f" [{self.flow}]" if self.flow else ""))
            step.failed(str(error))
            raise
        step.ended(self.done)

    def settle(self, c: Context) -> None:
        """Run what the body collected."""
        project.local().flush()

    @property
    def title(self) -> str:
        """What the flow calls it, else the first words of its help."""
        return TITLES.get(self.flow) or re.split(r"[:;,]|\.(?:\s|$)", (self.body.__doc__ or self.name).strip())[0]


class HereStep(Step):
    """🟢 On this machine, also when a connection calls it."""

    def place(self, c: Context) -> Context:
        if not isinstance(c, Connection):
            return c
        context = Context(c.config)
        object.__setattr__(context, "original_host", project.named(c))  # set plainly it would go into the configuration
        return context


class FolderStep(HereStep):
    """🟢 In the working directory, whatever the deploy.toml found from there says."""

    def where(self, c: Context) -> str:
        return f"local:{Path.cwd()}"


# What is done once with each host, before its first step that may show what a program of the server says.
firsts: list[Callable[[Host], None]] = []
_met: set[str] = set()


def meet(c: Host) -> None:
    """Nothing the second time."""
    if c.name not in _met:
        _met.add(c.name)
        for first in firsts:
            first(c)


class HostStep(Step):
    """🔴 On the server that --host names."""

    marker = "🔴"

    @property
    def talkative(self) -> bool:
        """Whether it shows what programs of the server say."""
        return not self.silent

    def place(self, c: Context) -> Host:
        return project.host(c)

    def where(self, c: Context) -> str:
        assert isinstance(c, Host)
        return f"{c.name}:{c.site.root}"

    @contextmanager
    def shown(self, c: Context) -> Iterator[None]:
        assert isinstance(c, Host)
        if self.talkative:
            meet(c)
        if self.mutates:
            lock.hold(c, self.name)
            journal.note(c, "start", step=self.name, flow=self.flow)
        start = time.monotonic()
        try:
            with super().shown(c):
                yield
        except BaseException as error:
            c.shell.forget()  # what was collected must not travel with the next question
            if self.mutates and isinstance(error, CommandFailed):
                with suppress(Failure):
                    journal.note(c, "failed", step=self.name, error=error.text[:500])
                    c.shell.flush()
            raise
        if self.mutates:
            journal.note(c, "end", step=self.name, seconds=round(time.monotonic() - start, 3))

    def settle(self, c: Context) -> None:
        assert isinstance(c, Host)
        c.shell.settle()


class HookStep(HostStep):
    """🟣 On the server, at a point that deploy.toml fills."""

    marker = "🟣"
    talkative = True


class BuildStep(Step):
    """🟡 Where the build runs: its body takes this machine's context and asks ``build`` for the place."""

    marker = "🟡"

    def place(self, c: Context) -> Context:
        return c

    def where(self, c: Context) -> str:
        return project.building or f"local:{project.folder()}"


def _kind(klass: type[Step]) -> Callable[..., Callable[[Callable[..., Any]], Step]]:
    def declare(flow: str = "", done: str = "", **options: Any) -> Callable[[Callable[..., Any]], Step]:
        def wrap(body: Callable[..., Any]) -> Step:
            return fabric.task(body, klass=klass, auto_shortflags=False, flow=flow, done=done, **options)  # type: ignore[no-any-return]

        return wrap

    return declare


here = _kind(HereStep)
in_folder = _kind(FolderStep)
on_host = _kind(HostStep)
on_builder = _kind(BuildStep)
hook_point = _kind(HookStep)
