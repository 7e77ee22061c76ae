"""Messages about deployments: a real receiver on loopback, and one that is not there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.security.conftest import Packs
from tests.support.deployment import World
from tests.support.site import serving

pytestmark = pytest.mark.system

BROKEN = {"app/Site.php": "<?php class {"}


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted, by path."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, Any]]] = []
        posts = self.posts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/json"
                posts.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def take(self) -> dict[str, dict[str, Any]]:
        """Return what came, and forget it; no path may have had two."""
        found, count = dict(self.posts), len(self.posts)
        assert len(found) == count
        self.posts.clear()
        return found


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], receiver: Receiver) -> World:
    """Who is told what has nothing to do with the application, so it is the one that deploys fastest."""
    url = f"http://127.0.0.1:{receiver.server_port}"
    return sample_worlds(settings={"notify": {"slack": f"{url}/services/T0/B0/very-secret", "webhook": f"{url}/hook"}})


def test_each_outcome_is_told(world: World, receiver: Receiver, packs: Packs) -> None:
    runs = [
        (lambda: world.deploy("--artifact", str(packs.version("1"))), 0, "success"),
        (lambda: world.deploy("--artifact", str(packs.version("2"))), 0, "success"),
        (lambda: world.deploy("--artifact", str(packs.version("3", BROKEN))), 4, "failure"),
        (lambda: world.deploy("--branch", "nowhere"), 4, "failure"),
        (lambda: world.deploy("--artifact", str(packs.version("4")), "--set", 'hooks.post_release=["exit 1"]'), 5, "rollback"),
        (world.rollback, 0, "rollback"),
    ]
    for run, code, event in runs:
        result = run()
        assert result.code == code, result.text
        posts = receiver.take()
        slack, facts = posts.pop("/services/T0/B0/very-secret"), posts.pop("/hook")
        assert posts == {}
        assert (facts["event"], facts["project"], facts["host"]) == (event, "notes", "prod")
        assert facts["release"] in (*world.releases(), "")
        assert bool(facts["note"]) == (code != 0)
        assert {"text", "attachments"} <= set(slack)
        assert f"notes → prod: {event}" in slack["text"]
        assert "very-secret" not in result.text


def test_only_the_wanted_events_are_told(world: World, receiver: Receiver, packs: Packs) -> None:
    assert world.deploy("--artifact", str(packs.version("5")), "--set", 'notify.events=["failure"]').code == 0
    assert receiver.take() == {}


def test_a_receiver_that_is_dead_changes_nothing(world: World, receiver: Receiver, packs: Packs) -> None:
    nobody = ("--set", "notify.webhook=http://127.0.0.1:9/", "--set", "notify.slack=")
    result = world.deploy("--artifact", str(packs.version("6")), *nobody)
    assert result.code == 0, result.text
    assert "webhook could not be told" in result.out
    assert json.loads(world.get("/release").body)["release"] == serving(world.site)


def test_nothing_is_told_in_a_dry_run(world: World, receiver: Receiver) -> None:
    assert world.deploy("--dry-run").code == 0
    assert receiver.take() == {}
