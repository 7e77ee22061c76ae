"""A database password with anything in it opens the database for a backup and a restore, and nobody else sees it."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
from pathlib import Path

import pytest

from fabfile.engine.pipes import BOOT, ProcessPipe
from fabfile.engine.quoting import bind
from fabfile.engine.shell import Shell
from fabfile.server import backups, restoring
from tests.conftest import need
from tests.engine.places import eventually
from tests.support.mariadb import Database

from .audit import readable_by_all, wrap

pytestmark = pytest.mark.system
PASSWORDS = ["plain", "with space ", 'quo"te#x', "ba\\ck\\\\slash", "'single'", "$(touch x)`y`$HOME", "ends=", "=="]
PASSWORDS += ["#hash", "ü-日本", "per%cent\\n", "[client]"]


@pytest.mark.parametrize("password", PASSWORDS, ids=map(str, range(len(PASSWORDS))))  # the environment shows ids
def test_a_backup_with_it(password: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    literal = password.replace("\\", "\\\\").replace("'", "\\'")
    database.sql(
        "DROP DATABASE IF EXISTS notes; CREATE DATABASE notes; CREATE TABLE notes.t (x TEXT); INSERT INTO notes.t VALUES ('kept');"
        f"CREATE OR REPLACE USER app@localhost IDENTIFIED BY '{literal}'; GRANT ALL ON notes.* TO app@localhost;"
    )
    audit = tmp_path / "audit.log"
    monkeypatch.setenv("PATH", f"{wrap(tmp_path / 'bin', audit)}:/usr/local/bin:/usr/bin:/bin")
    shell = Shell("local", lambda command=BOOT: ProcessPipe(command), silence=0)
    facts = {"driver": "mysql", "socket": database.socket, "user": "app", "password": password, "database": "notes"}
    connection = "\n".join(f"{name}={value}" for name, value in facts.items())
    script = f"exec 3<<END-OF-CONNECTION\n$3\nEND-OF-CONNECTION\n{backups.SCRIPT}"
    out = tmp_path / "db.gz"
    shell.work(script, out, "php", connection)
    database.sql("DELETE FROM notes.t; CREATE TABLE notes.later (x INT)")
    shell.work(script.replace(backups.SCRIPT, restoring.SCRIPT), out, "php", connection)
    shell.close()
    assert "('kept')" in gzip.decompress(out.read_bytes()).decode()
    assert database.ask("USE notes; SHOW TABLES; SELECT x FROM t") == ["t", "kept"]
    assert not readable_by_all(out, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"db.gz", "audit.log", "bin"}
    assert "mariadb-dump\n" in audit.read_text()
    assert "mariadb\n" in audit.read_text().replace("mariadb-dump\n", "")
    if password not in ("plain", "=="):  # which may be in any environment
        assert password not in audit.read_text()


def test_a_wrong_password_is_a_failure_and_leaves_nothing(database: Database, tmp_path: Path) -> None:
    database.sql("CREATE DATABASE IF NOT EXISTS notes; CREATE OR REPLACE USER app@localhost IDENTIFIED BY 'right';")
    shell = Shell("local", lambda command=BOOT: ProcessPipe(command), silence=0)
    connection = f"driver=mysql\nsocket={database.socket}\nuser=app\npassword=s3ntinel-wrong\ndatabase=notes"
    script = f"exec 3<<END-OF-CONNECTION\n$3\nEND-OF-CONNECTION\n{backups.SCRIPT}"
    answer = shell.work(script, tmp_path / "db.gz", "php", connection, check=False)
    shell.close()
    assert answer.code != 0
    assert "Access denied" in answer.out
    assert "s3ntinel" not in answer.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_backup_that_is_stopped_leaves_no_password(shell: str, database: Database, tmp_path: Path) -> None:
    need(shell)
    database.sql(
        "CREATE DATABASE IF NOT EXISTS slow; CREATE OR REPLACE TABLE slow.t (x INT);"
        "GRANT ALL ON slow.* TO app@localhost IDENTIFIED BY 'right';"
    )
    client = ["mariadb", "--no-defaults", f"--socket={database.socket}", "-uroot", "slow"]
    connection = f"driver=mysql\nsocket={database.socket}\nuser=app\npassword=right\ndatabase=slow"
    script = f"exec 3<<END-OF-CONNECTION\n$3\nEND-OF-CONNECTION\nset -eu\n{backups.SCRIPT}"
    script = bind(script, tmp_path / "db-2.gz", "php", connection)
    (tmp_path / "db-1.cnf").write_text("password=of-a-backup-that-was-killed")
    with subprocess.Popen(client, stdin=subprocess.PIPE) as locker:
        assert locker.stdin is not None
        locker.stdin.write(b"LOCK TABLES t WRITE; SELECT SLEEP(600);\n")
        locker.stdin.flush()
        with subprocess.Popen([shell], stdin=subprocess.PIPE, start_new_session=True) as backup:
            assert backup.stdin is not None
            backup.stdin.write(script.encode())
            backup.stdin.close()
            assert eventually((tmp_path / "db-2").exists)
            assert [path.name for path in tmp_path.glob("*.cnf")] == ["db-2.cnf"]
            os.killpg(backup.pid, signal.SIGTERM)
            assert backup.wait(20) != 0
        locker.kill()
    assert list(tmp_path.iterdir()) == []
