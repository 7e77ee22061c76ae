"""What the skeleton of Laravel 11 and 12 does otherwise: SQLite with everything in it, a silent index.php, maintenance in the cache."""

from __future__ import annotations

import gzip
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread, Timer

import pytest

from fabfile.engine import state
from fabfile.engine.scripts import php, source
from fabfile.server import backups
from tests.conftest import need
from tests.support.fab import run_fab
from tests.support.git import Origin

INDEX = """<?php
error_log("[2026-11-22 10:00:00] production.ERROR: the disk is gone {}\\n", 3, __DIR__.'/../storage/logs/laravel.log');
http_response_code(500);
echo '<h1>Application experiencing problems</h1>';
"""


def run(script: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", script, "sh", *args], text=True, capture_output=True, check=False, timeout=60)


def test_a_sqlite_database_is_backed_up_although_a_visitor_writes(tmp_path: Path) -> None:
    need("php")
    database, copy = tmp_path / "database.sqlite", tmp_path / "copy"
    with closing(sqlite3.connect(database, isolation_level=None, check_same_thread=False)) as visitor:
        visitor.execute("create table sessions (id)")
        visitor.execute("begin exclusive")
        visitor.execute("insert into sessions values ('kept')")
        Timer(0.5, visitor.execute, ["commit"]).start()
        connection = f"exec 3<<END\ndriver=sqlite\ndatabase={database}\nEND\nset -e\n"
        done = run(connection + backups.SCRIPT, str(tmp_path / "db.gz"), "php")
    assert done.returncode == 0, done.stderr
    copy.write_bytes(gzip.decompress((tmp_path / "db.gz").read_bytes()))
    with closing(sqlite3.connect(copy)) as restored:
        assert restored.execute("select id from sessions").fetchall() == [("kept",)]


@pytest.mark.parametrize(
    ("env", "unseen"),
    [
        ("APP_MAINTENANCE_DRIVER=cache\n", True),
        ("A=1\nAPP_MAINTENANCE_DRIVER='cache'\n", True),
        ("APP_MAINTENANCE_DRIVER=file\n", False),
        ("# APP_MAINTENANCE_DRIVER=cache\n", False),
        (None, False),
    ],
)
def test_maintenance_that_is_kept_in_the_cache_is_not_taken_for_none(env: str | None, unseen: bool, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    if env is not None:
        (tmp_path / "shared/.env").write_text(env)
    looked = run(source("engine/look.sh"), str(tmp_path), "php")
    found = state.parse(looked.stdout)
    assert (looked.returncode, found.unseen, found.down) == (0, unseen, False)


def test_the_log_tells_why_a_release_is_not_well(tmp_path: Path) -> None:
    need("php")
    for name, text in {"public/index.php": INDEX, "storage/logs/laravel.log": "[2026-11-21 10:00:00] production.ERROR: old\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    said = run(php("server/boot.php"), "php", "--", str(tmp_path), "/up", "localhost").stdout
    assert said.startswith("status 500\n")
    assert "production.ERROR: the disk is gone" in said
    assert "old" not in said


def test_a_pool_that_does_not_answer_is_named(tmp_path: Path) -> None:
    need("php")
    done = run(php("server/fastcgi.php"), "php", "--", str(tmp_path / "no-socket"), "/script.php", "/up", "localhost", "http")
    assert done.returncode == 1
    assert done.stderr.startswith(f"{tmp_path}/no-socket: ")


class InPieces(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(500)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"7\r\nServer \r\nA\r\nError 5003\r\n0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Not to the screen."""


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/up"
        server.shutdown()


def test_an_answer_in_pieces_is_shown_in_one() -> None:
    need("php")
    with answering(InPieces) as url:
        done = run("exec 3</dev/null\n" + php("server/http.php"), "php", "--", url, "1", "5", "")
    assert done.stdout == "status 500\nServer Error 5003\n", done.stderr


@pytest.mark.parametrize("name", ["composer.lock", "package-lock.json"])
def test_a_lock_file_that_git_does_not_have_is_found(name: str, tmp_path: Path) -> None:
    need("git")
    source = tmp_path / "source"
    source.mkdir()
    (source / "deploy.toml").write_text(f'[project]\nrepository = "{tmp_path}/origin.git"\n[hosts.prod]\npath = "/srv/app"\n')
    origin = Origin(tmp_path, source)
    assert run_fab(["local.check"], origin.clone).code == 0
    origin.publish({".gitignore": f"{name}\n"})
    (origin.clone / name).write_text("{}")
    refused = run_fab(["local.check"], origin.clone)
    assert refused.code != 0
    assert f"{name} is not in git" in refused.err
