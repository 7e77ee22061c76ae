"""Starting, finding again, recovering and stopping; and the folder it all lives in."""

from __future__ import annotations

import importlib.metadata
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fabfile.engine.errors import Failure
from fabfile.sandbox import control as embedded
from fabfile.sandbox import interpreter
from fabfile.sandbox.state import MARKER, places
from tests.support.fab import run_fab

from .conftest import connect
from .test_sessions import eventually


def web_processes(root):
    """Every process that has the sandbox's router in its arguments."""
    listing = subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if str(root / "router.php") in line]


def test_started_once_and_found_again(folder, alive):
    first = embedded.ensure()
    assert alive(first.pid)
    assert len(web_processes(folder)) > 4
    assert embedded.ensure() == embedded.status() == first
    assert embedded.stop()
    assert not embedded.stop()
    assert embedded.status() is None
    assert eventually(lambda: not alive(first.pid))
    assert eventually(lambda: not web_processes(folder))


def test_each_project_has_one_of_its_own(tmp_path):
    told = {}
    projects = [tmp_path / name / "app" for name in ("shop", "blog")]
    env = {"TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    for project in projects:
        (project / "app").mkdir(parents=True)
        (project / "deploy.toml").write_text('[project]\nname = "app"\n')
        result = run_fab(["sandbox.start"], project, env)
        assert result.code == 0, result.text
        told[project] = dict(line.split(maxsplit=1) for line in result.out.splitlines()[1:])
    shop, blog = told.values()
    try:
        assert {shop["site"], shop["path"]} & {blog["site"], blog["path"]} == set()
        again = run_fab(["sandbox.status"], projects[0] / "app", env)
        assert shop["site"] in again.out, "it is the same anywhere in a project"
    finally:
        stopped = [run_fab(["sandbox.stop"], project, env).out for project in projects]
    assert stopped == ["stopped\n"] * 2


@pytest.mark.parametrize("task", ["start", "stop", "reset"])
def test_a_dry_run_changes_nothing_of_it(task, folder, tmp_path):
    site = places().create().site
    (site / "kept").touch()
    result = run_fab([f"sandbox.{task}", "--dry-run"], tmp_path, {"FAB_SANDBOX_DIR": str(folder)})
    assert (result.code, result.out) == (0, "dry run: nothing was changed\n")
    assert (site / "kept").exists()
    assert embedded.status() is None


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP])
def test_a_dead_or_hung_one_is_replaced(folder, alive, sent):
    first = embedded.ensure()
    (Path(first.path) / "kept").touch()
    os.kill(first.pid, sent)
    second = embedded.ensure()
    assert second.pid != first.pid
    assert eventually(lambda: not alive(first.pid))
    assert second.key == first.key
    assert (Path(second.path) / "kept").exists()
    connect(second).close()
    embedded.stop()
    assert eventually(lambda: not web_processes(folder))


def test_a_stranger_with_its_pid_is_left_alone(folder):
    first = embedded.ensure()
    embedded.stop()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        state = places().state
        state.write_text(state.read_text().replace(str(first.pid), str(stranger.pid)))
        assert embedded.status() is None
        assert not embedded.stop()
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "null"])
def test_a_damaged_state_means_not_running(folder, text):
    places().create().state.write_text(text)
    assert embedded.status() is None
    assert not embedded.stop()


def test_it_ends_when_its_web_server_does(folder, alive):
    found = embedded.ensure()
    listing = subprocess.run(["ps", "-wweo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    php = next(line.split()[0] for line in listing.splitlines() if str(folder / "router.php") in line and "guard.sh" not in line)
    os.kill(int(php), signal.SIGKILL)
    assert eventually(lambda: not alive(found.pid))
    assert eventually(lambda: not web_processes(folder))


def test_it_ends_when_idle_but_not_while_somebody_is_connected(folder, alive, monkeypatch):
    monkeypatch.setenv("FAB_SANDBOX_IDLE_HOURS", str(1.5 / 3600))
    found = embedded.ensure()
    with connect(found) as client:
        assert client.exec_command("sleep 4; echo here")[1].read() == b"here\n"
        assert alive(found.pid)
    assert eventually(lambda: not alive(found.pid))


def test_two_that_start_it_at_once_get_the_same(folder):
    program = "from fabfile.sandbox import ensure; print(ensure().pid)"
    both = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = {process.communicate()[0] for process in both}
    assert len(answers) == 1
    assert answers.pop().strip().isdigit()


def test_the_client_side_does_not_load_asyncssh(sandbox):
    program = "import sys; from fabfile.sandbox import control, tasks; sys.exit('asyncssh' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_folder_that_others_can_read_is_refused(folder):
    folder.mkdir(mode=0o755)
    with pytest.raises(Failure, match="not a private folder"):
        embedded.ensure()


def test_a_link_is_refused(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Failure, match="not a private folder"):
        embedded.ensure()


def test_reset_deletes_what_is_in_the_site_and_nothing_behind_links(folder, tmp_path):
    site = places().create().site
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    (site / "current").symlink_to(outside)
    (site / "releases" / "1").mkdir(parents=True)
    (site / "releases" / "1" / "link").symlink_to(outside)
    embedded.reset()
    assert [entry.name for entry in site.iterdir()] == [MARKER]
    assert (outside / "precious").exists()


def test_reset_refuses_a_folder_without_its_marker(folder):
    site = places().create().site
    (site / MARKER).unlink()
    (site / "precious").touch()
    with pytest.raises(Failure, match="nothing was deleted"):
        embedded.reset()
    assert (site / "precious").exists()


def test_without_any_php_it_says_what_to_install(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(interpreter, "PACKAGE", "a-package-nobody-has")
    with pytest.raises(Failure, match="pip install"):
        interpreter.provide(places().create().bin)


@pytest.mark.parametrize("answer", ["echo 70400", "echo '<b>hm</b>'", "exit 1"])
def test_a_php_that_is_too_old_or_broken_is_not_taken(folder, tmp_path, monkeypatch, answer):
    (tmp_path / "php").write_text(f"#!/bin/sh\n{answer}\n")
    (tmp_path / "php").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(interpreter, "PACKAGE", "a-package-nobody-has")
    with pytest.raises(Failure, match="needs PHP"):
        interpreter.provide(places().create().bin)


def test_the_static_php_serves_where_there_is_no_other(folder, tmp_path, monkeypatch):
    try:
        importlib.metadata.version(interpreter.PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{interpreter.PACKAGE} is not installed")
    for name in ("sh", "ps"):
        (tmp_path / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = embedded.ensure()
    assert not Path(found.php).is_symlink()
    with connect(found) as client:
        assert client.exec_command("command -v php; php -r 'echo 6 * 7;'")[1].read().decode().split() == [found.php, "42"]
