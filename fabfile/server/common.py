"""What the server's steps share: which release is meant, and artisan in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ..engine import console, state
from ..engine.errors import Failure
from ..engine.hosts import Host
from ..engine.records import Record
from ..engine.scripts import BARE
from ..engine.wire import Answer

T = TypeVar("T")
ARTISAN = 'COLUMNS=150; export COLUMNS; cd "$1"; shift; exec "$@"'  # errors are boxed to the terminal's width


def release_of(c: Host, release: str = "", pending: bool = False) -> Record:
    """The release a step works in: the one named; else, for steps that prepare, the one being prepared; else the current one.

    Raises Failure when there is none.
    """
    found = state.look(c)
    if release:
        if release not in found.releases and not c.shell.dry:
            raise Failure(f"{c.name}: there is no release {release}", f"fab releases --host={c.name}")
        return found.records.get(release) or Record(release)
    record = found.pending() if pending else None
    record = record or (found.live or Record(found.current) if found.current else None)
    if record is None and c.shell.dry:
        return Record(found.new_id(), "prepared")
    if record is None:
        raise Failure(f"{c.name}: nothing is deployed yet", f"fab deploy --host={c.name}")
    console.say(f"   release {record.id}" + (" (current)" if record.id == found.current else " (being prepared)"))
    return record


def php(c: Host) -> list[str]:
    """The host's PHP as the words of a command."""
    return c.php


def bare(c: Host) -> list[str]:
    """The same for scripts of ours that do without PHP's configuration."""
    return [*c.php, *BARE]


def visitor(c: Host) -> list[str]:
    """The same for what speaks to the site: which certificates are to be trusted, its configuration may say."""
    return php(c) if c.settings.url.startswith("https:") else bare(c)


def artisan(c: Host, release: str, *words: str, check: bool = True, timeout: int | None = None, what: str = "") -> Answer:
    """``php artisan WORDS`` in ``release``, its answer; a question, so it also runs in a dry run."""
    folder = c.site.release(release)
    script = f'[ -d "$1" ] || exit 0\n{ARTISAN}' if c.shell.dry else ARTISAN  # a dry run's release is not there
    command = (*php(c), "artisan", *words, "--no-interaction", "--no-ansi")
    return c.shell.ask(script, folder, *command, check=check, timeout=timeout, what=what or title(words))


def artisan_work(c: Host, release: str, *words: str, check: bool = True, patient: bool = False) -> Answer:
    """``php artisan WORDS`` in ``release`` as long work."""
    command = (*php(c), "artisan", *words, "--no-interaction", "--no-ansi")
    with unchanged(c, words[0] not in ("down", "up")):  # of what we look at, artisan changes maintenance mode only
        return c.shell.work(ARTISAN, c.site.release(release), *command, check=check, what=title(words), patient=patient)


@contextmanager
def unchanged(c: Host, really: bool = True) -> Iterator[None]:
    """What is known of the server stays known after work that changes none of it, if it ends well."""
    known = c.shell.known
    yield
    if really:
        c.shell.known = known


def remembered(c: Host, question: str, about: object = None) -> Any:
    """What ``remember`` was given for this question and the same ``about``; None where it has to be asked."""
    asked, answer = c.shell.known.answers.get(question, (None, None)) if c.shell.known else (None, None)
    return answer if asked == about else None


def remember(c: Host, question: str, about: object, answer: T) -> T:
    """Keep an answer as long as what else is known of the server, under our lock."""
    if c.shell.known:
        c.shell.known.answers[question] = (about, answer)
    return answer


def title(words: tuple[str, ...]) -> str:
    return "php artisan " + " ".join(words)
