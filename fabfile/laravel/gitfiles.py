"""What .git/config and .git/HEAD say, without running git."""

from __future__ import annotations

import re

SECTION = re.compile(r'\s*\[\s*([\w.-]+)(?:\s+"((?:\\.|[^"\\])*)")?\s*\]')
SETTING = re.compile(r"\s*([A-Za-z][\w-]*)\s*=\s*(.*?)\s*")


def origin_url(config: str, remote: str = "origin") -> str:
    """The url of ``remote`` in the text of .git/config; "" when there is none. A user name and password in it are left out."""
    section, found = ("", ""), ""
    for line in config.splitlines():
        match = SECTION.match(line)
        if match:
            section = (match[1].lower(), re.sub(r"\\(.)", r"\1", match[2] or ""))
        setting = SETTING.fullmatch(line, match.end() if match else 0)
        if setting and section == ("remote", remote) and setting[1].lower() == "url":
            found = found or _plain(setting[2])
    return re.sub(r"^(https?://)[^/@]*@", r"\1", found)


def _plain(value: str) -> str:
    """A value without its quotes and the comment behind it."""
    quoted = re.match(r'"((?:\\.|[^"\\])*)"', value)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else re.split(r"\s*[#;]", value)[0]


def branch(head: str) -> str:
    """The branch in the text of .git/HEAD; "" when a commit is checked out instead."""
    match = re.match(r"ref:\s*refs/heads/(.+)", head.strip())
    return match[1] if match else ""
