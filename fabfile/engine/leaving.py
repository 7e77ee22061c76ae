"""How a run of fab ends: locks are given back, Ctrl-C is told, and a mistake in a program shows no secret."""

from __future__ import annotations

import atexit
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from . import lock, options, project
from .errors import INTERRUPTED, CommandFailed, Failure
from .redact import mask


@atexit.register
def _leave() -> None:
    """The end of the run: a task typed by itself gives back the lock it took; a lost connection has lost it already."""
    for c in project.connected():
        with suppress(Exception, KeyboardInterrupt):
            lock.release(c)
    project.close()


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A mistake in a program, ours or the team's: where it happened, and none of the secrets that it had in its hands."""
    sys.stderr.write(mask("".join(traceback.format_exception(kind, error, trace))))


sys.excepthook = _told
threading.excepthook = lambda told: _told(told.exc_type, told.exc_value or told.exc_type(), told.exc_traceback)


_typing: list[str] = []


@contextmanager
def told(task: str) -> Iterator[None]:
    """Ctrl-C that no chain took for its end is told by the ``task`` that was typed, and so is what to type next where nobody knows better.

    Raises Failure with exit code 130.
    """
    _typing.append(task)
    try:
        yield
    except KeyboardInterrupt:
        if len(_typing) > 1:
            raise
        raise Failure(f"{task}: interrupted", _next(), INTERRUPTED) from None
    except CommandFailed as error:
        if len(_typing) == 1 and error.place == (options.current.host or project.loaded().usual_host()):
            error.advise(_next())
        raise
    finally:
        _typing.pop()


def _next() -> str:
    host = options.current.host
    return f"see how things are: fab status{f' --host={host}' if host else ''}"
