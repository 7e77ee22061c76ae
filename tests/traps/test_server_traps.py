"""Traps of the flow's server steps: document roots, shared folders, cleanup, backups, rollback, the first deployment."""

from __future__ import annotations

import grp
import hashlib
import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.engine.pipes import BOOT, ProcessPipe
from fabfile.engine.records import Record
from fabfile.engine.scripts import php, source
from fabfile.engine.shell import Shell
from fabfile.engine.state import ServerState, parse
from fabfile.server import backups
from fabfile.server.daemons import once
from fabfile.server.tidy import removable, surplus
from tests.conftest import need
from tests.security.conftest import pack
from tests.support.deployment import World
from tests.support.fab import PROJECT, Result
from tests.support.site import log_blocks, records, tree

SHARED = ["storage/app", "storage/logs", "public/uploads", "public/user-content"]


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], sample: Path) -> World:
    """A site with one release, whose application has tracked files in a shared folder."""
    world = sample_worlds()
    world.configure({"hosts": {"prod": {"shared_folders": SHARED}}})
    world.commit({"public/uploads/welcome.txt": "first", "public/user-content/seed.txt": "seed"})
    result = world.deploy()
    assert result.code == 0, result.text
    return world


@pytest.fixture
def deploy(world: World, sample: Path) -> Callable[..., Result]:
    return lambda *args: world.deploy("--artifact", str(sample), *args)


@pytest.fixture
def local() -> Iterator[Shell]:
    shell = Shell("local", lambda command=BOOT: ProcessPipe(command), silence=0)
    yield shell
    shell.close()


def docroot(path: Path, mode: str = "symlink") -> tuple[str, str]:
    return f"--set=hosts.prod.public_html.mode={mode}", f"--set=hosts.prod.public_html.path={path}"


def other_sites_link(path: Path) -> None:
    (path.parent / "main-site").mkdir()
    path.symlink_to(path.parent / "main-site")


def other_sites_files(path: Path) -> None:
    (path / ".well-known").mkdir(parents=True)
    (path / "index.html").write_text("the main domain")


@pytest.mark.parametrize(
    ("prepare", "mode", "says"),
    [
        pytest.param(other_sites_link, "symlink", "maybe of another site", id="test_trap_01_a_link_to_another_site"),
        pytest.param(other_sites_files, "symlink", "a folder with files in it", id="test_trap_02_a_folder_with_files"),
        pytest.param(lambda path: (path.mkdir(), (path / "index.php").write_text("<?php // theirs")), "bridge", "is not ours", id="bridge"),
    ],
)
def test_trap_01_02_a_document_root_of_somebody_else_stops_before_the_switch(
    prepare: Callable[[Path], object], mode: str, says: str, world: World, deploy: Callable[..., Result], tmp_path: Path
) -> None:
    root = tmp_path / "public_html"
    prepare(root)
    before, serving, known = tree(tmp_path), world.current(), records(world.site)
    result = deploy(*docroot(root, mode))
    assert result.code == 4, result.text
    assert says in result.err
    assert f"{serving} still serves" in result.err
    assert (tree(tmp_path), world.current()) == (before, serving)
    assert records(world.site) == known  # not there and back, and nothing was sent at all


def test_trap_02_an_empty_document_root_is_taken_and_kept(world: World, deploy: Callable[..., Result], tmp_path: Path) -> None:
    root = tmp_path / "public_html"
    root.mkdir()
    for _ in range(2):
        assert deploy(*docroot(root)).code == 0
        assert root.readlink() == world.site / "current/public"


def test_trap_03_every_shared_folder_is_made_and_linked_whatever_the_release_brings(world: World, deploy: Callable[..., Result]) -> None:
    assert deploy().code == 0  # the artifact of the sample has neither of the two
    release = world.site / "current"
    for path in ("public/uploads", "public/user-content"):
        assert (release / path).is_symlink()
        (release / path / "photo").write_text("a visitor's")
        assert (world.site / "shared" / path / "photo").read_text() == "a visitor's"


def test_trap_04_what_the_first_release_brings_is_kept_once_and_never_again(world: World) -> None:
    shared = world.site / "shared"
    assert (shared / "public/uploads/welcome.txt").read_text() == "first"
    assert (shared / "public/user-content/seed.txt").read_text() == "seed"
    (shared / "public/user-content/seed.txt").write_text("changed by people")
    world.commit({"public/uploads/welcome.txt": "second", "public/uploads/new.txt": "new"})
    assert world.deploy().code == 0
    assert (shared / "public/uploads/welcome.txt").read_text() == "first"
    assert (shared / "public/uploads/new.txt").read_text() == "new"
    assert (shared / "public/user-content/seed.txt").read_text() == "changed by people"


def test_trap_05_cleanup_never_removes_the_live_release(world: World, deploy: Callable[..., Result]) -> None:
    """After a rollback the live release is the oldest by time; a process works in another; one folder is not ours."""
    for _ in range(4):
        assert deploy().code == 0
    assert world.rollback().code == 0
    live, busy = str(world.current()), next(id for id in world.releases() if records(world.site)[id]["state"] == "retired")
    strange = world.site / "releases" / "99999999 old backup"
    strange.mkdir()
    os.utime(world.site / "releases" / live, (1, 1))
    worker = subprocess.Popen(["sleep", "60"], cwd=world.site / "releases" / busy)
    try:
        result = world.fab("server.cleanup", "--host=prod", "--keep=1")
    finally:
        worker.kill()
        worker.wait()
    assert result.code == 0
    assert f"{busy} stays: it is still in use" in result.out
    assert {live, records(world.site)[live]["previous"] or live, busy} <= set(world.releases())
    assert strange.is_dir()
    assert world.get("/up").status == 200
    strange.rmdir()


ids = st.integers(1, 10**14 - 1).map(lambda number: f"{number:014d}")
states = st.sampled_from(["uploading", "prepared", "live", "retired", "failed", "bad"])
releases = st.builds(Record, ids, states, order=st.integers(0, 99), confirmed=st.booleans(), previous=ids)
histories = st.lists(releases, unique_by=lambda record: record.id)


@given(histories, st.data(), st.integers(1, 9))
def test_trap_05_what_may_be_removed(history: list[Record], data: st.DataObject, keep: int) -> None:
    known = [record.id for record in history]
    current = data.draw(st.sampled_from(known)) if known else ""
    state = ServerState(current=current, releases=tuple(sorted(known)), records={r.id: r for r in history})
    gone = removable(state, keep)
    left = [r for r in history if r.id not in gone]
    assert current not in gone
    assert not (state.live and state.live.previous in gone)
    good = sorted((r for r in history if r.confirmed and r.state in ("live", "retired") and r.id != current), key=lambda r: -r.order)
    assert len([r for r in left if r in good]) >= min(keep - 1, len(good))  # failed ones displace no good one


def test_trap_05_why_it_may_be_removed() -> None:
    """As the checklist says it: failed ones are not counted by keep_releases."""
    a, b, c, d, e, f, g = (f"2026010{number}000000" for number in range(1, 8))
    kinds = {a: "failed", b: "retired", c: "prepared", d: "retired", e: "bad", f: "failed", g: "live"}
    history = {id: Record(id, kind, order=int(id), confirmed=kind in ("live", "retired")) for id, kind in kinds.items()}  # type: ignore[arg-type]
    found = ServerState(current=g, releases=tuple(kinds), records=history)
    assert removable(found, 5) == [a, c]
    assert surplus(found, [a, c]) == f"failed, bad or broken off, and more than the last 2 of them: {a}; never live: {c}"
    assert surplus(found, removable(found, 1)) == f"{surplus(found, [a])}; more than keep_releases: {b}; {surplus(found, [c])}"


def test_trap_07_the_newest_backups_stay_however_old_they_are(world: World) -> None:
    backups = world.site / "backups"
    names = [f"db-2020010100000{number}.gz" for number in range(8)]
    for name in names:
        (backups / name).write_text("old")
        os.utime(backups / name, (1, 1))
    (backups / "before the move.sql").write_text("somebody's own")
    result = world.fab("server.cleanup", "--host=prod", "--set=hosts.prod.keep_backups=3", "--set=hosts.prod.backup_days=1")
    assert result.code == 0
    assert sorted(path.name for path in backups.glob("db-2020*")) == names[-3:]
    assert (backups / "before the move.sql").exists()


def test_trap_07_the_backup_of_a_release_that_stays_stays_with_it(world: World) -> None:
    """Its record names it; one whose release is gone goes by number and age as any other."""
    record, names = world.site / f".deploy/releases/{world.current()}.json", [f"db-2019010100000{number}.gz" for number in range(5)]
    before = record.read_text()
    record.write_text(json.dumps({**json.loads(before), "backup": str(world.site / "backups" / names[1])}))
    for name in names:
        (world.site / "backups" / name).write_text("old")
        os.utime(world.site / "backups" / name, (1, 1))
    result = world.fab("server.cleanup", "--host=prod", "--set=hosts.prod.keep_backups=1", "--set=hosts.prod.backup_days=1")
    record.write_text(before)
    assert result.code == 0, result.text
    assert sorted(path.name for path in (world.site / "backups").glob("db-2019*") if path.name != names[-1]) == [names[1]]


DUMPS = {
    "test_trap_09_it_fails": "echo 'Lost connection' >&2; exit 2",
    "test_trap_09_it_writes_nothing_and_says_it_did": ':>"$out"',
    "test_trap_09_it_stops_halfway": "echo 'CREATE TABLE t (x INT);' >\"$out\"",
}


@pytest.mark.parametrize("program", DUMPS.values(), ids=DUMPS)
def test_trap_09_a_dump_that_did_not_complete_is_no_backup(program: str, local: Shell, tmp_path: Path) -> None:
    """The program is a stand-in: the real one cannot be made to fail in these ways at will."""
    tool = tmp_path / "mariadb-dump"
    tool.write_text(f"#!/bin/sh\nfor word; do case $word in --result-file=*) out=${{word#*=}} ;; esac; done\n{program}\n")
    tool.chmod(0o755)
    (tmp_path / "backups").mkdir()
    connection = "driver=mysql\nuser=x\npassword=y\ndatabase=z"
    script = f"PATH={tmp_path}:$PATH\nexec 3<<END-OF-CONNECTION\n$3\nEND-OF-CONNECTION\n{backups.SCRIPT}"
    answer = local.work(script, tmp_path / "backups/db.gz", "php", connection, check=False)
    assert answer.code != 0
    assert list((tmp_path / "backups").iterdir()) == []


def test_trap_09_the_dump_of_a_damaged_database_is_none(local: Shell, tmp_path: Path) -> None:
    database = tmp_path / "database.sqlite"
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("CREATE TABLE t (x TEXT)")
        db.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 200)
    data = bytearray(database.read_bytes())
    data[9000:20000] = os.urandom(11000)
    database.write_bytes(data)
    script = f"exec 3<<END-OF-CONNECTION\n$3\nEND-OF-CONNECTION\n{backups.SCRIPT}"
    answer = local.work(script, tmp_path / "out/db.gz", "php", f"driver=sqlite\ndatabase={database}", check=False)
    assert answer.code != 0
    assert not (tmp_path / "out").exists()


class Slow(BaseHTTPRequestHandler):
    """Fails twice, then is well; remembers who it was called and by whom."""

    asked: list[str] = []  # noqa: RUF012 one at a time

    def do_GET(self) -> None:
        self.asked.append(f"{self.headers['Host']} {self.headers['Authorization']}")
        self.send_response(200 if len(self.asked) > 2 else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("tries", "status"), [(3, "status 200"), (2, "status 503")])
def test_trap_12_health_is_asked_again_at_this_very_server(tries: int, status: str, local: Shell) -> None:
    Slow.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_port
    script = f"exec 3<<END-OF-LOGIN\nme:pass\nEND-OF-LOGIN\n{php('server/http.php')}"
    answer = local.ask(script, "php", "--", f"http://site.invalid:{port}/up", tries, 20, "127.0.0.1", check=False)
    server.shutdown()
    server.server_close()
    assert answer.out.startswith(status)
    assert Slow.asked == [f"site.invalid:{port} Basic bWU6cGFzcw=="] * tries


ELSEWHERE = """
cd "$1"
printf '%s' hello >index.php
ip link set lo up
ip route add local 192.0.2.2/32 dev lo src 127.0.0.1
ip address add 192.0.2.1/32 dev lo
php -S 192.0.2.1:8000 >own.log 2>&1 & own=$!
php -S 192.0.2.2:8000 >other.log 2>&1 & other=$!
trap 'kill "$own" "$other"' EXIT
until grep -q started own.log && grep -q started other.log; do kill -0 "$own" "$other"; sleep 0.05; done
exec 3</dev/null
"""


def test_trap_12_a_name_that_leads_to_another_machine_is_told(tmp_path: Path) -> None:
    """In a network of its own: 192.0.2.1 is an address of this machine, and who speaks to 192.0.2.2 has another one than that."""
    need("php", "unshare", "ip")
    if subprocess.run(["unshare", "-rn", "ip", "link", "set", "lo", "up"], check=False, capture_output=True).returncode:
        pytest.skip("no network of its own may be made here")
    runs = ("192.0.2.2:8000/ 1 20 ''", "site.invalid:8000/ 1 20 192.0.2.2", "192.0.2.1:8000/ 1 20 ''")
    asking = "".join(f"\n{{\n{php('server/http.php', f'php -- http://{run}')}\n}}" for run in runs)
    command = ["unshare", "-rn", "sh", "-euc", ELSEWHERE + asking, "sh", str(tmp_path)]
    said = subprocess.run(command, text=True, capture_output=True, check=False, timeout=120)
    well = "status 200\nhello\n"
    assert said.stdout == f"elsewhere 192.0.2.2\n{well}{well}{well}", said.stderr


def test_trap_15_an_opcache_that_cannot_be_reset_is_no_success(world: World, deploy: Callable[..., Result]) -> None:
    before = world.current()
    result = deploy("--set=hosts.prod.opcache=command", "--set=hosts.prod.opcache_command=echo cachetool says no; exit 3")
    assert result.code == 5, result.text  # on the way back it cannot be reset either, which is told: what answers is the old release
    assert "cachetool says no" in result.err
    assert "⚠️  server.opcache" in result.out
    assert world.current() == before


@pytest.mark.parametrize("shared", ["storage", "storage/framework"])
def test_trap_18_compiled_views_stay_the_releases_own_where_storage_is_shared(
    shared: str, sample_worlds: Callable[..., World], sample: Path
) -> None:
    """view:cache begins by deleting whatever is where it writes: it must not be where the live release reads."""
    world = sample_worlds(folder="views")
    world.configure({"hosts": {"prod": {"shared_folders": [shared]}}})
    assert world.deploy("--artifact", str(sample)).code == 0
    views = (world.site / "current").resolve() / "bootstrap/cache/views"
    before = {path.name for path in views.glob("*.php")}
    assert world.deploy("--artifact", str(sample)).code == 0
    assert before
    assert {path.name for path in views.glob("*.php")} == before
    assert list((world.site / "current/bootstrap/cache/views").glob("*.php"))
    assert not list((world.site / "shared").rglob("views/*.php"))


def test_trap_20_26_the_first_deployment_needs_no_current_and_no_key(sample_worlds: Callable[..., World], sample: Path) -> None:
    world = sample_worlds(folder="first")
    shutil.rmtree(world.site)
    world.configure({"hooks": {"pre_release": ["exit 1"]}, "hosts": {"prod": {"maintenance": True}}})
    result = world.deploy("--artifact", str(sample))
    assert result.code == 3, result.text  # .env was made from .env.example: somebody has to fill it in
    assert "exit 1 skipped: first deployment" in result.out
    assert "shared/.env was made from .env.example" in result.out
    lines = (world.site / "shared/.env").read_text().splitlines()
    assert len(next(line for line in lines if line.startswith("APP_KEY=base64:"))) > 40
    assert "APP_ENV=production" in lines
    release = world.site / "current"
    assert (release / "public/storage").resolve() == world.site / "shared/storage/app/public"
    assert all((release / "storage/framework" / name).is_dir() for name in ("views", "sessions", "cache/data"))


def test_trap_22_steps_in_processes_of_their_own_find_their_release(world: World, sample: Path) -> None:
    before = world.current()
    for words in (
        ("server.create-release", f"--artifact={sample}"),
        ("server.upload", f"--artifact={sample}"),
        ("server.link-shared",),
        ("server.env",),
        ("server.switch",),
    ):
        result = world.fab(words[0], "--host=prod", *words[1:])
        assert result.code == 0, result.text
    assert str(world.current()) > str(before)
    assert world.current() == world.releases()[-1]


def test_trap_23_the_release_is_of_the_artifact_that_was_named(world: World, sample: Path, tmp_path: Path) -> None:
    pack(tmp_path / "later.tar.gz", {"public/later.txt": "later"})
    named = tmp_path / "named.tar.gz"
    shutil.copy(sample, named)
    assert world.deploy("--artifact", str(named)).code == 0
    assert records(world.site)[str(world.current())]["artifact"] == hashlib.sha256(named.read_bytes()).hexdigest()
    assert not (world.site / "current/public/later.txt").exists()


@pytest.mark.parametrize(
    ("there", "told"),
    [(["queue", "horizon"], ["horizon"]), (["horizon", "queue", "reverb"], ["horizon", "reverb"]), (["queue"], ["queue"]), ([], [])],
)
def test_trap_24_no_worker_is_told_twice(there: list[str], told: list[str]) -> None:
    assert once(there) == told


def test_trap_24_other_sites_programs_are_left_alone(world: World) -> None:
    result = world.fab("config", "--host=prod", '--set=hosts.prod.supervisor=["all"]')
    assert result.code == 2
    assert "would restart other sites' programs too" in result.err


def test_trap_25_maintenance_is_only_for_those_who_ask(world: World) -> None:
    assert "server.down" not in world.fab("steps", "--host=prod").out
    assert "server.down" in world.fab("steps", "--host=prod", "--set=hosts.prod.maintenance=true").out


def test_trap_40_nobody_knows_a_way_around_maintenance(world: World) -> None:
    found = set()
    for _ in range(2):
        result = world.fab("server.down", "--host=prod")
        assert result.code == 0, result.text
        found.add(json.loads((world.site / "current/storage/framework/down").read_text())["secret"])
        assert world.fab("server.up", "--host=prod").code == 0
        assert not [secret for secret in found if secret in result.text]
    assert [len(secret) for secret in found] == [32, 32]


def test_trap_41_nothing_of_ours_can_be_called_from_the_web(world: World, sample: Path) -> None:
    assert world.deploy("--artifact", str(sample)).code == 0
    public = world.site / "current/public"
    listed = subprocess.run(["tar", "-tzf", sample], check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()
    shipped = {name.removeprefix("public/").rstrip("/") for name in listed if name.startswith("public/")}
    assert {str(path.relative_to(public)) for path in public.rglob("*")} - shipped == {"storage", "uploads", "user-content"}


def group() -> str:
    """A group that is neither ours nor root's."""
    return next(name for name in ("www-data", "daemon", "nogroup") if name in {entry.gr_name for entry in grp.getgrall()})


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to any group")
def test_trap_43_the_web_servers_group_can_read_what_it_has_to_and_nobody_else(sample_worlds: Callable[..., World], sample: Path) -> None:
    world = sample_worlds(folder="group")
    world.configure({"hosts": {"prod": {"web_group": group()}}})
    assert world.deploy("--artifact", str(sample)).code == 0
    for path in (world.env_file, world.site / "current/bootstrap/cache/config.php"):
        assert (path.stat().st_gid, stat.S_IMODE(path.stat().st_mode)) == (grp.getgrnam(group()).gr_gid, 0o640), path
    for path in (world.site / "shared/storage/logs", world.site / "current/bootstrap/cache"):
        assert path.stat().st_gid == grp.getgrnam(group()).gr_gid
        assert path.stat().st_mode & stat.S_IWGRP


def test_trap_43_a_mode_that_shuts_the_group_out_is_refused(world: World) -> None:
    result = world.fab("config", "--host=prod", "--set=hosts.prod.web_group=www-data", "--set=hosts.prod.env_mode=0600")
    assert result.code == 2
    assert "env_mode must be" in result.err


def test_trap_45_a_mv_that_cannot_replace_a_link_is_no_obstacle(sample_worlds: Callable[..., World], sample: Path, tmp_path: Path) -> None:
    """As on BSD and with uutils, where PHP's rename() has to do it."""
    refuse = 'case "$*" in *-fT* | *-f\\ -T*) echo "mv: illegal option" >&2; exit 64 ;; esac'
    (tmp_path / "mv").write_text(f'#!/bin/sh\n{refuse}\nexec /bin/mv "$@"\n')
    (tmp_path / "mv").chmod(0o755)
    world = sample_worlds(folder="bsd", env={"PATH": f"{tmp_path}:/usr/local/bin:/usr/bin:/bin"})
    for _ in range(2):
        result = world.deploy("--artifact", str(sample))
        assert result.code == 0, result.text
        assert str((world.site / "current").readlink()) == f"releases/{world.releases()[-1]}"
        assert not [path for path in (world.site / "current/").iterdir() if path.name.startswith((".current", "releases"))]


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("grep -[a-zA-Z]*P", id="grep -P"),
        pytest.param("sed -i", id="sed -i"),
        pytest.param("readlink -[fe]", id="readlink -f"),
        pytest.param("stat -c|stat --", id="stat -c"),
        pytest.param(r"\bdate -[^u]", id="date -d"),
        pytest.param("composer self-update|composer.org/installer", id="composer self-update"),
        pytest.param("tinker", id="tinker"),
    ],
)
def test_trap_30_14_31_scripts_use_what_every_system_has(pattern: str) -> None:
    scripts = [*(PROJECT / "fabfile").rglob("*.sh"), *(PROJECT / "fabfile").rglob("*.py")]
    assert [path.name for path in scripts if re.search(pattern, path.read_text())] == []


def test_trap_48_failures_are_logged_too_and_nobody_writes_lines_of_their_own(world: World, deploy: Callable[..., Result]) -> None:
    hook = json.dumps(["printf 'x\\nStatus: SUCCESS\\n' >&2; exit 1"])
    assert deploy(f"--set=hooks.mid_release={hook}").code == 4
    last = log_blocks(world.site)[-1]
    assert (last["Status"], last["Serving"]) == ("FAILED", world.current())
    assert "exit 1" in last["Note"]


@given(st.lists(ids.filter(lambda id: id < "99999999999990")), st.lists(ids.filter(lambda id: id < "99999999999990")), ids)
def test_trap_50_an_id_is_newer_than_all_whatever_the_clock_says(releases: list[str], known: list[str], now: str) -> None:
    state = ServerState(now=now, releases=tuple(releases), records={id: Record(id) for id in known})
    assert all(state.new_id() > id for id in (*releases, *known))
    assert len(state.new_id()) == 14


def test_trap_50_a_server_whose_clock_went_back(world: World, sample: Path) -> None:
    future = world.site / "releases" / "20990101000000"
    future.mkdir()
    assert world.deploy("--artifact", str(sample)).code == 0
    assert world.current() == "20990101000001"
    future.rmdir()


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu", "UTC"])
def test_trap_50_the_clock_is_utc_wherever_the_server_stands(zone: str, local: Shell, tmp_path: Path) -> None:
    before = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    said = parse(local.ask(f"TZ={zone}; export TZ\n{source('engine/look.sh')}", tmp_path, "php").out)
    assert before <= said.now <= time.strftime("%Y%m%d%H%M%S", time.gmtime())
