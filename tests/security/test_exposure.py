"""What a web server must keep to itself: asked for over HTTP after each deployment and by `fab verify`."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fabfile.server.exposure import PRIVATE, served
from tests.support.deployment import World
from tests.support.php_web import PhpServer

from .conftest import pack


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], sample: Path) -> World:
    world = sample_worlds()
    assert world.deploy("--artifact", str(sample)).code == 0
    return world


@pytest.fixture(scope="module")
def wrong(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The address of a web server whose document root is a folder of the site that it should not be."""
    started = []

    def serve(folder: str) -> str:
        started.append(PhpServer(world.site / folder, tmp_path_factory.mktemp("wrong")))
        return f"hosts.prod.url={started[-1].url}"

    yield serve
    for web in started:
        web.stop()


def test_a_site_as_it_should_be(world: World) -> None:
    result = world.fab("verify", "--host=prod")
    assert result.code == 0, result.text
    assert all(path in result.out for path in PRIVATE)


LOST = {"current": ["/.env", "/composer.json", "/storage/logs/laravel.log"], "": ["/shared/.env", "/deployment.log"]}


@pytest.mark.parametrize("folder", LOST, ids=["the release", "the site"])
def test_a_document_root_that_is_too_high_is_told(folder: str, world: World, wrong: Callable[[str], str]) -> None:
    (world.site / "shared/storage/logs/laravel.log").write_text("[2026-01-01 00:00:00] production.ERROR: x\n")
    result = world.fab("verify", "--host=prod", "--set", wrong(folder))
    assert result.code == 4, result.text
    assert [path for path in LOST[folder] if path not in result.err] == []
    assert "set the document root to current/public" in result.err


def test_a_deployment_that_puts_one_there_ends_with_a_warning(world: World, tmp_path: Path) -> None:
    result = world.deploy("--artifact", str(pack(tmp_path / "loose.tar.gz", {"public/composer.json": "{}"})))
    assert result.code == 3, result.text
    assert f"{world.web.url} serves /composer.json" in result.out
    assert world.get("/up").status == 200


def test_a_web_server_that_does_not_answer_is_no_good_one(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"hosts.prod.url=http://127.0.0.1:{taken.getsockname()[1]}"
    result = world.fab("verify", "--host=prod", "--set", nobody)
    assert result.code == 4, result.text
    assert "Not served" not in result.text
    assert "/.env" in result.err
    assert "it did not answer\n  → fab server.validate --host=prod says why" in result.err


class Curt(BaseHTTPRequestHandler):
    """Says that it is well, and hangs up on any other question."""

    def do_GET(self) -> None:
        if self.path == "/up":
            self.send_response(200)
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_deployment_that_was_not_told_says_so(world: World) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Curt) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        url = f"hosts.prod.url=http://127.0.0.1:{web.server_address[1]}"
        result = world.fab("server.validate", "--host=prod", "--set", url, "--set", "hosts.prod.health_release=false")
        web.shutdown()
    assert "is not known: it did not answer" in result.out, result.text


def test_without_a_url_it_says_that_nobody_was_asked(world: World) -> None:
    result = world.fab("verify", "--host=prod", "--set", "hosts.prod.url=")
    assert result.code == 0, result.text
    assert "was not asked: set hosts.prod.url" in result.out


def answers(anywhere: tuple[int, str], **found: tuple[int, str]) -> str:
    rows = [("/0", *anywhere), *((path, *found.get(path.strip("/"), (404, "not found"))) for path in PRIVATE)]
    return "log-in chatter\n[22-Nov-2026 10:15:00 UTC] PHP Warning\n[1, 2]\n{}\nnull\n" + "\n".join(map(json.dumps, rows))


PAGE = (200, "<!doctype html><title>One page for everything</title>")
CASES = {
    "nothing": ((404, ""), {}, []),
    "a file": ((404, ""), {"composer.json": (200, "{}")}, ["/composer.json"]),
    "a program that ran": ((404, ""), {"vendor/autoload.php": (200, "")}, ["/vendor/autoload.php"]),
    "forbidden": ((404, ""), {"vendor": (403, "Forbidden")}, []),
    "a log-in page": ((302, ""), {"composer.json": (302, "")}, []),
    "a page for everything": (PAGE, {path.strip("/"): PAGE for path in PRIVATE}, []),
    "a page for everything, and a secret": (PAGE, {"composer.json": PAGE, ".env": (200, "X=1\nAPP_KEY=base64:x")}, ["/.env"]),
    "a page for everything, and a listing": (PAGE, {"releases": (200, "<title>Index of /releases/</title>")}, ["/releases/"]),
}


@pytest.mark.parametrize(("anywhere", "found", "expected"), CASES.values(), ids=CASES)
def test_what_the_answers_mean(anywhere: tuple[int, str], found: dict[str, tuple[int, str]], expected: list[str]) -> None:
    assert served(answers(anywhere, **found)) == (expected, [])


def test_no_answer_says_nothing() -> None:
    everything = [*PRIVATE]
    assert served("php: not found\n") == ([], everything)
    assert served(answers((0, "refused"), **{path.strip("/"): (0, "refused") for path in PRIVATE})) == ([], everything)
    assert served(answers((404, ""), artisan=(0, "no time left"))) == ([], ["/artisan"])
    assert served(answers((404, ""), artisan=(0, "closed without a word"))) == ([], [])
    first, *rest = answers((404, "")).splitlines()[-1 - len(PRIVATE) :]
    assert served("\n".join(rest)) == ([], everything), "without the page that nobody has there is nothing to compare with"
    assert served(f"{first}\n{rest[0]}") == ([], everything[1:])
