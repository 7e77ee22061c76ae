"""Visitors: threads that ask for a page again and again and remember every answer."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing since 3.11

NO_ANSWER = 0


@dataclass(frozen=True)
class Answer:
    """One request: when it was sent, its status (0 when nobody answered) and its text, or the error's."""

    sent: float
    status: int
    body: str


def get(url: str, patience: float = 20) -> Answer:
    """Ask once."""
    sent = time.monotonic()
    try:
        with urllib.request.urlopen(url, timeout=patience) as response:
            return Answer(sent, response.status, response.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(sent, error.code, error.read().decode(errors="replace"))
    except OSError as error:
        return Answer(sent, NO_ANSWER, str(error))


class Load:
    """``with Load(url) as load: ...`` asks until the block ends, but at most ``limit`` times."""

    def __init__(self, url: str, visitors: int = 2, limit: int = 20_000, pause: float = 0.005) -> None:
        self.url, self.limit, self.pause = url, limit, pause
        self._seen: list[list[Answer]] = [[] for _ in range(visitors)]
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(seen,), daemon=True) for seen in self._seen]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.wait(len(self._threads))
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, seen: list[Answer]) -> None:
        while self.count < self.limit and not self._stop.wait(self.pause):
            seen.append(get(self.url))

    @property
    def count(self) -> int:
        """Return how many requests were answered so far."""
        return sum(map(len, self._seen))

    def wait(self, more: int, patience: float = 30) -> None:
        """Return once this many more requests were answered; raise TimeoutError when they are not."""
        wanted, until = self.count + more, time.monotonic() + patience
        while self.count < wanted:
            if time.monotonic() > until:
                raise TimeoutError(f"{self.url}: {self.count} answers, {wanted} wanted")
            time.sleep(0.01)

    @property
    def answers(self) -> list[Answer]:
        """Return all answers in the order the requests were sent."""
        return sorted((answer for seen in self._seen for answer in seen), key=lambda answer: answer.sent)

    @property
    def failed(self) -> list[Answer]:
        """Return the answers that are no success."""
        return [answer for answer in self.answers if answer.status != 200]

    @property
    def mixed(self) -> list[Answer]:
        """Return the answers in which the code and the cached configuration are of different versions."""
        return [answer for answer in self.answers if is_mixed(answer.body)]

    @property
    def versions(self) -> list[str]:
        """Return the versions that answered, in the order they first appeared."""
        return list(dict.fromkeys(version for history in zip_longest(*self.histories) for version in history if version))

    @property
    def histories(self) -> list[list[str]]:
        """Return for each visitor which versions followed one another; one that came back is there twice.

        Only one visitor's own requests have an order: two visitors' may overtake each other on their way.
        """
        good = ([facts(answer.body)["version"] for answer in seen if answer.status == 200] for seen in self._seen)
        return [[name for name, _ in groupby(versions)] for versions in good]


def facts(body: str) -> dict[str, str]:
    """Return what ``/release`` says; for any other page its whole text as the version."""
    try:
        return {name: str(value) for name, value in json.loads(body).items()}
    except (ValueError, AttributeError):
        return {"version": body.strip()}


def is_mixed(body: str) -> bool:
    """Return whether an answer of ``/release`` names two versions."""
    known = facts(body)
    return "configured" in known and known["configured"] != known["version"]
