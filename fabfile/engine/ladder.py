"""One rename makes a link current: by mv, by PHP, or by SFTP, whichever the server has."""

from __future__ import annotations

import paramiko

from .errors import CommandFailed, Failure
from .hosts import Host
from .scripts import source

NEITHER = 78  # rename.sh: mv and PHP could not
HINT = "install GNU coreutils, or set php for this host in deploy.toml to a PHP that is there"


def climb(c: Host, name: str, *values: str, what: str) -> str:
    """What script ``name`` says, which makes a link current. Raises Failure with ``current`` as it was."""
    script = with_rename(name)
    if c.shell.dry:
        c.shell.do(script, *values, what=what)
        return ""
    answer = c.shell.ask(script, *values, check=False, what=what)
    c.shell.known = None
    if answer.code == NEITHER:
        why = by_sftp(c, answer.out.strip())
        answer = c.shell.ask(script, *values, check=False, what=what)  # it reads back, and goes on from there
        if answer.code == NEITHER:
            raise Failure(f"{c.name}: {what} failed: mv -T, PHP and SFTP cannot rename a link over current: {why}", HINT)
    if answer.code:
        raise CommandFailed(c.name, what, answer.code, f"{answer.out}\n{answer.err}".strip())
    return answer.out


def with_rename(name: str) -> str:
    return f"{source('engine/rename.sh')}\n{source(name)}"


def by_sftp(c: Host, link: str) -> str:
    """OpenSSH's own rename(2), which replaces what is there; over the same connection. Why it cannot, if it cannot."""
    try:
        sftp = c.sftp()
        sftp.readlink(f"{c.site.root}/{link}")  # SFTP may be shown other folders than the shell
        sftp.posix_rename(f"{c.site.root}/{link}", c.site.current)
    except (OSError, EOFError, paramiko.SSHException) as error:
        return str(error)
    return ""
