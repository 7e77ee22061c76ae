"""Visitors that go from page to page, some on one connection, some on a new one each time, and come back for the assets of a page."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import versions

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing since 3.11

VISITORS, PAUSE, PATIENCE = 4, 0.06, 30.0
MOST, LONGEST = 200_000, 1800.0  # requests and seconds of one cell, whatever happens


@dataclass(frozen=True)
class Page:
    """A page that was asked for: when, and what each part of it said; a problem instead of that if it did not come."""

    sent: float
    body: str = ""
    problem: str = ""

    @property
    def release(self) -> str:
        return versions.parts(self.body).get("release", "")

    @property
    def numbers(self) -> set[str]:
        """The versions of its parts."""
        return {number for name, number in versions.parts(self.body).items() if name != "release"}


class Visitor:
    """One of them, on loopback; ``lasting`` keeps the connection."""

    def __init__(self, port: int, lasting: bool) -> None:
        self.port, self.lasting = port, lasting
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def get(self, path: str) -> tuple[int, str]:
        """The status, 0 when there was no answer, and the text or the problem."""
        try:
            self._line.request("GET", path, headers={} if self.lasting else {"Connection": "close"})
            answer = self._line.getresponse()
            found = answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            found = 0, f"{type(error).__name__}: {error}"
        if not self.lasting or not found[0]:
            self.close()
        return found

    def page(self) -> Page:
        sent = time.monotonic()
        status, text = self.get("/")
        return Page(sent, text) if status == 200 else Page(sent, problem=f"{status}: {text[:300]}")

    def missing(self, page: Page) -> list[str]:
        """Which assets of ``page`` are not answered as they should be."""
        answers = {path: self.get(path) for path in versions.assets(page.body)}
        wrong = {path: answer for path, answer in answers.items() if answer[0] != 200 or not versions.is_asset(path, answer[1])}
        return [f"{path} of {page.release}: {status}: {text[:80]}" for path, (status, text) in wrong.items()]

    def close(self) -> None:
        self._line.close()


@dataclass
class Crowd:
    """``with Crowd(port) as crowd:`` they come until the block ends, within limits."""

    port: int
    pages: list[Page] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    looked: int = 0  # at assets
    _done: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._visit, args=(number % 2 == 0,), daemon=True) for number in range(VISITORS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    @property
    def requests(self) -> int:
        return len(self.pages) + self.looked

    def more(self, count: int) -> None:
        """Wait until so many more pages were answered, or none comes any more."""
        wanted, until = len(self.pages) + count, time.monotonic() + PATIENCE
        while len(self.pages) < wanted and time.monotonic() < until and any(thread.is_alive() for thread in self._threads):
            time.sleep(0.01)

    def look(self, visitor: Visitor, page: Page) -> None:
        """Come back for the assets of ``page``."""
        self.looked += len(versions.assets(page.body))
        self.stale += visitor.missing(page)

    def _visit(self, lasting: bool) -> None:
        visitor, last, until = Visitor(self.port, lasting), Page(0), time.monotonic() + LONGEST
        while self.requests < MOST and time.monotonic() < until and not self._done.wait(PAUSE):
            page = visitor.page()
            self.pages.append(page)
            if page.release and last.release and page.release != last.release:  # the page before was open when it happened
                self.look(visitor, last)
                self.look(visitor, page)
            last = page
        visitor.close()
