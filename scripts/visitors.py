"""Visitors of the sample application, who note which version and release answered them."""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import dataclass, field

VISITORS, PAUSE = 4, 0.02  # at most 4 / 0.02 s = 200 requests a second


@dataclass(frozen=True)
class Answer:
    """One request: when it was sent and answered, and by what."""

    sent: float
    received: float
    status: int
    version: int
    release: str
    problem: str = ""


@dataclass
class Load:
    """Visitors that keep coming from ``start`` to ``stop``."""

    port: int
    answers: list[Answer] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self.threads = [threading.Thread(target=self._visit) for _ in range(VISITORS)]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        time.sleep(0.5)  # the last requests are for what is there at the end
        self.done.set()
        for thread in self.threads:
            thread.join()

    def _visit(self) -> None:
        while not self.done.wait(PAUSE):
            self.answers.append(ask(self.port))

    def report(self) -> list[str]:
        """Print the counts; return what is wrong."""
        failed = [answer for answer in self.answers if answer.problem or answer.status != 200]
        good = [answer for answer in self.answers if answer not in failed]
        pairs = {(answer.version, answer.release) for answer in good}
        mixed = len(pairs) - max(len({version for version, _ in pairs}), len({release for _, release in pairs}))
        late = len(stale(good))
        print(f"   {len(self.answers)} requests: {len(failed)} failed, {mixed} mixed two releases, {late} stale")
        for version, release in sorted(pairs):
            print(f"   version {version} from release {release}: {sum(answer.version == version for answer in good)} requests")
        wrong = [f"a request failed: {answer.problem or answer.status}" for answer in failed[:3]]
        wrong += ["an answer mixed two releases"] * bool(mixed) + ["the old release answered after the new one"] * bool(late)
        return wrong + ["nothing was switched while the load ran"] * (len(pairs) != 2)


def stale(answers: list[Answer]) -> list[Answer]:
    """Those sent after somebody had an answer of the release that came last, but answered by another one."""
    last = max(answers, key=lambda answer: answer.sent, default=None)
    if last is None:
        return []
    switched = min(answer.received for answer in answers if answer.release == last.release)
    return [answer for answer in answers if answer.sent > switched and answer.release != last.release]


def ask(port: int) -> Answer:
    """Ask the site which version and release it is."""
    sent, connection = time.monotonic(), http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/?json")
        answer = connection.getresponse()
        found = json.loads(answer.read()) if answer.status == 200 else {}
        return Answer(sent, time.monotonic(), answer.status, found.get("version", 0), found.get("release", ""))
    except (OSError, http.client.HTTPException, ValueError) as problem:
        return Answer(sent, time.monotonic(), 0, 0, "", repr(problem))
    finally:
        connection.close()
