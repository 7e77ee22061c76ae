"""Who is at the other end: only servers whose keys are known are spoken to."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import toml
from tests.support.deployment import host, ssh_alias
from tests.support.fab import Result, run_fab
from tests.support.process import free_port
from tests.support.sshd import Sshd, new_key

LIMIT = 15  # seconds in which a refusal has to come


class Client:
    """A person with a home, whose deploy.toml knows one server."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ssh = folder, folder / ".ssh"
        self.ssh.mkdir(parents=True)

    def fab(self, hosts: dict[str, Any], *args: str, known: str = "", config: str = "") -> Result:
        (self.ssh / "known_hosts").write_text(known)
        (self.ssh / "config").write_text(config)
        (self.folder / "deploy.toml").write_text(toml.dumps({"hosts": hosts}))
        return run_fab(args or ("status", "--host=prod"), self.folder, {"HOME": str(self.folder)}, timeout=LIMIT)


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path / "client")


def entry(server: Sshd, **more: Any) -> dict[str, Any]:
    return {**host(server), "path": str(server.home / "site"), **more}


def fingerprint(server: Sshd) -> str:
    listed = subprocess.run(["ssh-keygen", "-lf", server.folder / "host_key.pub"], check=True, text=True, stdout=subprocess.PIPE)
    return listed.stdout.split()[1]


def untouched(server: Sshd) -> bool:
    """Whether nobody logged in and nothing ran."""
    return (server.connections(), server.sessions()) == (0, 0)


def test_an_unknown_key_is_refused_before_anything_is_said(client: Client, make_sshd: Callable[..., Sshd]) -> None:
    server = make_sshd()
    result = client.fab({"prod": entry(server)})
    assert result.code == 4
    for part in (f"127.0.0.1:{server.port}", fingerprint(server), f"ssh-keyscan -p {server.port} 127.0.0.1 >> ~/.ssh/known_hosts"):
        assert part in result.err
    assert "Traceback" not in result.text
    assert untouched(server)


def test_the_advice_helps(client: Client, make_sshd: Callable[..., Sshd]) -> None:
    server = make_sshd()
    scanned = subprocess.run(["ssh-keyscan", "-p", str(server.port), "127.0.0.1"], check=True, text=True, capture_output=True).stdout
    assert client.fab({"prod": entry(server)}, known=scanned).code == 0
    assert server.sessions() > 0


def test_a_changed_key_is_refused(client: Client, make_sshd: Callable[..., Sshd]) -> None:
    server = make_sshd()
    before = server.known_hosts_line()
    server.new_host_key()
    result = client.fab({"prod": entry(server)}, known=before)
    assert result.code == 4
    assert "the host key has CHANGED" in result.err
    assert f"ssh-keygen -R '[127.0.0.1]:{server.port}'" in result.err
    assert "Traceback" not in result.text
    assert untouched(server)


def test_the_key_of_another_port_is_not_this_ones(client: Client, make_sshd: Callable[..., Sshd]) -> None:
    first, second = make_sshd(), make_sshd()
    assert client.fab({"prod": entry(second)}, known=first.known_hosts_line()).code == 4
    assert untouched(second)


def test_the_hosts_own_file_of_known_keys_is_enough(client: Client, make_sshd: Callable[..., Sshd]) -> None:
    server = make_sshd()
    assert client.fab({"prod": entry(server, known_hosts=str(server.known_hosts))}).code == 0


@pytest.mark.parametrize("key", ["~/nosuch", "~nobody-of-that-name/key"])
def test_a_private_key_that_is_not_there_is_a_wrong_setting(key: str, client: Client, make_sshd: Callable[..., Sshd]) -> None:
    server = make_sshd()
    result = client.fab({"prod": entry(server, key=key)}, known=server.known_hosts_line())
    file = key.replace("~/", f"{client.folder}/")
    assert (result.code, untouched(server)) == (2, True)
    line = 1 + (client.folder / "deploy.toml").read_text().splitlines().index(f'key = "{key}"')
    assert result.err.startswith(f"deploy.toml:{line}: hosts.prod.key: there is no file {file}\n")


def test_what_to_try_by_hand_is_what_was_tried(client: Client, tmp_path: Path) -> None:
    new_key(key := tmp_path / "a key")
    port = free_port()
    result = client.fab({"prod": {"address": "u@127.0.0.1", "port": port, "key": str(key), "path": "/srv/x"}})
    assert (result.code, "Errno None" in result.err) == (4, False)
    assert f"does ssh -i '{key}' -p {port} u@127.0.0.1 work?" in result.err


def test_a_file_of_known_keys_that_is_not_there_is_a_wrong_setting(client: Client, make_sshd: Callable[..., Sshd]) -> None:
    server = make_sshd()
    result = client.fab({"prod": entry(server, known_hosts="/nowhere/known_hosts")}, known=server.known_hosts_line())
    assert result.code == 2
    assert "/nowhere/known_hosts" in result.err
    assert "Traceback" not in result.text


# Three ways to say through which machine: each is a chain of connections, and each of them has a key.


def by_name(target: Sshd, gate: Sshd) -> tuple[dict[str, Any], str]:
    return {"prod": entry(target, gateway="gate"), "gate": host(gate)}, ""


def by_address(target: Sshd, gate: Sshd) -> tuple[dict[str, Any], str]:
    return {"prod": entry(target, gateway=f"{gate.user}@127.0.0.1:{gate.port}")}, ""


def by_ssh_config(target: Sshd, gate: Sshd) -> tuple[dict[str, Any], str]:
    keys = f"Host *\n  IdentityFile {target.key}\n"
    jump = f"  ProxyJump {gate.user}@127.0.0.1:{gate.port}\n"
    alias = ssh_alias("behind", target).replace("127.0.0.1", "localhost")  # Fabric takes a hop at the same address for the target
    return {"prod": {"address": "behind", "path": str(target.home / "site")}}, alias + jump + keys


GATES = [by_name, by_address, by_ssh_config]
ids = [gate.__name__ for gate in GATES]


def known(*servers: Sshd) -> str:
    """Lines for these servers, whichever of its names is used."""
    lines = "".join(server.known_hosts_line() for server in servers)
    return lines + lines.replace("127.0.0.1", "localhost")


@pytest.fixture
def pair(make_sshd: Callable[..., Sshd]) -> tuple[Sshd, Sshd]:
    """A target and a gateway that lets the target's user in."""
    target, gate = make_sshd(), make_sshd()
    with (gate.folder / "authorized_keys").open("ab") as keys:
        keys.write(target.key.with_suffix(".pub").read_bytes())
    return target, gate


@pytest.mark.parametrize("way", GATES, ids=ids)
def test_through_a_gateway(way: Callable[..., Any], client: Client, pair: tuple[Sshd, Sshd]) -> None:
    target, gate = pair
    hosts, config = way(target, gate)
    result = client.fab(hosts, known=known(target, gate), config=config)
    assert result.code == 0, result.text
    assert gate.connections() == 1
    assert target.sessions() > 0


@pytest.mark.parametrize("way", GATES, ids=ids)
def test_an_unknown_gateway_is_refused(way: Callable[..., Any], client: Client, pair: tuple[Sshd, Sshd]) -> None:
    target, gate = pair
    hosts, config = way(target, gate)
    result = client.fab(hosts, known=known(target), config=config)
    assert result.code == 4
    assert f"127.0.0.1:{gate.port}: host key unknown" in result.err
    assert untouched(gate)
    assert untouched(target)


@pytest.mark.parametrize("way", GATES, ids=ids)
def test_a_known_gateway_does_not_vouch_for_the_target(way: Callable[..., Any], client: Client, pair: tuple[Sshd, Sshd]) -> None:
    target, gate = pair
    hosts, config = way(target, gate)
    result = client.fab(hosts, known=known(gate), config=config)
    assert result.code == 4
    assert f":{target.port}: host key unknown" in result.err
    assert untouched(target)


def test_gateways_in_a_circle(client: Client, pair: tuple[Sshd, Sshd]) -> None:
    target, gate = pair
    hosts = {"prod": entry(target, gateway="gate"), "gate": {**host(gate), "gateway": "prod"}}
    result = client.fab(hosts)
    assert result.code == 2
    assert "in a circle: prod → gate → prod" in result.err


def test_a_login_that_is_refused(client: Client, make_sshd: Callable[..., Sshd]) -> None:
    server = make_sshd()
    new_key(key := client.folder / "other_key")
    result = client.fab({"prod": entry(server, key=str(key))}, known=server.known_hosts_line())
    assert result.code == 4
    assert "log-in refused" in result.err
    assert f"ssh -i {key} -p {server.port} {server.user}@127.0.0.1" in result.err
    assert "Traceback" not in result.text


def test_no_way_in(client: Client, make_sshd: Callable[..., Sshd]) -> None:
    server = make_sshd()
    result = client.fab({"prod": entry(server, port=free_port())}, known=server.known_hosts_line())
    assert result.code == 4
    assert "Traceback" not in result.text
    assert "127.0.0.1" in result.err


def test_a_name_that_nobody_knows(client: Client) -> None:
    result = client.fab({"prod": {"address": "nobody.invalid", "path": "/srv/site"}})
    assert result.code == 4
    assert "nobody.invalid" in result.err
    assert "Traceback" not in result.text
