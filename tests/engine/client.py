"""A client to be killed or frozen: holds the lock of a folder, does what it is told on standard input, and says so.

python -m tests.engine.client FOLDER SILENCE PORT USER KEY KNOWN_HOSTS
"""

from __future__ import annotations

import sys
from pathlib import Path

from fabric import Config

from fabfile.engine import lock, options, schema
from fabfile.engine.hosts import Host


def main(folder: str, silence: str, port: str, user: str, key: str, known_hosts: str) -> None:
    options.current = options.Options()
    entry = schema.Host(address="127.0.0.1", user=user, port=int(port), path=folder, key=key, known_hosts=known_hosts)
    c = Host("prod", entry, Config(overrides={"load_ssh_configs": False}))
    c.shell.silence = int(silence)
    lock.hold(c, "test")
    print("held", int(c.shell.ask("echo $PPID").out), c.run_id, flush=True)
    for line in sys.stdin:
        print("said", repr(c.shell.work(line.rstrip("\n")).out), flush=True)
    lock.release(c)
    print("released", Path(folder).name, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
