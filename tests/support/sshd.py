"""A real OpenSSH server on loopback, run by the current user, with a home, keys and a log of its own."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from fabric import Config, Connection

from . import process

# What a login may need to reach registries behind a company's proxy or certificate authority.
INHERITED = ("PATH", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "http_proxy", "https_proxy", "no_proxy")


@dataclass
class Sshd:
    """The server and what a client needs for it: ``port``, ``user``, ``key``, ``known_hosts``, and ``home`` to look into.

    ``env`` is added to what each session sees, ``extra`` to sshd_config, ``sftp`` is the program that answers SFTP.
    Call ``start`` first.
    """

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    extra: str = ""
    sftp: str = "internal-sftp"
    port: int = 0
    user: str = field(default_factory=lambda: pwd.getpwuid(os.geteuid()).pw_name)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.home, self.key, self.log = self.folder / "home", self.folder / "user_key", self.folder / "sshd.log"
        self.known_hosts, self._host_key = self.folder / "known_hosts", self.folder / "host_key"
        self.home.mkdir(parents=True)
        self.log.touch()
        new_key(self.key)
        (self.folder / "authorized_keys").write_bytes(self.key.with_suffix(".pub").read_bytes())
        new_key(self._host_key)

    def start(self) -> Sshd:
        """Listen; after the first time on the same port as before."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on it when it is root
        if self.port:
            self._process = self._spawn(self.port)
            if not process.ready(self._process, lambda: process.listening(self.port), self.log):
                raise RuntimeError(f"sshd does not start again:\n{self.log.read_text()[-2000:]}")
        else:
            self.port, self._process = process.on_free_port(self._spawn, self.log)
        self.known_hosts.write_text(self.known_hosts_line())
        return self

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        config = self.folder / "sshd_config"
        config.write_text(self._config(port))
        return process.spawn([process.program("sshd"), "-D", "-f", config, "-E", self.log], self.folder / "sshd.out")

    def _config(self, port: int) -> str:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        env = {**inherited, "HOME": str(self.home), **self.env}
        return f"""\
{self.extra}
ListenAddress 127.0.0.1
Port {port}
HostKey {self._host_key}
AuthorizedKeysFile {self.folder}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
{"" if "UsePAM" in self.extra else "UsePAM no"}
UseDNS no
StrictModes no
PidFile none
PrintMotd no
PrintLastLog no
LogLevel VERBOSE
MaxStartups 100
Subsystem sftp {self.sftp}
SetEnv {" ".join(f'"{name}={value}"' for name, value in env.items())}
"""

    def stop(self) -> None:
        """End the server, its connections and what runs in them."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """The same without any chance to say goodbye."""
        self._end(signal.SIGKILL)

    def _end(self, how: int) -> None:
        if self._process is None:
            return
        inside = process.children(self._process.pid)
        process.end(self._process, how)
        process.signal_all(inside, how)
        self._process = None

    def cut(self) -> None:
        """Tear every connection; the server stays, and so do the commands that ran in them."""
        if self._process is not None:
            process.signal_all([pid for pid in process.children(self._process.pid) if is_sshd(pid)], signal.SIGKILL)

    def new_host_key(self) -> None:
        """Change the host key as a reinstalled or false server would; ``known_hosts`` keeps the old one."""
        old = self.known_hosts.read_text()
        self.stop()
        new_key(self._host_key)
        self.start()
        self.known_hosts.write_text(old)

    def known_hosts_line(self) -> str:
        """Return the line of a known_hosts file for the present host key."""
        kind, value = self._host_key.with_suffix(".pub").read_text().split()[:2]
        return f"[127.0.0.1]:{self.port} {kind} {value}\n"

    def connections(self) -> int:
        """Return how many connections logged in so far."""
        return self.log.read_text(errors="replace").count("Accepted publickey")

    def sessions(self) -> int:
        """Return how many channels (commands, shells, sftp) were opened so far."""
        return self.log.read_text(errors="replace").count("Starting session:")

    def connect(self) -> Connection:
        """Return a Fabric connection that knows nothing of the developer's own SSH settings."""
        config = Config(overrides={"run": {"in_stream": False}, "load_ssh_configs": False})
        secret = {"key_filename": str(self.key), "allow_agent": False, "look_for_keys": False}
        return Connection("127.0.0.1", user=self.user, port=self.port, config=config, connect_kwargs=secret)


def new_key(path: Path) -> None:
    """Write a fresh key pair, in place of an older one."""
    for old in (path, path.with_suffix(".pub")):
        old.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path], check=True)


def is_sshd(pid: int) -> bool:
    """Return whether a process is sshd itself and not a command it runs."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("sshd")
    except OSError:
        return False
