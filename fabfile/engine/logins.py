"""A URL and the login in it, apart: what a program is given as an argument, everybody on its machine can read."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

# Needs $login: lines as git's credential helpers print them (gitcredentials(7)), or nothing. Git asks a helper that reads them
# from descriptor 5, so they are in no argument, no environment and no file. Nobody is ever asked at a terminal.
GIT = """
GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND=${GIT_SSH_COMMAND:-ssh -o BatchMode=yes}
export GIT_TERMINAL_PROMPT GIT_SSH_COMMAND
remote() {
  if [ -z "$login" ]; then git -c protocol.ext.allow=never "$@"; return; fi
  git -c protocol.ext.allow=never -c credential.helper= \\
    -c credential.helper='!login() { [ "$1" != get ] || cat <&5; }; login' "$@" 5<<END-OF-LOGIN
$login
END-OF-LOGIN
}
"""


class Located(NamedTuple):
    """``url`` without its login; ``user`` and ``password`` as the server wants them."""

    url: str
    user: str = ""
    password: str = ""

    @property
    def credential(self) -> str:
        """The login for git; empty where there is none."""
        return f"username={self.user}\npassword={self.password}" if self.user or self.password else ""

    @property
    def basic(self) -> str:
        """The login for HTTP's basic authentication; empty where there is none."""
        return f"{self.user}:{self.password}" if self.user or self.password else ""


def apart(url: str) -> Located:
    """``url`` and its login. Only http and https have one: the user of ssh://git@host is part of the address."""
    parts = urlsplit(url) if url.startswith(("http://", "https://")) else None
    if parts is None or "@" not in parts.netloc:
        return Located(url)
    login, _, host = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    return Located(parts._replace(netloc=host).geturl(), *(_line(unquote(text)) for text in (user, password)))


def _line(text: str) -> str:
    """A line break would end the login and begin another field."""
    return text.replace("\r", "").replace("\n", "").replace("\0", "")
