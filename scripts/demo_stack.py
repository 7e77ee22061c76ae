"""A whole server to try things on, on loopback and in a temporary folder: sshd, nginx, PHP-FPM, MariaDB, Redis, and supervisor with a
queue worker. A Laravel application is deployed there twice by the ordinary ``fab``, and all of it goes on running.

    demo_stack.py         start it, deploy twice, say what can be done with it
    demo_stack.py stop    end it and remove its folder
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.load import get  # noqa: E402 - only found once the path says so

NOTE = ROOT / ".demo-stack"  # which folder, and who keeps it
PATIENCE = 180
NEEDS = "make demo-stack needs root on Debian 12: it installs packages and runs sshd, nginx, PHP-FPM, MariaDB, Redis and supervisor."
USAGE = """
== It runs, and goes on running.
   the application         {url}
   a note for its queue    curl -d text=hello {url}/notes; sleep 2; cat {site}/shared/storage/app/report.txt

   cd {clone}
   alias fab='{fab} -r {root}'
   fab status --host=prod
   fab deploy --host=prod          # after a change: git commit -am … && git push
   fab rollback --host=prod
   fab verify --host=prod

   the site                {site}
   logs                    {folder}
   supervisor              {supervisor} status
   to end it               make demo-stack-stop
"""


def main() -> int:
    stop()
    if sys.argv[1:] == ["stop"]:
        return 0
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        print(NEEDS + " Without that: make demo", file=sys.stderr)
        return 2
    subprocess.run(["sh", str(ROOT / "scripts/system-packages.sh")], check=True)
    with started() as found:
        deploy(found, "the first deployment")
        subprocess.run([*found["supervisor"].split(), "start", "worker"], check=True, stdout=subprocess.DEVNULL)
        version(found, "2")
        deploy(found, "the second one")
    print(USAGE.format(**found, fab=Path(sys.executable).with_name("fab"), root=ROOT), end="")
    return 0


@contextmanager
def started() -> Iterator[dict[str, str]]:
    """The servers, which outlive this program unless something goes wrong in it."""
    folder = Path(tempfile.mkdtemp(prefix="fab-stack-"))
    print(f"Starting the servers in {folder}", flush=True)
    with tempfile.TemporaryFile("w+") as log:
        command = [sys.executable, str(ROOT / "scripts/demo_servers.py"), str(folder)]
        keeper = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        NOTE.write_text(json.dumps({"pid": keeper.pid, "folder": str(folder)}))
        try:
            yield ready(keeper, folder / "ready.json", log)
        except BaseException:
            print("Stopping the servers again", file=sys.stderr)
            stop()
            raise


def ready(keeper: subprocess.Popen[bytes], file: Path, log: IO[str]) -> dict[str, str]:
    until = time.monotonic() + PATIENCE
    while not file.exists():
        if keeper.poll() is not None or time.monotonic() > until:
            log.seek(0)
            raise SystemExit(f"the servers do not start:\n{log.read()[-3000:]}")
        time.sleep(0.1)
    found: dict[str, str] = json.loads(file.read_text())
    return found


def deploy(found: dict[str, str], title: str) -> None:
    """``fab deploy`` as anybody would type it, and what the site says then."""
    print(f"\n== {title}: fab deploy --host=prod", flush=True)
    command = [sys.executable, "-m", "fabric", "-r", str(ROOT), "deploy", "--host=prod"]
    code = subprocess.run(command, cwd=found["clone"], stdin=subprocess.DEVNULL, check=False).returncode
    answer = get(f"{found['url']}/release")
    print(f"   exit code {code}; {found['url']}/release: {answer.body}", flush=True)
    if code or answer.status != 200:
        raise SystemExit(f"{title} did not end well")


def version(found: dict[str, str], number: str) -> None:
    """A commit that changes what the application says of itself, pushed."""
    file = Path(found["clone"]) / "app/Version.php"
    file.write_text(file.read_text().replace("NUMBER = '1'", f"NUMBER = '{number}'"))
    who = ("-c", "user.name=Demo", "-c", "user.email=demo@example.com", "-c", "commit.gpgSign=false")
    for words in (("commit", "-qam", f"Version {number}"), ("push", "-q")):
        subprocess.run(["git", *who, *words], cwd=found["clone"], check=True)


def stop() -> None:
    """End what an earlier run has left running, if there is any."""
    if not NOTE.exists():
        return
    note = json.loads(NOTE.read_text())
    command = Path(f"/proc/{note['pid']}/cmdline")
    if command.exists() and note["folder"].encode() in command.read_bytes():  # it, and not somebody who got its number
        print(f"Stopping the servers in {note['folder']}", flush=True)
        os.kill(note["pid"], signal.SIGTERM)
        until = time.monotonic() + 30
        while command.exists() and command.read_bytes() and time.monotonic() < until:
            with suppress(ChildProcessError):
                os.waitpid(note["pid"], os.WNOHANG)
            time.sleep(0.1)
    shutil.rmtree(note["folder"], ignore_errors=True)
    NOTE.unlink()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
