"""A backup that is restored makes the database exactly what it was, for each kind of database, with the real servers."""

from __future__ import annotations

import gzip
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from fabfile.engine.pipes import BOOT, ProcessPipe
from fabfile.engine.scripts import source
from fabfile.engine.shell import Shell
from fabfile.engine.wire import Answer
from fabfile.server import backups, restoring
from tests.conftest import need
from tests.support import postgresql
from tests.support.mariadb import Database
from tests.support.postgresql import Postgres

pytestmark = pytest.mark.system
Run = Callable[[str, Path, dict[str, object]], Answer]


@pytest.fixture
def run() -> Iterator[Run]:
    """Run a script as the tasks do: long work, with the connection on descriptor 3."""
    with ExitStack() as stack:

        def run(script: str, path: Path, facts: dict[str, object]) -> Answer:
            shell = Shell("local", lambda command=BOOT: ProcessPipe(command), timeout=60, silence=0)
            stack.callback(shell.close)
            login = "\n".join(f"{key}={value}" for key, value in facts.items())
            path.parent.mkdir(exist_ok=True)
            return shell.work(f"exec 3<<END-OF-CONNECTION\n$3\nEND-OF-CONNECTION\n{script}", path, "php", login, check=False)

        yield run


def whole(path: Path, driver: str, name: str | None = None) -> subprocess.CompletedProcess[str]:
    words = ["sh", "-eu", "-c", source("server/whole.sh"), "sh", str(path.parent), path.name if name is None else name, driver]
    return subprocess.run(words, text=True, capture_output=True, check=False)


MARIADB = """
SET FOREIGN_KEY_CHECKS = 0; CREATE OR REPLACE DATABASE shop CHARACTER SET utf8mb4; SET FOREIGN_KEY_CHECKS = 1; USE shop;
CREATE OR REPLACE USER app@localhost IDENTIFIED BY 'right'; GRANT ALL ON shop.* TO app@localhost;
CREATE TABLE teams (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50) COMMENT 'it''s; DEFINER=`root`@`localhost`') AUTO_INCREMENT = 77;
CREATE TABLE users (
  id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT, team_id INT, name VARCHAR(99) NOT NULL DEFAULT 'x', raw VARBINARY(300), doc LONGTEXT,
  price DECIMAL(20,6), ratio DOUBLE, bits BIT(9), day DATE, made TIMESTAMP(6) NULL, kind ENUM('a','b'), more JSON,
  loud VARCHAR(99) AS (UPPER(name)) STORED, len INT AS (CHAR_LENGTH(name)) VIRTUAL,
  UNIQUE KEY (name), FULLTEXT KEY (doc), CONSTRAINT of_team FOREIGN KEY (team_id) REFERENCES teams (id) ON DELETE CASCADE
);
CREATE TABLE counted (n INT); INSERT INTO counted VALUES (0);
CREATE SEQUENCE numbers START WITH 500;
CREATE DEFINER=app@localhost TRIGGER counting AFTER INSERT ON users FOR EACH ROW UPDATE counted SET n = n + 1;
INSERT INTO teams (name) VALUES ('first'), (NULL);
INSERT INTO users (team_id, name, raw, doc, price, ratio, bits, day, made, kind, more) VALUES
  (77, 'naïve 日本 😀 ''"\\\\', UNHEX('00ff0a0d1a5c27'), REPEAT('CREATE DEFINER=`root`@`localhost` x;\\n', 900),
   1.000001, 1e300, b'101', '1000-01-01', '2024-02-29 12:00:00.123456', 'b', '{"a": [1, null]}'),
  (NULL, '', '', '\\nCREATE DEFINER=`root`@`localhost` PROCEDURE `x`\\n', NULL, -0.1, NULL, NULL, NULL, NULL, NULL);
CREATE DEFINER=app@localhost VIEW loud AS SELECT id, loud FROM users;
CREATE DEFINER=app@localhost FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN 2 * n;
DELIMITER //
CREATE DEFINER=app@localhost PROCEDURE more() BEGIN INSERT INTO users (name) VALUES ('more'); SELECT ';'; END//
DELIMITER ;
CREATE DEFINER=app@localhost EVENT sometimes ON SCHEDULE EVERY 1 YEAR DO DELETE FROM users WHERE id < 0;
"""
LATER = """USE shop;
DELETE FROM users; ALTER TABLE teams ADD later INT; UPDATE teams SET name = 'later'; DROP VIEW loud; DROP PROCEDURE more;
CREATE TABLE newer (id INT PRIMARY KEY, user_id BIGINT UNSIGNED, FOREIGN KEY (user_id) REFERENCES users (id));
CREATE VIEW newest AS SELECT 1;
CREATE PROCEDURE new_one() SELECT 1; CREATE EVENT new_event ON SCHEDULE EVERY 1 YEAR DO DELETE FROM newer; CREATE SEQUENCE new_numbers;
"""


def of_mariadb(database: Database) -> list[str]:
    """All that makes the database: what its objects are, the rows, and the code."""
    found = database.ask(
        "CHECKSUM TABLE shop.teams, shop.users, shop.counted EXTENDED; SELECT id, HEX(doc), HEX(raw), loud, len FROM shop.users"
    )
    for name in database.ask("SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY 1"):
        found += database.ask(f"SHOW CREATE TABLE shop.{name}")
    for what in ("ROUTINES", "EVENTS", "TRIGGERS"):
        kind = what[:-1]
        text = {"ROUTINE": "ROUTINE_DEFINITION", "EVENT": "EVENT_DEFINITION", "TRIGGER": "ACTION_STATEMENT"}[kind]
        found += database.ask(f"SELECT {kind}_NAME, DEFINER, {text} FROM information_schema.{what} WHERE {kind}_SCHEMA = 'shop' ORDER BY 1")
    return found


def test_mariadb_is_what_it_was(database: Database, run: Run, tmp_path: Path) -> None:
    database.sql(MARIADB)
    facts: dict[str, object] = {"driver": "mysql", "socket": database.socket, "user": "app", "password": "right", "database": "shop"}
    path, before = tmp_path / "b/db-20260101000000.gz", of_mariadb(database)
    saved = run(backups.SCRIPT, path, facts)
    assert (saved.code, "note:" in saved.out) == (0, False), saved.out
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert whole(path, "mariadb").stdout.split("\n")[:2] == [path.name, str(path.stat().st_size)]
    database.sql(LATER)
    assert of_mariadb(database) != before
    done = run(restoring.SCRIPT, path, facts)
    assert (done.code, done.out) == (0, "")
    assert of_mariadb(database) == before
    assert [file.name for file in path.parent.iterdir()] == [path.name], "no password is left"
    database.sql("CALL shop.more()")
    assert database.ask("SELECT n FROM shop.counted; SELECT NEXTVAL(shop.numbers)") == ["3", "500"]


def test_what_somebody_else_defined_becomes_ours_where_we_may_not_say_otherwise(database: Database, run: Run, tmp_path: Path) -> None:
    theirs = "CREATE DEFINER=root@localhost VIEW theirs AS SELECT 1 AS one;"
    database.sql(MARIADB + theirs + "CREATE DEFINER=root@localhost TRIGGER t BEFORE DELETE ON users FOR EACH ROW SET @gone = 1;")
    rows = database.ask("CHECKSUM TABLE shop.users")
    facts: dict[str, object] = {"driver": "mysql", "socket": database.socket, "user": "app", "password": "right", "database": "shop"}
    path = tmp_path / "b/db-20260101000000.gz"
    assert run(backups.SCRIPT, path, facts).code == 0
    done = run(restoring.SCRIPT, path, facts)
    assert done.code == 0, done.out
    assert "note: 2 views, triggers, routines or events had another definer" in done.out
    definer = "SELECT definer FROM information_schema.views WHERE table_name = 'theirs'"
    assert (database.ask(definer), database.ask("CHECKSUM TABLE shop.users")) == (["app@localhost"], rows), "rows are no code"
    privileged = run(restoring.SCRIPT, path, {**facts, "user": "root", "password": ""})
    assert (privileged.code, database.ask(definer)) == (0, ["root@localhost"]), privileged.out


def test_what_the_server_would_refuse_halfway_is_refused_before(database: Database, run: Run, tmp_path: Path) -> None:
    database.sql(MARIADB)
    facts: dict[str, object] = {"driver": "mysql", "socket": database.socket, "user": "app", "password": "right", "database": "shop"}
    path, before = tmp_path / "b/db-20260101000000.gz", of_mariadb(database)
    assert run(backups.SCRIPT, path, facts).code == 0
    database.sql("SET GLOBAL log_bin_trust_function_creators = 0")
    done = run(restoring.SCRIPT, path, facts)
    database.sql("SET GLOBAL log_bin_trust_function_creators = 1")
    assert (done.code != 0, "this user may not create triggers and functions" in done.out) == (True, True), done.out
    assert of_mariadb(database) == before


def test_a_restore_that_is_refused_halfway_is_a_failure(database: Database, run: Run, tmp_path: Path) -> None:
    database.sql(MARIADB)
    facts: dict[str, object] = {"driver": "mysql", "socket": database.socket, "user": "app", "password": "right", "database": "shop"}
    path = tmp_path / "b/db-20260101000000.gz"
    assert run(backups.SCRIPT, path, facts).code == 0
    text = gzip.decompress(path.read_bytes()).replace(b"CREATE TABLE `users`", b"CREATE NONSENSE `users`")
    path.write_bytes(gzip.compress(text))
    done = run(restoring.SCRIPT, path, facts)
    assert done.code != 0
    assert "ERROR 1064" in done.out
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_sqlite_is_what_it_was_while_others_have_it_open(journal: str, run: Run, tmp_path: Path) -> None:
    need("php")
    file, path = tmp_path / "database.sqlite", tmp_path / "b/db-20260101000000.gz"
    facts: dict[str, object] = {"driver": "sqlite", "database": file}
    with closing(sqlite3.connect(file, isolation_level=None)) as site:
        site.execute(f"pragma journal_mode={journal}")
        site.executescript("""
            create table users (id integer primary key autoincrement, name text, raw blob, loud text as (upper(name)));
            insert into users (name, raw) values ('naïve 😀', x'00ff0a'), (null, null);
            create view v as select loud from users;
                create trigger t after delete on users begin insert into users (name) values ('t'); end;
        """)
        file.chmod(0o664)
        before, node = list(site.iterdump()), file.stat().st_ino
        assert run(backups.SCRIPT, path, facts).code == 0
        assert whole(path, "sqlite").returncode == 0
        site.executescript("drop view v; create table newer (id); insert into newer values (1); update users set name = 'later'")
        done = run(restoring.SCRIPT, path, facts)
        assert (done.code, done.out) == (0, "")
        assert list(site.iterdump()) == before
        assert site.execute("pragma journal_mode").fetchone() == (journal,)
    assert (file.stat().st_ino, oct(file.stat().st_mode & 0o777)) == (node, "0o664")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


POSTGRES = """
CREATE SCHEMA extra; CREATE TABLE extra.t (id int); INSERT INTO extra.t VALUES (1);
CREATE TYPE mood AS ENUM ('sad', 'fine'); CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE teams (id bigserial PRIMARY KEY, name text); COMMENT ON COLUMN teams.name IS 'it''s';
CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, team_id bigint REFERENCES teams, name text UNIQUE, raw bytea,
  more jsonb, feels mood, many positive, tags text[], made timestamptz DEFAULT '2024-01-01',
  loud text GENERATED ALWAYS AS (upper(name)) STORED);
CREATE INDEX ON users (lower(name)); CREATE VIEW v AS SELECT loud FROM users; CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM users;
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';
CREATE FUNCTION counting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.more = '{"by": "trigger"}'; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION counting();
INSERT INTO teams (name) VALUES (E'COMMENT ON EXTENSION pgcrypto;\\n\\\\.\\n'), (NULL);
INSERT INTO users (team_id, name, raw, feels, many, tags) VALUES (1, 'naïve 😀', '\\x00ff0a', 'fine', 3, '{a,"b,c"}');
INSERT INTO users DEFAULT VALUES;
"""
AFTER = """
DROP VIEW v; DROP TRIGGER t ON users; ALTER TABLE users DROP COLUMN feels; DROP TYPE mood; DELETE FROM users; CREATE SCHEMA newest;
CREATE TABLE newer (id int, user_id int REFERENCES users); CREATE TYPE colour AS ENUM ('red'); CREATE VIEW on_top AS SELECT * FROM m;
CREATE FUNCTION once() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SEQUENCE numbers; DROP TABLE extra.t;
"""


def of_postgres(postgres: Postgres) -> list[str]:
    words = ["pg_dump", "--no-password", "-h", str(postgres.folder), "-U", "postgres", "shop"]
    text = subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE, env={"PATH": "/usr/bin:/bin", **postgresql.SUPER}).stdout
    return [line for line in text.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


def test_postgresql_is_what_it_was_or_as_it_is(postgres: Postgres, run: Run, tmp_path: Path) -> None:
    password = "a:b\\c'$"
    postgres.ask("CREATE USER app PASSWORD '" + password.replace("'", "''") + "';\nCREATE DATABASE shop OWNER app;")
    postgres.ask("CREATE EXTENSION pgcrypto; CREATE EXTENSION IF NOT EXISTS citext; COMMENT ON EXTENSION citext IS 'theirs'", "shop")
    postgres.ask(POSTGRES, "shop", PGUSER="app", PGPASSWORD=password)
    facts: dict[str, object] = {
        "driver": "pgsql",
        "host": postgres.folder,
        "port": 5432,
        "user": "app",
        "password": password,
        "database": "shop",
    }
    path, before = tmp_path / "b/db-20260101000000.gz", of_postgres(postgres)
    saved = run(backups.SCRIPT, path, facts)
    assert saved.code == 0, saved.out
    assert whole(path, "pgsql").returncode == 0
    postgres.ask(AFTER, "shop", PGUSER="app", PGPASSWORD=password)
    later = of_postgres(postgres)
    text = gzip.decompress(path.read_bytes())
    broken = path.with_name("db-20260102000000.gz")
    broken.write_bytes(gzip.compress(text.replace(b"CREATE VIEW public.v", b"CREATE NONSENSE public.v")))
    assert run(restoring.SCRIPT, broken, facts).code != 0
    assert of_postgres(postgres) == later, "one transaction"
    done = run(restoring.SCRIPT, path, facts)
    assert done.code == 0, done.out
    assert of_postgres(postgres) == before
    assert not [file for file in path.parent.iterdir() if file.suffix != ".gz"]


def test_what_is_no_whole_backup_is_not_restored(tmp_path: Path) -> None:
    path = tmp_path / "db-20260101000000.gz"
    good = gzip.compress(b"CREATE TABLE t;\n-- Dump completed on 2026-01-01\n")
    path.write_bytes(good)
    assert whole(path, "mysql").returncode == 0
    (tmp_path / "db-20260102000000-before-restore.gz").write_bytes(good)
    assert whole(path, "mysql", "").stdout.startswith(f"{path.name}\n"), "the newest that a deployment made"
    assert "is not a whole backup of a pgsql database" in whole(path, "pgsql").stderr
    path.write_bytes(good[:-9])
    assert "is damaged" in whole(path, "mysql").stderr
    path.write_bytes(gzip.compress(b"CREATE TABLE t;\n"))
    assert "is not a whole backup" in whole(path, "mysql").stderr
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert "there is no backup" in whole(path, "mysql").stderr
