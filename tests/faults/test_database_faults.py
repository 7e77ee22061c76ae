"""A real MariaDB that is away, refuses, is cut off in the middle, or makes a migration wait."""

from __future__ import annotations

import gzip
import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from fabfile.engine.pipes import BOOT, ProcessPipe
from fabfile.engine.shell import Shell
from fabfile.engine.wire import Answer
from fabfile.server import backups
from tests.engine import places
from tests.engine.places import eventually
from tests.support import process
from tests.support.artifact import Artifacts
from tests.support.deployment import World
from tests.support.fab import PROJECT, environment, fab_command
from tests.support.mariadb import Database
from tests.support.site import leftovers, lock_is_free, records, serving
from tests.system.conftest import open_world
from tests.system.test_failures import MIGRATIONS, class_of

pytestmark = pytest.mark.system

USER = "CREATE OR REPLACE USER app@localhost IDENTIFIED BY 'right'; GRANT ALL ON notes.* TO app@localhost;"


Backup = Callable[..., Answer]


@pytest.fixture
def backup(database: Database, tmp_path: Path) -> Iterator[Backup]:
    """Back ``notes`` up to backups/db.gz, as the user of the application unless another one is named."""
    with ExitStack() as stack:

        def run(user: str = "app", path: str = "") -> Answer:
            prefix = f"PATH={path}; export PATH; " if path else ""
            shell = Shell("local", lambda command=BOOT: ProcessPipe(prefix + command), timeout=60, silence=0)
            stack.callback(shell.close)
            facts = f"driver=mysql\nsocket={database.socket}\nuser={user}\npassword=right\ndatabase=notes"
            script = f"exec 3<<END-OF-CONNECTION\n$3\nEND-OF-CONNECTION\n{backups.SCRIPT}"
            return shell.work(script, tmp_path / "backups/db.gz", "php", facts, check=False)

        (tmp_path / "backups").mkdir()
        yield run


EVERYTHING = """
CREATE OR REPLACE DATABASE notes CHARACTER SET utf8mb4; USE notes;
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, x TEXT, b BLOB, made TIMESTAMP DEFAULT '2024-05-05 05:05:05');
CREATE TABLE counted (n INT);
INSERT INTO counted VALUES (0);
CREATE DEFINER=app@localhost TRIGGER counting AFTER INSERT ON t FOR EACH ROW UPDATE counted SET n = n + 1;
CREATE DEFINER=app@localhost VIEW v AS SELECT id, UPPER(x) AS loud FROM t;
CREATE DEFINER=app@localhost FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN 2 * n;
CREATE DEFINER=app@localhost PROCEDURE more() INSERT INTO t (x) VALUES ('more');
CREATE DEFINER=app@localhost EVENT sometimes ON SCHEDULE EVERY 1 YEAR DO DELETE FROM t WHERE id < 0;
INSERT INTO t (x, b) VALUES ('naïve 日本 😀 ''"\\\\', UNHEX('00ff0a0d1a5c27')), (NULL, REPEAT('z', 60000)), ('', '');
"""


def contents(database: Database, name: str) -> list[str]:
    """What makes a database: its rows, and everything in it that is code."""
    found = database.ask(f"CHECKSUM TABLE {name}.t, {name}.counted; SELECT * FROM {name}.v; SELECT {name}.twice(21)")
    kinds = {"ROUTINES": "ROUTINE", "EVENTS": "EVENT", "TRIGGERS": "TRIGGER"}
    for table, kind in kinds.items():
        sql = f"SELECT {kind}_NAME, DEFINER FROM information_schema.{table} WHERE {kind}_SCHEMA = '{name}' ORDER BY 1"
        found += database.ask(sql)
    return [line.replace(f"{name}.", "") for line in found]


def test_a_backup_brings_everything_back(database: Database, backup: Backup, tmp_path: Path) -> None:
    database.sql(USER + EVERYTHING)
    answer = backup()
    assert answer.code == 0, answer.out
    assert "note:" not in answer.out
    dump = gzip.decompress((tmp_path / "backups/db.gz").read_bytes()).decode()
    scratch = "CREATE OR REPLACE DATABASE scratch CHARACTER SET utf8mb4; GRANT ALL ON scratch.* TO app@localhost; USE scratch;"
    database.sql(f"{scratch}\n{dump}")
    assert contents(database, "scratch") == contents(database, "notes")
    assert any("sometimes" in line for line in contents(database, "scratch"))
    database.sql("CALL scratch.more()")
    assert database.ask("SELECT n FROM scratch.counted") == ["4"], "the trigger works"


def test_what_a_user_may_not_read_is_noted_and_the_tables_are_kept(database: Database, backup: Backup, tmp_path: Path) -> None:
    database.sql(USER + EVERYTHING + "CREATE DEFINER=root@localhost PROCEDURE roots() SELECT 1; CREATE TABLE old (n INT) ENGINE=MyISAM;")
    answer = backup()
    assert answer.code == 0, answer.out
    assert "note: stored routines and events could not be read" in answer.out
    assert "note: tables that are not InnoDB" in answer.out
    assert "CREATE TABLE `t`" in gzip.decompress((tmp_path / "backups/db.gz").read_bytes()).decode()


def test_somebody_who_writes_neither_waits_nor_is_waited_for(database: Database, backup: Backup, tmp_path: Path) -> None:
    """A dump that took locks would wait here for ever, as a writer would for it."""
    database.sql(USER + EVERYTHING)
    writer = database.session("USE notes; BEGIN; INSERT INTO t (x) VALUES ('halfway')")
    answer = backup()
    writer.kill()
    writer.communicate()
    assert answer.code == 0, answer.out
    assert "halfway" not in gzip.decompress((tmp_path / "backups/db.gz").read_bytes()).decode()


def test_a_connection_that_is_cut_halfway_leaves_no_backup(database: Database, backup: Backup, tmp_path: Path) -> None:
    database.sql(USER + EVERYTHING)
    blocker = database.session("LOCK TABLES notes.t WRITE")  # the dump gets as far as this table
    done = Event()

    def cut() -> None:
        while not done.wait(0.05):
            waiting = "SELECT id FROM information_schema.PROCESSLIST WHERE user = 'app' AND state LIKE '%metadata lock%'"
            for id in database.ask(waiting):
                subprocess.run(["mariadb", "--no-defaults", f"--socket={database.socket}", "-uroot", "-e", f"KILL {id}"], check=False)

    cutting = Thread(target=cut)
    cutting.start()
    answer = backup()
    done.set()
    cutting.join()
    blocker.kill()
    blocker.communicate()
    assert answer.code != 0
    assert re.search("Lost connection|Connection was killed|server has gone away", answer.out), answer.out
    assert list((tmp_path / "backups").iterdir()) == []


def test_without_a_tool_to_dump_with_it_says_so(database: Database, backup: Backup, tmp_path: Path) -> None:
    answer = backup(path=places.path_without(tmp_path / "bin", "mariadb-dump", "mysqldump"))
    assert answer.code != 0
    assert "neither mariadb-dump nor mysqldump is there" in answer.out
    assert list((tmp_path / "backups").iterdir()) == []


@pytest.fixture(scope="module")
def world(database: Database, tmp_path_factory: pytest.TempPathFactory, laravel_source: Path, artifacts: Artifacts) -> Iterator[World]:
    """The real Laravel application with its tables in the real server."""
    database.sql(USER + "CREATE OR REPLACE DATABASE notes CHARACTER SET utf8mb4;")
    with ExitStack() as stack:
        settings = {"build": {"package_manager": "none"}, "hosts": {"prod": {"health_tries": 1}}}
        world = open_world(stack, tmp_path_factory.mktemp("mysql"), laravel_source, settings=settings)
        kept = [line for line in world.env_file.read_text().splitlines() if not line.startswith("DB_")]
        login = ["DB_CONNECTION=mysql", f"DB_SOCKET={database.socket}", "DB_DATABASE=notes", "DB_USERNAME=app", "DB_PASSWORD=right"]
        world.env_file.write_text("\n".join([*kept, *login, ""]))
        result = world.deploy(f"--artifact={artifacts.version('1')}")
        assert result.code == 0, result.text
        yield world


@pytest.fixture(scope="module")
def column(artifacts: Artifacts) -> Callable[[str], str]:
    """A function: the --artifact of a version with a migration that adds this column, and waits for whoever reads the table."""

    def version(name: str) -> str:
        migration = class_of(f"Schema::table('notes', function ($t) {{ $t->string('{name}')->nullable(); }});")
        return f"--artifact={artifacts.version('2', {f'database/migrations/2025_01_01_000000_{name}.php': migration})}"

    return version


def test_a_database_that_is_away_or_refuses_stops_before_anything_runs(
    database: Database, world: World, column: Callable[[str], str]
) -> None:
    good, before = world.env_file.read_text(), serving(world.site)
    wrong = {
        f"DB_SOCKET={database.socket}": ("DB_SOCKET=/nowhere/s", "No such file or directory"),
        "DB_PASSWORD=right": ("DB_PASSWORD=s3ntinel-wrong", "Access denied"),
        "DB_DATABASE=notes": ("DB_DATABASE=nowhere", "nowhere"),
    }
    for line, (other, says) in wrong.items():
        world.env_file.write_text(good.replace(line, other))
        result = world.deploy(column("colour"))
        world.env_file.write_text(good)
        assert result.code == 4, result.text
        assert says in result.text, result.text
        assert "check DB_* in shared/.env" in result.err
        assert "s3ntinel" not in result.text
        assert "Migrations completed" not in result.text
        assert (serving(world.site), world.get("/release").status) == (before, 200)
    assert database.ask("SELECT COUNT(*) FROM notes.migrations WHERE migration LIKE '%colour'") == ["0"]


def migrating(world: World) -> list[str]:
    """The artisans that work in one of the site's releases."""
    site = str(world.site)
    return [text for pid, text in process.command_lines() if "artisan" in text and str(folder_of(pid)).startswith(site)]


def folder_of(pid: int) -> Path:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:  # it ended while we looked
        return Path()


def waiting(database: Database) -> list[str]:
    return database.ask("SELECT id FROM information_schema.PROCESSLIST WHERE state LIKE '%metadata lock%'")


def test_a_release_that_does_not_reach_its_database_never_gets_the_link(database: Database, world: World, artifacts: Artifacts) -> None:
    """Also where nothing else asks the database: no migrations, no backup, a health page without it."""
    good, before = world.env_file.read_text(), serving(world.site)
    words = (
        f"--artifact={artifacts.version('1')}",
        *(f"--set=hosts.prod.{word}" for word in ("migrate=false", "backup=never", "health_path=/release")),
    )
    try:
        world.env_file.write_text(good.replace("DB_DATABASE=notes", "DB_DATABASE=nothing"))
        result = world.deploy(*words)
        assert result.code == 4, result.text
        assert re.search("does not reach its database: mysql: .*nothing", result.err), result.err
        assert "DB_CONNECTION=null" in result.err
        assert (serving(world.site), "right" in result.text) == (before, False)

        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(str(database.socket.with_name("silent")))
            silent.listen()
            world.env_file.write_text(good.replace(f"DB_SOCKET={database.socket}", f"DB_SOCKET={database.socket.with_name('silent')}"))
            result = world.deploy(*words, "--set=hosts.prod.health_timeout=3")
        assert result.code == 4, result.text
        assert "does not reach its database: mysql: no answer within 16 seconds" in result.err  # two things at once have twice as long
        assert serving(world.site) == before

        world.env_file.write_text(good.replace("DB_CONNECTION=mysql", "DB_CONNECTION=null"))
        result = world.deploy(*words)
        assert result.code == 0, result.text
        assert "No database to reach" in result.out
    finally:
        world.env_file.write_text(good)
    result = world.deploy(*words)
    assert result.code == 0, result.text
    assert "Database reached: connection mysql" in result.out


def test_a_migration_that_waits_for_a_lock_is_ended_on_the_server_too(
    database: Database, world: World, column: Callable[[str], str]
) -> None:
    before = serving(world.site)
    reader = database.session("USE notes; BEGIN; SELECT COUNT(*) FROM notes")
    try:
        result = world.deploy(column("colour"), "--set=hosts.prod.command_timeout=12")
        assert migrating(world) == []
        assert result.code == 4, result.text
        assert "artisan migrate --force failed (stopped after its 12 seconds)" in result.text, result.text
        assert "pending: 2025_01_01_000000_colour" in result.text
        assert "migrations that ran: none" in result.text
        assert (serving(world.site), world.get("/release").status, lock_is_free(world.site)) == (before, 200, True)
        assert eventually(lambda: not waiting(database)), "the database does not wait for it either"
    finally:
        reader.kill()
        reader.communicate()


def test_what_a_migration_did_before_it_broke_stays_and_is_said(database: Database, world: World, artifacts: Artifacts) -> None:
    """Schema changes of MariaDB are in no transaction: the first column is there, the migration is not recorded."""
    before, name = serving(world.site), "2025_02_01_000000_half"
    database.sql("USE notes; INSERT INTO notes (text) SELECT seq FROM seq_1_to_500; ANALYZE TABLE notes")
    body = "Schema::table('notes', fn ($t) => $t->string('half')->default('x')); throw new \\RuntimeException('the second half');"
    good = class_of("Schema::table('notes', fn ($t) => $t->string('good')->nullable());")
    files = {f"{MIGRATIONS}/2025_01_31_000000_good.php": good, f"{MIGRATIONS}/{name}.php": class_of(body)}
    result = world.deploy(f"--artifact={artifacts.version('2', files)}")
    assert result.code == 4, result.text
    assert re.search(rf"{name}: locking: default in line 4 \(notes has about \d+ rows, \d+ KiB\)", result.out), result.out
    assert "its SQL is not known: php artisan migrate --pretend failed: " in result.out
    assert "migrations that ran: 2025_01_31_000000_good;" in result.err
    assert f"{name} did not end: but for PostgreSQL, what it had done until then stays as well" in result.err
    columns = database.ask("SELECT column_name FROM information_schema.columns WHERE table_schema = 'notes' AND table_name = 'notes'")
    assert {"good", "half"} <= set(columns)
    assert (serving(world.site), world.get("/release").status) == (before, 200)


def test_a_first_deployment_takes_nothing_from_another_site_of_the_database(database: Database, world: World, artifacts: Artifacts) -> None:
    """A new path with the database of a site that serves: to drop a column is no less destructive there."""
    bodies = {"drop": "fn ($t) => $t->dropColumn('text')", "need": "fn ($t) => $t->string('needed')"}
    drop = {f"{MIGRATIONS}/2026_01_01_000000_{name}.php": class_of(f"Schema::table('notes', {body});") for name, body in bodies.items()}
    site = world.folder / "second"
    (site / "shared").mkdir(parents=True)
    (site / "shared/.env").write_text(world.env_file.read_text())
    there = (f"--set=hosts.prod.path={site}", '--set=hosts.prod.url=""')
    stopped = world.deploy(f"--artifact={artifacts.version('2', drop)}", *there)
    assert stopped.code == 4, stopped.text
    assert "what whoever uses this database, which has migrations already, may still do" in stopped.err
    assert "2026_01_01_000000_drop: dropColumn in line 4" in stopped.err
    assert "2026_01_01_000000_need: string('needed'), NOT NULL without a default: INSERTs that do not know it fail" in stopped.err
    alone = world.fab("server.migrate", "--host=prod", f"--release={next((site / 'releases').glob('2*')).name}", *there)
    assert (alone.code, "6.1-migrate" in alone.err, serving(site)) == (4, True, ""), alone.text
    assert database.ask("SELECT COUNT(*) FROM information_schema.columns WHERE column_name = 'text' AND table_schema = 'notes'") == ["1"]
    assert world.get("/release").status == 200


def test_a_client_that_dies_while_a_migration_runs(database: Database, world: World, column: Callable[[str], str]) -> None:
    """The migration goes to its end under the lock, nobody else may begin meanwhile, and nothing is switched."""
    before, artifact = serving(world.site), column("shape")
    reader = database.session("USE notes; BEGIN; SELECT COUNT(*) FROM notes")
    try:
        client = world.start_fab("deploy", "--host=prod", artifact)
        assert eventually(lambda: waiting(database), 120)
        client.send_signal(signal.SIGKILL)
        client.communicate()
        second = world.deploy(artifact)
        assert second.code == 7, second.text
        assert "another deployment holds the lock" in second.err
        assert not lock_is_free(world.site)
    finally:
        reader.kill()
        reader.communicate()
    assert eventually(lambda: lock_is_free(world.site), 60)
    ran = database.ask("SELECT migration FROM notes.migrations ORDER BY id DESC LIMIT 1")
    assert ran == ["2025_01_01_000000_shape"], "it ran to its end"
    assert serving(world.site) == before
    assert records(world.site)[world.releases()[-1]]["state"] == "prepared"
    assert "did not end" in world.fab("status", "--host=prod").out
    dump = gzip.decompress(max((world.site / "backups").glob("*.gz")).read_bytes())
    assert (b"CREATE TABLE `notes`" in dump, b"`shape`" in dump) == (True, False), "the backup is of the moment before"
    result = world.deploy(artifact)
    assert result.code == 0, result.text
    assert "Nothing to migrate" in result.out
    assert serving(world.site) == world.releases()[-1]
    assert leftovers(world.site) == []


def answered(world: World, answer: str) -> tuple[int, str]:
    """Type ``fab server.restore`` at a terminal, and this answer to what it asks; its exit code and what was read."""
    ours, theirs = os.openpty()
    command = [*fab_command(), "-r", str(PROJECT), "server.restore", "--host=prod"]
    env = environment({"HOME": str(world.home)})
    with subprocess.Popen(command, cwd=world.clone, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        said = b""
        with suppress(OSError):  # the terminal ends with the program
            while part := os.read(ours, 10000):
                said += part
    os.close(ours)
    return process.returncode, said.decode()


def test_a_restore_asks_saves_what_is_there_and_leaves_exactly_what_was(database: Database, world: World) -> None:
    rows, folder = "CHECKSUM TABLE notes.notes, notes.migrations", world.site / "backups"
    older = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert world.fab("server.backup", "--force", "--host=prod").code == 0
    assert {name: (folder / name).read_bytes() for name in older} == older, "what was before its migrations stays"
    before, newest = database.ask(f"{rows}; SHOW TABLES FROM notes"), max(path.name for path in folder.iterdir())
    database.sql("USE notes; CREATE TABLE newer (n INT); INSERT INTO newer VALUES (1); DELETE FROM notes")
    later, files = database.ask(f"{rows}; SHOW TABLES FROM notes"), sorted(folder.iterdir())
    for code, says, *args in (
        (2, "nobody is there to be asked"),
        (2, "is not in", "--yes", "--file=../shared/.env.gz"),
        (2, "exclude each other", "--yes", f"--file={newest}", f"--release={serving(world.site)}"),
        (4, "there is no backup", "--yes", "--release=20200101000000"),
    ):
        refused = world.fab("server.restore", "--host=prod", *args)
        assert (refused.code, says in refused.err) == (code, True), refused.text
    assert answered(world, "yes")[0] == 2
    assert world.fab("server.restore", "--host=prod", "--yes", "--dry-run").code == 0
    assert (database.ask(f"{rows}; SHOW TABLES FROM notes"), sorted(folder.iterdir())) == (later, files)

    code, said = answered(world, "prod")
    assert code == 0, said
    assert f"{newest}, " in said
    assert "it replaces the mysql database notes at" in said
    assert database.ask(f"{rows}; SHOW TABLES FROM notes") == before
    (saved,) = folder.glob("*-before-restore.gz")
    assert saved.stat().st_mode & 0o777 == 0o600
    undone = world.fab("server.restore", "--host=prod", "--yes", f"--file={saved}")
    assert undone.code == 0, undone.text
    assert database.ask(f"{rows}; SHOW TABLES FROM notes") == later
    assert "right" not in undone.text.replace("rights", "")
    assert (leftovers(world.site), lock_is_free(world.site)) == ([], True)


def test_a_restore_that_fails_says_where_what_was_there_is(database: Database, world: World) -> None:
    (world.site / "backups/broken.gz").write_bytes(gzip.compress(b"CREATE NONSENSE;\n-- Dump completed\n"))
    failed = world.fab("server.restore", "--host=prod", "--yes", "--file=broken.gz")
    assert failed.code == 4, failed.text
    assert "THE DATABASE MAY BE HALF RESTORED; how it was before: " in failed.err
    saved = max((world.site / "backups").glob("*-before-restore.gz"), key=lambda path: path.stat().st_mtime)
    assert f"--file={saved.name}" in failed.err
    assert world.fab("server.restore", "--host=prod", "--yes", f"--file={saved.name}", "--unsaved").code == 0
    assert world.get("/release").status == 200
