"""Commands of the team's run by themselves: with what the session has and five names, in a group of their own, without the lock,
without the agent of whoever deploys; and a run that is told to stop leaves nothing lying about."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fabfile.engine.hosts import KEEPALIVE
from tests.conftest import need
from tests.engine import places
from tests.engine.places import eventually
from tests.support.deployment import World
from tests.support.fab import Result
from tests.support.git import AUTHOR
from tests.support.site import leftovers, lock_is_free
from tests.support.sshd import Sshd

TOLD = {"RELEASE", "PREVIOUS", "COMMIT", "HOST", "PHASE"}
# What every shell sets, and what sshd says of a session.
SHELLS = {"PWD", "OLDPWD", "SHLVL", "_", "LOGNAME", "USER", "SHELL", "MAIL", "SSH_CLIENT", "SSH_CONNECTION", "MOTD_SHOWN", "LANG"}
SHOW = "env | sed 's/^/env /'; echo group $(ps -o pgid= -p $$) $(ps -o pgid= -p $PPID); ls -l /proc/self/fd | sed 's/^/fd /'; umask"


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An agent that holds a key, and an ssh_config that would forward it."""
    need("ssh-agent")
    said = subprocess.run(["ssh-agent", "-s"], check=True, text=True, stdout=subprocess.PIPE).stdout
    found = dict(re.findall(r"(SSH_\w+)=([^;]+);", said))
    yield {"SSH_AUTH_SOCK": found["SSH_AUTH_SOCK"]}
    os.kill(int(found["SSH_AGENT_PID"]), signal.SIGTERM)


@pytest.fixture(scope="module")
def world(sample_worlds: Callable[..., World], sample: Path, agent: dict[str, str]) -> World:
    world = sample_worlds()
    world.configure({"hosts": {"prod": {"env_file": ".env.prod"}}})
    (world.clone / ".env.prod").write_bytes(world.env_file.read_bytes())
    subprocess.run(["ssh-add", "-q", world.server.key], check=True, env={**os.environ, **agent})
    (world.home / ".ssh/config").write_text("Host *\n  ForwardAgent yes\n")
    (world.clone / ".env.deploy").write_text("DEPLOY_TOKEN=of-the-one-who-deploys\n")
    assert world.deploy("--artifact", str(sample)).code == 0
    return world


@pytest.fixture(scope="module")
def told(world: World, sample: Path, agent: dict[str, str]) -> Result:
    shown = ("deploy", "--host=prod", "--verbose", "--artifact", str(sample), "--set", f"hooks.mid_release={json.dumps([SHOW])}")
    result = world.fab(*shown, **agent, MY_OWN_TOKEN="of this machine")
    assert result.code == 0, result.text
    return result


def lines(result: Result, kind: str) -> list[str]:
    return [line.partition(f"│ {kind} ")[2] for line in result.out.splitlines() if f"│ {kind} " in line]


def test_a_hook_sees_its_session_and_what_it_is_told(told: Result, world: World) -> None:
    names = {line.partition("=")[0] for line in lines(told, "env")}
    given = set(world.server._config(0).replace('"', "").partition("SetEnv ")[2].replace("=", " ").split())
    assert names >= TOLD
    assert names - TOLD - SHELLS - given - set(os.environ) == set()
    assert {"MY_OWN_TOKEN", "DEPLOY_TOKEN"} & names == set()
    assert "of-the-one-who-deploys" not in told.text


def test_the_agent_of_whoever_deploys_stays_there(told: Result, world: World) -> None:
    """Whatever ssh_config says: a server that can use it could log in wherever that person can."""
    assert [line for line in lines(told, "env") if "SSH_AUTH_SOCK" in line] == []
    assert "agent" not in world.server.log.read_text().lower().replace("user-agent", "")


def test_a_hook_is_a_group_of_its_own_and_has_no_lock(told: Result) -> None:
    own, parents = lines(told, "group")[0].split()
    assert own != parents
    assert [line for line in lines(told, "fd") if ".deploy/lock" in line] == []
    assert "   │ 0022" in told.out.splitlines()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_stop_leaves_nothing_lying_about(how: signal.Signals, world: World, tmp_path: Path) -> None:
    temporary, before = tmp_path / "tmp", world.current()
    temporary.mkdir()
    slow = f"hooks.mid_release={json.dumps(['touch ../../slow; sleep 60'])}"
    words = ("deploy", "--host=prod", "--set", slow, "--set", f"build.path={tmp_path / 'build'}")
    process = world.start_fab(*words, TMPDIR=str(temporary), XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert eventually((world.site / "slow").exists, 60)
    (world.site / "slow").unlink()
    process.send_signal(how)
    said = process.communicate(timeout=60)
    assert process.returncode == 4, said
    assert "interrupted" in said[1]
    assert list(temporary.iterdir()) == []
    assert leftovers(world.site) == []
    assert lock_is_free(world.site)
    assert world.current() == before
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files if path.suffix == ".gz"} == {0}
    assert [path for path in files if b"APP_KEY=base64" in path.read_bytes()] == []


def test_a_key_that_others_can_read_is_refused(world: World) -> None:
    world.server.key.chmod(0o640)
    try:
        result = world.fab("status", "--host=prod")
    finally:
        world.server.key.chmod(0o600)
    assert result.code == 2
    assert f"chmod 600 {world.server.key}" in result.err


def test_the_key_of_whoever_deploys_stays_there_too(told: Result, world: World) -> None:
    secret = world.server.key.read_bytes().splitlines()[2]
    places = [path for folder in (world.site, world.server.home, world.clone) for path in folder.rglob("*") if path.is_file()]
    assert [path for path in places if secret in path.read_bytes()] == []


CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
NAME = "\x1b[2J\x1b]0;title\x07me\nStatus: SUCCESS\x9b31m\r\x85"


def test_nobody_writes_lines_of_his_own_into_the_log(world: World, sample: Path) -> None:
    """Neither by a name nor by what a command says; and what others wrote does not steer the terminal that shows it."""
    hook = json.dumps(["printf '\\033[2Jx\\nStatus: SUCCESS\\n' >&2; exit 1"])
    words = ("deploy", "--host=prod", "--verbose", "--artifact", str(sample), "--set", f"hooks.mid_release={hook}")
    failed = world.fab(*words, GITHUB_ACTOR=NAME)
    assert failed.code == 4
    assert world.fab("lock", "--host=prod", f"--message={NAME}", GITHUB_ACTOR=NAME).code == 0
    shown = [failed, world.fab("status", "--host=prod"), world.fab("releases", "--host=prod"), world.deploy()]
    assert world.fab("unlock", "--host=prod").code == 0
    assert [found for result in shown for found in CONTROL.findall(result.text)] == []
    log = (world.site / "deployment.log").read_text()
    assert CONTROL.findall(log) == []
    assert log.rpartition("=" * 37 + "\nDeployment")[2].count("\nStatus: ") == 1
    rows = (world.site / ".deploy/journal.jsonl").read_bytes().splitlines()
    assert [row for row in rows if CONTROL.search(row.decode())] == []
    assert [type(json.loads(row)["seq"]) for row in rows] == [int] * len(rows)


def test_hooks_of_the_branch_that_is_deployed_do_not_run(world: World, tmp_path: Path) -> None:
    """The settings are those of the folder where `fab` was typed: deploying a branch to look at it runs none of its commands."""
    origin, settings = world.origin, (world.clone / "deploy.toml").read_text()
    canary = tmp_path / "sang"
    origin.run("checkout", "-q", "-b", "theirs")
    (world.clone / "deploy.toml").write_text(f'{settings}\n[hooks]\nbefore_build = ["touch {canary}"]\nmid_release = ["touch {canary}"]\n')
    origin.run(*AUTHOR, "commit", "-q", "-a", "-m", "theirs")
    origin.run("push", "-q", "origin", "theirs")
    origin.run("checkout", "-q", "main")
    result = world.deploy("--branch=theirs", "--force")
    assert result.code == 0, result.text
    assert not canary.exists()
    assert world.fab("status", "--host=prod").out.count("(theirs)") == 1


def test_every_connection_has_its_limits(make_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    c = places.host(make_sshd(), tmp_path / "site", connect_timeout=7)
    try:
        assert c.shell.ask("echo here").out == "here\n"
        assert (c.connect_timeout, c.transport.banner_timeout, c.transport.auth_timeout, c.transport.channel_timeout) == (7, 15, 15, 60)
        assert c.transport.packetizer._Packetizer__keepalive_interval == KEEPALIVE
    finally:
        c.shell.close()
        c.close()


def test_a_site_that_shows_its_errors_is_told(world: World) -> None:
    before = world.env_file.read_text()
    world.env_file.write_text(before.replace("APP_ENV=production", "APP_ENV=local") + "APP_DEBUG=true\n")
    try:
        result = world.fab("server.env", "--host=prod")
    finally:
        world.env_file.write_text(before)
    assert "APP_DEBUG: is on: every error page shows secrets to visitors" in result.out
    assert "APP_ENV: is not production" in result.out
