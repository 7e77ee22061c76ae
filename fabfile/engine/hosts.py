"""Connections to the hosts of deploy.toml: known keys only, one each, with a conversation over it."""

from __future__ import annotations

import logging
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
from fabric import Config, Connection

from . import console, options, schema, squeeze
from .errors import Failure, Unreachable
from .foresight import look_again
from .layout import Site
from .pipes import BOOT, ChannelPipe
from .shell import Shell
from .trust import HostKey, by_hand, check_key, know

KEEPALIVE = 15  # seconds
PAUSES = (0.5, 1.0, 2.0)  # seconds before another attempt to log in

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # what it has to say is raised as well


def hops(c: Connection) -> Iterator[Connection]:
    """``c`` and the plain connections that Fabric made of ssh_config's ProxyJump; a Host has seen to its own."""
    yield c
    while isinstance(c := c.gateway, Connection) and not isinstance(c, Host):
        yield c


class Host(Connection):  # type: ignore[misc]
    """A server of deploy.toml: Fabric's connection plus its settings, its paths and its ``shell``.

    ``before`` is the release that served when this run asked the site, before it switched, and the status it answered;
    ``running_on`` are commands that ran an earlier release's code when this run told them to end.
    ``told`` is the release that PHP itself told that it runs, when it was asked last; ``clock`` what time it was there, and here then.
    ``commands`` are a release and what its artisan said that it can do; ``builds``: this run makes what it deploys, from this code.
    """

    name: str
    settings: schema.Host
    site: Site
    others: list[Host]
    shell: Shell
    lost: Failure | None = None
    purpose: dict[str, str]  # what the lock's record says of this run: the chain, the commit
    before: tuple[str, int] = ("", 0)
    told: str = ""
    clock: tuple[str, float] = ("", 0.0)
    running_on: tuple[str, ...] = ()
    commands: tuple[str, str] = ("", "")
    builds: bool = False

    def __init__(self, name: str, entry: schema.Host, config: Config, gateway: Any = None) -> None:
        known: dict[str, Any] = {"banner_timeout": 15, "auth_timeout": 15, "channel_timeout": 60}
        known |= {"compress": True, "transport_factory": squeeze.Transport}
        if entry.key:
            check_key(key := Path(entry.key).expanduser())
            known["key_filename"] = str(key)
        super().__init__(
            entry.address,
            user=entry.user or None,
            port=entry.port or None,
            config=config,
            gateway=gateway,
            connect_timeout=entry.connect_timeout,
            connect_kwargs=known,
        )
        for hop in hops(self):
            know(hop.client, entry.known_hosts)
        # A plain assignment would go into the configuration (invoke.config.DataProxy), which all connections share.
        self._set(name=name, settings=entry, site=Site(entry.path), purpose={}, others=[])
        self._set(shell=self.conversation())

    @property
    def run_id(self) -> str:
        """The run whose lock this connection holds; empty once the conversation has ended, however that happened."""
        return self.shell.run

    @property
    def php(self) -> list[str]:
        """The host's PHP as the words of a command."""
        return shlex.split(self.settings.php) or ["php"]

    def open(self) -> None:
        """Connect; raises Unreachable with the reason and what to do about it."""
        if self.is_connected:
            return
        if self.lost:  # one attempt is enough: what has to be done at the end must not wait for it again and again
            raise self.lost
        where = f"{self.name}: {self.user}@{self.host}:{self.port}"
        try:
            self._log_in(where)
        except Failure as error:
            self.lost = error
            raise
        except (paramiko.SSHException, OSError, EOFError, ValueError) as error:
            self.lost = self._refusal(where, error)
            raise self.lost from error
        self.transport.set_keepalive(KEEPALIVE)

    def _refusal(self, where: str, error: Exception) -> Failure:
        """Why there is no connection, and what to do about it."""
        if isinstance(error, paramiko.BadHostKeyException):
            hint = f"if that is as it should be: ssh-keygen -R '[{self.host}]:{self.port}', then add the new key"
            return HostKey(f"{where}: the host key has CHANGED: {error}", hint)
        if self._silent(error):
            return self._no_connection(where, TimeoutError("timed out: the server does not answer"))
        if isinstance(error, paramiko.AuthenticationException):
            return Unreachable(f"{where}: log-in refused: {error}", self._try())
        if "No existing session" in str(error):  # what is left of a server that hung up during the log-in
            text = f"{where}: log-in refused: the server ended it, as after too many keys"
            return Unreachable(text, f"set hosts.{self.name}.key: it is tried before those of an agent")
        return self._no_connection(where, error)

    def _try(self) -> str:
        return f"does {by_hand(self.settings.key, self.user, self.host, self.port)} work?"

    def _silent(self, error: Exception) -> bool:
        """Whether the server just said nothing more; Paramiko goes on to the log-in without a session, and complains about that."""
        transport = self.client.get_transport()
        waits = transport is not None and transport.is_active() and not transport.initial_kex_done
        return waits or "Authentication timeout" in str(error)

    def _log_in(self, where: str) -> None:
        """Connect, again where the server hangs up at once: sshd does so to newcomers while many others log in (MaxStartups)."""
        for pause in PAUSES:
            start = time.monotonic()
            try:
                return super().open()  # type: ignore[no-any-return]
            except (EOFError, ConnectionResetError, paramiko.SSHException) as error:
                hung_up = not isinstance(error, paramiko.SSHException) or "protocol banner" in str(error)
                if not hung_up or time.monotonic() - start > pause + 1:
                    raise
                console.say(f"   … {where} hung up, trying again", console.YELLOW)
            time.sleep(pause)
        return super().open()  # type: ignore[no-any-return]

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Fabric's ``run``; before it all that was collected is done, after it nothing is taken for known of the server."""
        self.step_aside()
        return super().run(*args, **kwargs)

    def sudo(self, *args: Any, **kwargs: Any) -> Any:
        """Fabric's ``sudo``, as ``run``."""
        self.step_aside()
        return super().sudo(*args, **kwargs)

    def put(self, *args: Any, **kwargs: Any) -> Any:
        """Fabric's ``put``, as ``run``."""
        self.step_aside()
        return super().put(*args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        """Fabric's ``get``, as ``run``."""
        self.step_aside()
        return super().get(*args, **kwargs)

    def step_aside(self) -> None:
        """Somebody is about to act past our conversation, or has done so: what was collected is done, and nothing known any more."""
        self.shell.make_way()
        self.shell.known = None
        look_again()

    def _no_connection(self, where: str, error: Exception) -> Unreachable:
        return Unreachable(f"{where}: cannot connect: {str(error).removeprefix('[Errno None] ')}", self._try())

    def conversation(self) -> Shell:
        """A further conversation over this connection, with a lock and a time of its own."""
        entry = self.settings
        return Shell(self.name, self._pipe, entry.command_timeout, dry=options.current.dry_run, silence=entry.deadline)

    def _pipe(self, command: str = BOOT) -> ChannelPipe:
        self.open()
        try:
            return self._channel(command)
        except (paramiko.SSHException, EOFError, OSError) as error:
            hint = f"fab status --host={self.name} shows what the server did last"
            raise Unreachable(f"{self.name}: no further channel on this connection: {error}", hint) from error

    def _channel(self, command: str) -> ChannelPipe:
        """Where the server allows one session only on a connection (MaxSessions), the next one has a connection of its own."""
        try:
            return ChannelPipe(self.transport, command)
        except paramiko.ChannelException:
            other = Host(self.name, self.settings, self.config, self.gateway)
            self.others.append(other)
            other.open()
            return ChannelPipe(other.transport, command)

    def close(self) -> None:
        """End the connection, and what had to be opened beside it."""
        for other in self.others:
            other.close()
        super().close()
