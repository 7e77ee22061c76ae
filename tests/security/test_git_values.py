"""What git is given: no option, no transport that runs commands, and no login where others can read it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.deployment import World
from tests.support.fab import Result
from tests.support.git import git

USER, PASSWORD = "deploy-user", "p%40ss-s3ntinel-git"


class Locked(SimpleHTTPRequestHandler):
    """A folder behind HTTP's basic authentication."""

    wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD.replace('%40', '@')}".encode()).decode()

    def do_GET(self) -> None:
        if self.headers["Authorization"] == self.wanted:
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("canary") / "sang"


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], canary: Path) -> World:
    return sample_worlds(env={"CANARY": str(canary)})


@pytest.fixture
def fab(world: World, canary: Path) -> Iterator[Callable[..., Result]]:
    def run(*args: str, **env: str) -> Result:
        result = world.fab(*args, "--host=prod", CANARY=str(canary), **env)
        assert "Traceback" not in result.text
        return result

    yield run
    assert not canary.exists()


URLS = [
    "ext::sh -c touch% $CANARY", "ext::touch $CANARY", "fd::17", "--upload-pack=touch $CANARY", "-x", "-u./x", "ssh://-oProxyCommand=touch$CANARY/x",
    "-oProxyCommand=x:y", "gopher://host/x", "https://host/x y", "transport::address", "a$(touch $CANARY)", "git@host:-x",
]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_a_repository_that_is_none(url: str, fab: Callable[..., Result]) -> None:
    result = fab("deploy", "--set", f"project.repository={url}")
    assert result.code == 2
    assert "repository" in result.err


@pytest.mark.parametrize("url", URLS)
def test_a_remote_of_the_project_is_not_trusted_either(url: str, world: World, fab: Callable[..., Result]) -> None:
    """Without project.repository it is the clone's own origin that counts; its settings may say anything."""
    config = world.clone / ".git/config"
    before = config.read_text()
    escaped = url.replace("\\", "\\\\").replace('"', '\\"')
    config.write_text(before.replace(f"url = {world.origin.bare}", f'url = "{escaped}"'))
    try:
        result = fab("builder.clone", "--set", "project.repository=")
    finally:
        config.write_text(before)
    assert result.code == 2, result.text
    assert "repository" in result.err


REFS = ["--upload-pack=touch", "-x", "-", "a b", "$(touch $CANARY)", "main:main", "refs/../x", "@{-1}", "main^{commit}", "ext::x", "a\nb"]


@pytest.mark.parametrize("flag", ["--branch", "--commit"])
@pytest.mark.parametrize("ref", REFS)
def test_a_ref_that_is_none(flag: str, ref: str, fab: Callable[..., Result]) -> None:
    result = fab("builder.clone", f"{flag}={ref}")
    assert result.code == 2, result.text
    assert flag.removeprefix("--") in result.err


def test_a_submodule_cannot_run_commands(world: World, fab: Callable[..., Result]) -> None:
    head = world.origin.head()
    world.origin.run("update-index", "--add", "--cacheinfo", f"160000,{head},sub")
    url = "ext::sh -c touch% $CANARY"
    (world.clone / ".gitmodules").write_text(f'[submodule "sub"]\n\tpath = sub\n\turl = {url}\n')
    world.origin.run("add", ".gitmodules")
    world.origin.run("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "submodule")
    world.origin.run("push", "-q", "origin", "main")
    try:
        assert fab("builder.prepare", "builder.clone").code == 4
    finally:
        world.origin.run("reset", "-q", "--hard", head)
        world.origin.run("push", "-q", "-f", "origin", "main")


@pytest.fixture
def http_origin(world: World) -> Iterator[str]:
    """The origin over HTTP, which wants a login."""
    git("-C", str(world.origin.bare), "update-server-info")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Locked, directory=str(world.origin.bare.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}/{world.origin.bare.name}"
    server.shutdown()
    server.server_close()


def test_a_login_in_the_url_works_and_is_no_argument(http_origin: str, world: World, fab: Callable[..., Result], tmp_path: Path) -> None:
    url, trace = f"http://{USER}:{PASSWORD}@{http_origin}", tmp_path / "trace"
    result = fab("deploy", "--verbose", f"--set=project.repository={url}", GIT_TRACE=str(trace))
    assert result.code == 0, result.text
    ran = trace.read_text()
    assert f"http://{http_origin}" in ran
    for secret in ("s3ntinel", "p@ss", USER):
        assert secret not in ran
    assert "s3ntinel" not in result.text
    files = [path for path in world.folder.rglob("*") if path.is_file()]
    assert [path for path in files if b"s3ntinel" in path.read_bytes()] == []


def test_a_wrong_login_is_an_error_and_asks_nobody(http_origin: str, fab: Callable[..., Result]) -> None:
    result = fab("builder.prepare", "builder.clone", f"--set=project.repository=http://{USER}:wr0ng-s3ntinel@{http_origin}")
    assert result.code == 4
    assert "main" in result.err
    assert "s3ntinel" not in result.text
