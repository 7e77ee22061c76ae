"""Sites that are not well after the switch: what counts as well, how long it may take, and where it ends."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fabfile.engine.scripts import php, program, source
from tests.conftest import need
from tests.engine.places import eventually
from tests.support import process
from tests.support.artifact import repack
from tests.support.deployment import World
from tests.support.fab import Result
from tests.support.site import leftovers, lock_is_free, log_blocks, records

pytestmark = pytest.mark.system


class Site(ThreadingHTTPServer):
    """Answers with ``turns`` one after the other, with the last one from then on: a status, or what else it does."""

    def __init__(self, *turns: int | str) -> None:
        self.turns, self.asked = turns, 0
        super().__init__(("127.0.0.1", 0), Answering)


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Site)
        turn = self.server.turns[min(self.server.asked, len(self.server.turns) - 1)]
        self.server.asked += 1
        if isinstance(turn, int):
            self.send_response(turn)
            if turn == 302:
                self.send_header("Location", "/login")
            self.end_headers()
            self.wfile.write(b"hello")
        elif turn == "nonsense":
            self.wfile.write(b"SSH-2.0\r\n")
        else:
            self.in_drops(turn)

    def in_drops(self, turn: str) -> None:
        try:
            for _ in range(200):
                time.sleep(0.1)
                self.wfile.write(b"H" if turn == "drops" else b"")
        except OSError:
            pass  # nobody listens any more

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Not to the screen."""


@contextmanager
def serving(*turns: int | str) -> Iterator[Site]:
    with Site(*turns) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        yield site
        site.shutdown()


def ask(url: str, *more: object, **env: str) -> str:
    need("php")
    command = ["sh", "-c", f"exec 3</dev/null\n{php('server/http.php')}", "sh", "php", "--", url, *map(str, more)]
    done = subprocess.run(command, text=True, capture_output=True, check=False, timeout=60, env={"PATH": "/usr/bin:/bin", **env})
    return done.stdout + done.stderr


@pytest.mark.parametrize(("turns", "says", "asked"), [
    ((200, 200), "status 200", 2),
    ((503, 200, 200), "status 200", 3),
    ((200, 503, 200, 503, 200, 503), "status 503", 6),
    ((200, 503, 200, 200), "status 200", 4),
    ((302,), "status 302\n→ /login", 3),
    (("nonsense",), "status 0\nnot HTTP", 3),
], ids=str)  # fmt: skip
def test_two_good_answers_in_a_row_are_wanted_and_three_bad_ones_are_the_end(turns: tuple[int | str, ...], says: str, asked: int) -> None:
    with serving(*turns) as site:
        said = ask(f"http://127.0.0.1:{site.server_port}/up", 3, 20, "", 2)
    assert said.startswith(says), said
    assert site.asked == asked


@pytest.mark.parametrize(("how", "says"), [("hangs", "no answer in time"), ("drops", "no whole answer in time")])
def test_one_that_does_not_end_its_answer_has_its_share_of_the_time_only(how: str, says: str) -> None:
    with serving(how) as site:
        said = ask(f"http://127.0.0.1:{site.server_port}/up", 2, 3, "")
    assert said == f"status 0\n{says}\n"
    assert site.asked == 2


def certificate(file: Path, days: int) -> ssl.SSLContext:
    """One for site.invalid that ends in so many days, in a file with its key, and a server's context with it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.timezone.utc)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "site.invalid")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - dt.timedelta(9)).not_valid_after(now + dt.timedelta(days))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.sign(key, SHA256()).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize(("days", "says"), [(1, "status 200\nhello\n"), (-1, "certificate verify failed")])
def test_a_certificate_that_has_expired_is_an_error(days: int, says: str, tmp_path: Path) -> None:
    with serving(200) as site:
        site.socket = certificate(tmp_path / "pem", days).wrap_socket(site.socket, server_side=True)
        said = ask(f"https://site.invalid:{site.server_port}/up", 1, 5, "127.0.0.1", SSL_CERT_FILE=str(tmp_path / "pem"))
    assert says in said


def test_a_name_that_nobody_knows_is_an_error() -> None:
    said = ask("http://site.invalid/up", 1, 5, "")
    assert said.startswith("status 0\n")
    assert "getaddrinfo" in said


BROKEN = "<?php if (getenv('DOCUMENT_ROOT_LINK')) { %s exit('not well'); }\nrequire __DIR__ . '/the-real-one.php';\n"
ENDS = {
    "an error": ("http_response_code(500);", "answers 500 after 3 tries: not well"),
    "maintenance": ("http_response_code(503);", "answers 503 after 3 tries"),
    "a log-in page": ("header('Location: /login', true, 302);", "answers 302 after 3 tries: → /login"),
}


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], sample: Path) -> World:
    """A site behind a web server whose document root, ``pinned``, leads to current, at first."""
    world = sample_worlds(public="pinned/public")
    (world.site / "pinned").symlink_to("current")
    (world.folder / "sample.tar.gz").symlink_to(sample)
    done = world.deploy("--artifact", str(sample))
    assert done.code == 0, done.text
    return world


def broken(world: World, how: str) -> str:
    """An artifact whose front page does that to visitors, and only to them."""
    real = (world.clone / "public/index.php").read_text()
    target = world.folder / "broken.tar.gz"
    repack(world.folder / "sample.tar.gz", target, {"public/the-real-one.php": real, "public/index.php": BROKEN % how})
    return str(target)


def went_back(world: World, result: Result, before: str | None, says: str) -> None:
    assert result.code == 5, result.text
    assert says in result.err
    assert f"rolled back: {before} serves again" in result.err
    assert (world.current(), records(world.site)[world.releases()[-1]]["state"]) == (before, "bad")
    assert says[:60] in log_blocks(world.site)[-1]["Note"]
    assert (leftovers(world.site), lock_is_free(world.site), list(world.site.glob("releases/*/public/fab-*"))) == ([], True, [])


@pytest.mark.parametrize("how", ENDS)
def test_a_release_that_visitors_cannot_use_does_not_stay(how: str, world: World) -> None:
    (does, says), before = ENDS[how], world.current()
    went_back(world, world.deploy("--artifact", broken(world, does)), before, says)
    assert json.loads(world.get("/?json").body)["release"] == before


def built_in(world: World) -> list[str]:
    """PHP's built-in servers that serve releases of this world, and files of theirs."""
    names = [text for _, text in process.command_lines() if " -S " in text]
    return [name for name in names if str(world.site) in name] + list(map(str, world.site.glob(".deploy/health.*")))


INDEX = "<?php if (PHP_SAPI !== 'cli') { %s }\nrequire __DIR__ . '/the-real-one.php';\n"


def only_visitors(world: World, does: str) -> str:
    """An artifact that does this to visitors, and works on the command line."""
    real = (world.clone / "public/index.php").read_text()
    repack(
        world.folder / "sample.tar.gz",
        target := world.folder / "visitors.tar.gz",
        {"public/the-real-one.php": real, "public/index.php": INDEX % does},
    )
    return str(target)


def test_a_release_that_only_visitors_cannot_use_never_gets_the_link(world: World) -> None:
    before = world.current()
    with world.load("/up") as load:
        result = world.deploy("--artifact", only_visitors(world, "throw new RuntimeException('not for visitors');"))
    assert result.code == 4, result.text
    assert "the new release by PHP's built-in server answers /up with 500" in result.err
    assert "not for visitors" in result.err
    assert (world.current(), load.failed, built_in(world)) == (before, [], [])


def test_where_php_cannot_listen_the_release_answers_on_the_command_line(world: World, sample: Path, tmp_path: Path) -> None:
    (php := tmp_path / "php").write_text('#!/bin/sh\ncase " $* " in *" -S "*) echo no; exit 1 ;; esac\nexec php "$@"\n')
    php.chmod(0o755)
    result = world.deploy("--artifact", str(sample), f"--set=hosts.prod.php={php}")
    assert result.code == 0, result.text
    assert "/up answers 200 from the new release on PHP's command line" in result.out
    asked = "if (getenv('APP_RUNNING_IN_CONSOLE') !== 'false') { throw new RuntimeException('a console'); }"
    index = {"public/index.php": f"<?php if (PHP_SAPI === 'cli') {{ {asked} }}\nrequire __DIR__ . '/the-real-one.php';\n"}
    real = {"public/the-real-one.php": (world.clone / "public/index.php").read_text()}
    repack(world.folder / "sample.tar.gz", world.folder / "console.tar.gz", {**real, **index})
    result = world.deploy("--artifact", str(world.folder / "console.tar.gz"), f"--set=hosts.prod.php={php}")
    assert (result.code, built_in(world)) == (0, []), result.text


def test_who_is_asked_elsewhere_is_told_once_and_how_to_be_asked_here(world: World, tmp_path: Path) -> None:
    """The address is what http.php finds where the name leads to another machine."""
    (php := tmp_path / "php").write_text('#!/bin/sh\ncase "$*" in *" -- http://"*) echo elsewhere 192.0.2.2 ;; esac\nexec php "$@"\n')
    php.chmod(0o755)
    result = world.fab("server.validate", "--host=prod", f"--set=hosts.prod.php={php}")
    assert result.code == 0, result.text
    assert result.out.count("leads to 192.0.2.2, not to this server") == 1
    assert 'set hosts.prod.resolve = "127.0.0.1"' in result.out
    assert f"It is release {world.current()} that answers" in result.out


def test_nobody_visits_a_release_that_has_no_env_yet(world: World, tmp_path: Path) -> None:
    """Its links are made in the same trip: without them it would be another application, with another database."""
    look = f'for word; do case $word in */public) ls -a "${{word%/public}}" >>{tmp_path}/seen; echo >>{tmp_path}/visits ;; esac; done'
    (php := tmp_path / "php").write_text(f'#!/bin/sh\ncase " $* " in *" -S "*) {look} ;; esac\nexec php "$@"\n')
    php.chmod(0o755)
    settings = (f"php={php}", "url=", "migrate=false", "caches=[]", "backup=never")  # with others there is a trip in between
    result = world.deploy(*(f"--set=hosts.prod.{setting}" for setting in settings))
    assert result.code == 0, result.text
    visits, seen = (tmp_path / "visits").read_text(), (tmp_path / "seen").read_text()
    assert visits.count("\n") == seen.splitlines().count(".env") == 1, seen


def test_as_it_boots_a_release_says_what_it_is_and_what_it_can_do(world: World, tmp_path: Path) -> None:
    """Its workers are told to start again without a further boot, from the new release and from the one before."""
    (php := tmp_path / "php").write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\nexec php "$@"\n')
    php.chmod(0o755)
    result = world.deploy(f"--set=hosts.prod.php={php}")
    assert result.code == 0, result.text
    assert "Application boots: Laravel Framework 11." in result.out
    assert "Background services restarted: queue:restart  " in result.out
    asked = re.findall("^(?:-- )?artisan (.*?) ", (tmp_path / "asked").read_text(), re.MULTILINE)
    assert [name for name in asked if name in ("list", "--version", "queue:restart")] == ["list", "queue:restart", "queue:restart"]


def started(folder: Path, then: str) -> list[str]:
    """The command that starts the server of a visit to ``folder`` and runs ``then``."""
    (folder / "public").mkdir()
    (folder / "public/index.php").write_text("<?php echo 'the release';")
    digest = hashlib.sha256(b"token").hexdigest()
    values = [folder, folder, program("server/boot.php"), "token", digest, "http", "localhost", "/", "5"]
    return ["sh", "-euc", f"{source('server/serve.sh')}\n{then}", "sh", *map(str, values), "php"]


def test_nobody_else_is_answered_by_it(tmp_path: Path) -> None:
    """Without the token it is 404, before anything of the release is run."""
    need("php")
    ask = 'echo file_get_contents($argv[1], false, stream_context_create(["http" => ["ignore_errors" => true]])), $http_response_header[0];'
    command = started(tmp_path, '"$@" -r "$ASK" "http://127.0.0.1:$port/"')
    said = subprocess.run(command, env={**os.environ, "ASK": ask}, text=True, capture_output=True, check=False, timeout=60)
    assert said.stdout.endswith(" 404 Not Found"), said.stderr
    assert ("the release" in said.stdout, list(tmp_path.glob("health.*"))) == (False, [])


def test_its_server_ends_although_nobody_reads_what_is_said(tmp_path: Path) -> None:
    """The client died, and with it the connection: the first word ends the script that started the server."""
    need("php")
    reader, writer = os.pipe()
    command = started(tmp_path, 'echo "$port" >"$release/port"; echo said; sleep 600')
    with subprocess.Popen(command, stdout=writer) as script:
        os.close(writer)
        os.close(reader)
        assert script.wait(60) == 143
    assert (tmp_path / "port").read_text().strip().isdecimal()
    assert [text for _, text in process.command_lines() if f"{tmp_path}/public" in text and "-S" in text.split()] == []
    assert list(tmp_path.glob("health.*")) == []


def test_a_site_that_goes_on_serving_another_release_is_noticed(world: World, sample: Path) -> None:
    before = world.current()
    (world.site / "pinned").unlink()
    (world.site / "pinned").symlink_to(f"releases/{before}")
    result = world.deploy("--artifact", str(sample))
    went_back(world, result, before, f"is answered by release {before}, not by")
    assert "point the document root at" in result.err
    with serving(200) as other:  # a virtual host of somebody else's: well, and not ours
        result = world.deploy("--artifact", str(sample), f"--set=hosts.prod.url=http://127.0.0.1:{other.server_port}")
    went_back(world, result, before, "a file of its public folder is answered with 200")
    assert world.deploy("--artifact", str(sample), "--set=hosts.prod.health_release=false").code == 0
    (world.site / "pinned").unlink()
    (world.site / "pinned").symlink_to("current")


def test_a_site_that_was_broken_before(world: World, sample: Path) -> None:
    """Going back cannot mend it; that is no failed rollback, and what mends it is welcome."""
    before = str(world.current())
    index = world.site / "current/public/index.php"
    index.write_text("<?php http_response_code(500); echo 'older trouble';")
    result = world.deploy("--artifact", broken(world, ENDS["maintenance"][0]))
    assert f"the site is broken already, with {before}: 500: older trouble" in result.out
    went_back(world, result, before, "answers 503 after 3 tries")
    assert f"it was broken before this deployment too, with {before}" in result.err
    assert "answers 500 after 3 tries: older trouble (as it did before)" in result.out
    assert world.deploy("--artifact", str(sample)).code == 0
    assert world.get("/up").status == 200


def test_its_server_ends_although_the_client_died(world: World, tmp_path: Path) -> None:
    artifact = only_visitors(world, f"touch('{tmp_path}/seen'); sleep(3600);")
    fab = world.start_fab("deploy", "--host=prod", "--artifact", artifact, "--set=hosts.prod.health_timeout=8")
    assert eventually((tmp_path / "seen").exists, 60)
    assert built_in(world)
    fab.kill()
    fab.communicate()
    assert eventually(lambda: built_in(world) == [], 60)
    assert eventually(lambda: lock_is_free(world.site), 60)
