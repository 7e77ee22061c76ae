"""A sandbox of the tests' own, and plain paramiko to talk to it."""

from __future__ import annotations

import os

import paramiko
import pytest

from fabfile.sandbox import control as embedded


def connect(sandbox, **changes):
    """A client that knows only the sandbox's host key."""
    client = paramiko.SSHClient()
    client.load_host_keys(sandbox.known_hosts)
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    options = {"username": sandbox.user, "key_filename": sandbox.key, "allow_agent": False, "look_for_keys": False} | changes
    client.connect(sandbox.address, sandbox.port, **options)
    return client


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sandbox-state") / "box"


@pytest.fixture(scope="session")
def sandbox(shared_folder):
    """A running sandbox; tests that change its site leave it as they found it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAB_SANDBOX_DIR", str(shared_folder))
        found = embedded.ensure()
    yield found
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAB_SANDBOX_DIR", str(shared_folder))
        embedded.stop()


@pytest.fixture
def client(sandbox):
    made = connect(sandbox)
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for sandboxes that a test starts and ends itself."""
    monkeypatch.setenv("FAB_SANDBOX_DIR", str(tmp_path / "own"))
    yield tmp_path / "own"
    embedded.stop()


@pytest.fixture
def alive():
    """Whether a process exists."""

    def check(pid):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True

    return check
