"""Before anything is sent: where the site's path leads, who may log in, and what a server has or has not."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import lacking, need
from tests.engine import places
from tests.faults.faulty import deploys
from tests.security.test_host_keys import Client, entry, untouched
from tests.support import process
from tests.support.deployment import World
from tests.support.fab import run_fab
from tests.support.site import tree
from tests.support.sshd import Sshd, new_key

pytestmark = pytest.mark.system


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path / "client")


def test_a_path_that_leads_to_the_whole_disk_or_a_home_is_refused(client: Client, make_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    """The settings refuse such a path itself; a link on the server may hide it."""
    server = make_sshd()
    for leads_to in (Path("/"), server.home):
        link = tmp_path / f"site{leads_to.name}"
        link.symlink_to(leads_to)
        before = {path.name for path in leads_to.iterdir()}
        for task in ("setup", "deploy"):
            result = client.fab({"prod": entry(server, path=str(link))}, task, "--host=prod", known=server.known_hosts_line())
            assert result.code == 4, result.text
            assert f"leads to {leads_to}, which" in result.err
        assert {path.name for path in leads_to.iterdir()} == before


def test_another_key_is_refused_at_once(client: Client, make_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    server = make_sshd()
    new_key(tmp_path / "other")
    result = client.fab({"prod": entry(server, key=str(tmp_path / "other"))}, known=server.known_hosts_line())
    assert result.code == 4, result.text
    assert "log-in refused" in result.err
    assert untouched(server)


def test_a_key_with_a_passphrase_asks_nobody_where_nobody_is(client: Client, make_sshd: Callable[..., Sshd]) -> None:
    server = make_sshd()
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "a passphrase", "-f", str(server.key)], check=True, stdout=subprocess.DEVNULL)
    result = client.fab({"prod": entry(server)}, known=server.known_hosts_line())
    assert result.code == 4, result.text
    assert "passphrase" in result.err.lower() or "encrypted" in result.err
    assert untouched(server)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """A socket of an ssh-agent that holds twenty keys, none of them the right one."""
    need("ssh-agent", "ssh-add")
    socket = tmp_path / "agent"
    running = process.spawn([process.program("ssh-agent"), "-D", "-a", str(socket)], tmp_path / "agent.log")
    process.ready(running, socket.exists, tmp_path / "agent.log")
    keys = [tmp_path / f"agent-key{number}" for number in range(20)]
    for key in keys:
        new_key(key)
    subprocess.run(["ssh-add", "-q", *map(str, keys)], check=True, env={**os.environ, "SSH_AUTH_SOCK": str(socket)})
    yield str(socket)
    process.end(running)


def test_an_agent_full_of_keys(agent: str, client: Client, make_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    """A server lets nobody try more than a few keys: the one of the settings is tried first, and a refusal comes soon."""
    server = make_sshd()
    known = server.known_hosts_line()
    env = {"HOME": str(client.folder), "SSH_AUTH_SOCK": agent}
    assert client.fab({"prod": entry(server)}, known=known).code == 0
    assert run_fab(("status", "--host=prod"), client.folder, env, timeout=30).code == 0
    client.fab({"prod": entry(server, key=str(tmp_path / "agent-key0"))}, known=known)
    refused = run_fab(("status", "--host=prod"), client.folder, env, timeout=30)
    assert refused.code == 4, refused.text
    assert "log-in refused" in refused.err
    assert "Traceback" not in refused.text


class Elsewhere(Sshd):
    """A server that sees other files than we do at some paths: ``over`` is path → what it has there."""

    def __init__(self, folder: Path, over: dict[str, str], env: dict[str, str]) -> None:
        self.over = over
        super().__init__(folder, env)

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        started = super()._spawn(port)  # for its configuration
        process.end(started)
        mounts = "".join(f"mount --bind '{there}' '{path}' && " for path, there in self.over.items())
        sshd = f"exec '{process.program('sshd')}' -D -f '{self.folder}/sshd_config' -E '{self.log}'"
        return process.spawn([process.program("unshare"), "-m", "/bin/sh", "-c", f"{mounts}{sshd}"], self.folder / "sshd.out")


def ask(server: Sshd, command: str) -> str:
    """What the server answers to somebody who is not us."""
    words = ["ssh", "-p", str(server.port), "-i", str(server.key), "-o", f"UserKnownHostsFile={server.known_hosts}", "127.0.0.1", command]
    return subprocess.run(words, check=False, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL).stdout


@pytest.mark.root
def test_a_whole_deployment_on_a_bare_machine(sample_worlds: Callable[..., World], sample: Path, tmp_path: Path) -> None:
    """Nothing but busybox and PHP, also as /bin/sh; neither flock nor setsid; the log-in shell is fish, and says something."""
    need("fish", "busybox", "unshare")
    if os.geteuid() != 0:
        lacking("only root can see other files than everybody else")
    applets, passwd = places.busybox(tmp_path / "applets"), tmp_path / "passwd"
    for tool in ("flock", "setsid", "wget", "unzip"):
        (applets / tool).unlink(missing_ok=True)
    passwd.write_text(re.sub("^(root:.*):.*$", rf"\1:{process.program('fish')}", Path("/etc/passwd").read_text(), flags=re.MULTILINE))
    over = {"/etc/passwd": str(passwd), os.path.realpath("/bin/sh"): process.program("busybox")}
    world = sample_worlds(folder="bare")
    world.server.stop()
    bare = Elsewhere(tmp_path / "elsewhere", over, {"PATH": str(applets)}).start()
    try:
        config = bare.home / ".config/fish/config.fish"
        config.parent.mkdir(parents=True)
        config.write_text('echo "Welcome!"\n')
        (world.home / ".ssh/known_hosts").write_text(bare.known_hosts_line())
        world.configure({"hosts": {"prod": {"port": bare.port, "key": str(bare.key)}}})
        said = ask(bare, "echo $FISH_VERSION; exec /bin/sh -c 'command -v git; command -v flock; readlink /proc/$$/exe'")
        assert re.fullmatch(r"Welcome!\n\d[\d.]+\n/\S*busybox\n", said), said
        for _ in range(2):
            deploys(world, "--artifact", str(sample))
            assert world.get("/up").status == 200
        assert world.rollback().code == 0
    finally:
        bare.stop()


def test_nothing_is_sent_to_a_host_of_a_wrong_setting(client: Client, make_sshd: Callable[..., Sshd]) -> None:
    server = make_sshd()
    wrong = ({"keep_release": 3}, {"keep_releases": "many"}, {"path": ""}, {"path": "/"}, {"path": "srv/../.."}, {"path": "/srv/a\nb"})
    for change in wrong:
        result = client.fab({"prod": entry(server, **change)}, "deploy", "--host=prod", known=server.known_hosts_line())
        assert result.code == 2, (change, result.text)
        assert "hosts.prod." + next(iter(change)) in result.err or next(iter(change)) in result.err
    assert untouched(server)
    assert tree(server.home) == {}


def test_a_login_that_ends_itself_says_why(client: Client, make_sshd: Callable[..., Sshd]) -> None:
    server = make_sshd()
    (server.home / ".bashrc").write_text("echo 'closed for the holidays' >&2; exit 1\n")
    result = client.fab({"prod": entry(server)}, known=server.known_hosts_line())
    assert result.code == 4, result.text
    assert "the connection is gone: closed for the holidays" in result.err
