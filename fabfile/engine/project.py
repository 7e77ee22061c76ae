"""This run's settings, loaded once, and the connections they lead to."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path

from invoke.context import Context

from . import addresses, lock, masks, options, redact, schema, settings, tomlfile
from .errors import SettingsError
from .hosts import Host
from .pipes import BOOT, ProcessPipe
from .shell import Shell

EXAMPLES = ("example.com", "example.net", "example.org")  # RFC 2606: nobody's
_hosts: dict[str, Host] = {}
_local: dict[str, Shell] = {}
building = ""  # where the build runs, once that is decided: place and path


@cache
def loaded() -> settings.Loaded:
    """deploy.toml with this run's overrides; its secrets are masked from here on."""
    found = settings.load(overrides=options.current.set)
    redact.remember(found.secrets)
    return found


def folder() -> Path:
    """Where the settings say that the application is on this machine (the flow's %path-localMachine%), whether it is or not."""
    return beside(loaded().settings.project.path).resolve()


def beside(path: str) -> Path:
    """A path of this machine as deploy.toml means it: counted from the folder that file is in."""
    file = loaded().file
    return (file.parent if file else Path.cwd()) / Path(path).expanduser()


def insist() -> None:
    """Raises SettingsError where nothing but the tool's own example of a deploy.toml is there: it is nobody's application."""
    found = folder()
    if tomlfile.borrowed(loaded().file) and found == tomlfile.BESIDE_FABFILE and not (found / "artisan").is_file():
        raise SettingsError(f"there is no {tomlfile.NAME} in {Path.cwd()} or above it", "fab local.init writes one for an application")


def root() -> Path:
    """The application's folder on this machine. Raises SettingsError when it is not there, or is nothing but the place of the tool."""
    found = folder()
    insist()
    if not found.is_dir():
        text = f"{loaded().origins['project.path']}: project.path leads to {str(found)!r}, and there is no such folder on this machine"
        raise SettingsError(text, 'set it to the application\'s folder, counted from deploy.toml: "." is the one that deploy.toml is in')
    return found


def local() -> Shell:
    """The conversation with this machine."""
    if "local" not in _local:
        dry = options.current.dry_run
        _local["local"] = Shell("local", lambda command=BOOT: ProcessPipe(command), dry=dry, silence=0)
    return _local["local"]


def repository() -> str:
    """project.repository, else the origin of the project's own git, else that git itself; a local path as an absolute one."""
    url = loaded().settings.project.repository
    if url:
        return addresses.local_absolute(url, beside("."))
    origin = local().see('git -C "$1" remote get-url origin 2>/dev/null || :', str(root()), what="git remote").strip()
    redact.remember(masks.logins(origin))
    return addresses.local_absolute(settings.check_repository(origin, root()), root()) if origin else str(root())


def host_name(c: Context) -> str:
    """Which host is meant: --host, else the one ``fab -H`` connected to, else the only or default one."""
    return named(c) or loaded().default_host()


def named(c: Context) -> str:
    """The host that --host or ``fab -H`` names; empty when none does."""
    return options.current.host or str(c.name if isinstance(c, Host) else getattr(c, "original_host", ""))


def branch(c: Context) -> str:
    """The branch that is deployed to the host that is meant, else the project's."""
    name = named(c) or loaded().usual_host()
    own = loaded().host(name, placeholder(name), site=False).branch if name else ""
    return own or loaded().settings.project.branch


def host(c: Context, name: str = "", site: bool = True) -> Host:
    """The one connection of this run to ``name``; ``site``: it is deployed to, so it has a path."""
    if isinstance(c, Host) and name in ("", c.name):
        return c
    name = name or host_name(c)
    if name not in _hosts:
        _hosts[name] = connect(c, name, site)
    return _hosts[name]


def connect(c: Context, name: str, site: bool = True, route: tuple[str, ...] = ()) -> Host:
    """A new, not yet opened connection to ``name`` of deploy.toml; ``route`` are the hosts that it is the gateway of."""
    if name in route:
        raise SettingsError(f"hosts.{name}.gateway: the way to it leads in a circle: {' → '.join((*route, name))}")
    entry = sandbox() if name == "sandbox" else loaded().host(name, site=site)
    if entry.address.endswith(EXAMPLES):
        insist()
        hint = "fill it in; fab local.init writes a deploy.toml for your application"
        raise SettingsError(f"hosts.{name}.address is still the example {entry.address!r}", hint)
    _insist_on_key(name, entry)
    return Host(name, entry, c.config, _gateway(c, entry, (*route, name)))


def _insist_on_key(name: str, entry: schema.Host) -> None:
    """Raises SettingsError where the key that is to be used is not there; Paramiko would say so of any file, and as if nobody answered."""
    file = tomlfile.home(Path(entry.key))
    if entry.key and not file.is_file():
        key = f"hosts.{name}.key"
        hint = "set it to the private key, or leave it out: ssh_config, the agent and ~/.ssh/id_* count as they do for ssh"
        raise SettingsError(f"{loaded().origins[key]}: {key}: there is no file {file}", hint)


def _gateway(c: Context, entry: schema.Host, route: tuple[str, ...]) -> Host | None:
    """The machine to go through: a host of deploy.toml, or an address, to be reached with this host's key and known_hosts."""
    if entry.gateway in ("", *loaded().hosts):
        return connect(c, entry.gateway, site=False, route=route) if entry.gateway else None
    host, user, port = settings.check_address(entry.gateway)
    way = {"key": entry.key, "known_hosts": entry.known_hosts, "connect_timeout": entry.connect_timeout}
    return Host(entry.gateway, schema.Host(host, user, port, **way), c.config)  # type: ignore[arg-type]


def entry(name: str) -> schema.Host:
    """The settings of host ``name``, without starting or reaching anything."""
    return loaded().host(name, placeholder(name))


def placeholder(name: str) -> dict[str, str] | None:
    """What the sandbox will say of itself once it runs; None for other hosts."""
    from ..sandbox.state import places

    return {"path": str(places().site)} if name == "sandbox" else None


def sandbox() -> schema.Host:
    """The embedded server, started if need be, as a host with deploy.toml's [hosts.sandbox] and [defaults]."""
    from ..sandbox import ensure

    box = ensure()
    values = {"address": box.address, "port": box.port, "user": box.user, "key": str(box.key), "url": box.url}
    values |= {"known_hosts": str(box.known_hosts), "path": str(box.path), "php": str(box.php)}
    return loaded().host("sandbox", values)


def connected() -> list[Host]:
    """The hosts this run has a connection to."""
    return list(_hosts.values())


def close() -> None:
    """End every conversation and connection of this run."""
    for shell in _local.values():
        shell.close()
    for c in _hosts.values():
        with suppress(Exception):  # the kernel frees what we cannot give back in order
            lock.release(c)
        c.shell.close()
        c.close()
    _hosts.clear()
    _local.clear()
