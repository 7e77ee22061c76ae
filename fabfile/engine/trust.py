"""Who is trusted on the way to a server: keys that are known, a private key that is private, a library that is safe."""

from __future__ import annotations

import base64
import hashlib
import os
from contextlib import suppress
from pathlib import Path

import paramiko

from .errors import Failure, SettingsError, Unreachable
from .quoting import words

OLDEST = (3, 4)  # of Paramiko: the first that is safe from CVE-2023-48795, where the server is as well


def check_library(version: str) -> None:
    """Raises Failure for a Paramiko that somebody installed otherwise and that is not safe."""
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise Failure(f"Paramiko {version} is too old to be safe", "pip install --no-deps -r requirements.txt", code=2)


check_library(paramiko.__version__)


def by_hand(key: str, user: str, host: str, port: int) -> str:
    """The line that logs in without us."""
    return words("ssh", *(("-i", Path(key).expanduser()) if key else ()), "-p", port, f"{user}@{host}")


class HostKey(Unreachable):
    """The server's key is not the one we know, or we know none."""


class RefuseUnknown(paramiko.MissingHostKeyPolicy):
    """Fabric accepts any key; this refuses what known_hosts does not hold and says how to get it there."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
        host, _, port = hostname.strip("[").partition("]:")
        scan = f"ssh-keyscan {f'-p {port} ' if port else ''}{host}"
        raise HostKey(
            f"{host}{':' + port if port else ''}: host key unknown: {key.get_name()} SHA256:{digest}",
            f"compare that fingerprint with the server's own, then: {scan} >> ~/.ssh/known_hosts",
        )


def know(client: paramiko.SSHClient, file: str) -> None:
    """Let ``client`` accept the keys of ~/.ssh/known_hosts and of ``file``, and no others. Raises SettingsError."""
    client.load_system_host_keys()
    if file:
        try:
            client.load_system_host_keys(str(Path(file).expanduser()))
        except OSError as error:
            raise SettingsError(f"known_hosts: {error}", f"ssh-keyscan HOST >{file} makes one; compare the fingerprint") from error
    client.set_missing_host_key_policy(RefuseUnknown())


def check_key(file: Path) -> None:
    """Raises SettingsError for a private key that others on this machine can read, as ssh(1) does."""
    with suppress(OSError):  # not there: the log-in says so
        found = file.stat()
        if found.st_uid == os.getuid() and found.st_mode & 0o077:
            raise SettingsError(f"key: {file} can be read by other users of this machine", f"chmod 600 {file}")
