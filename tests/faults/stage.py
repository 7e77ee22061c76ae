"""The stage of the sweep: one site, one server, one web server, and the site as it was before each case."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import process, toml
from tests.support.fab import Result, environment, run_fab
from tests.support.load import Load, get
from tests.support.php_web import PhpServer
from tests.support.site import leftovers, lock_is_free, log_blocks, serving
from tests.support.sshd import Sshd

from . import driver, invariants
from .proxy import Proxy

SAMPLE = driver.PROJECT / "examples" / "sample"
OWN = ("bootstrap/cache", "storage", "public/storage", ".env")
# What each flow types, which version it brings, and which snapshot it starts from.
FLOWS = {
    "first": (("deploy", "--artifact=v1.tar.gz"), "1", "empty"),
    "redeploy": (("deploy", "--artifact=v2.tar.gz"), "2", "one"),
    "rollback": (("rollback",), "1", "two"),
}
PAGE = "/?json"


def remove(folder: Path) -> None:
    """Remove ``folder``, where an agent may still note, a moment after its last answer, that it heard its client."""
    for _ in range(20):
        with suppress(OSError):
            shutil.rmtree(folder)
            return
        time.sleep(0.05)
    shutil.rmtree(folder)


@dataclass
class Outcome:
    """What one case showed: the exit code, what was broken (an empty list: nothing), and the client's words."""

    code: int
    broken: list[str] = field(default_factory=list)
    text: str = ""


class Stage:
    """Made once; ``play`` runs one case. ``server`` says what kind of server it is (see Sshd)."""

    def __init__(self, folder: Path, site: Path | None = None, **server: Any) -> None:
        self.folder, self.site, self.small_disk = folder, site or folder / "site", False
        self.home, self.project = folder / "home", folder / "project"
        self.sshd = Sshd(folder / "sshd", **server).start()
        self.proxy = Proxy(self.sshd.port)
        self.web = PhpServer(self.site / "current" / "public", folder)
        self._prepare_client()
        self.snapshots: dict[str, Path] = {}
        self.seconds: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.versions: dict[str, str] = {}  # by the id of the release
        self._prepare_snapshots()

    def close(self) -> None:
        self.web.stop()
        self.proxy.stop()
        self.sshd.stop()

    def _prepare_client(self) -> None:
        (self.home / ".ssh").mkdir(parents=True)
        lines = (self.sshd.known_hosts_line(), self.sshd.known_hosts_line().replace(str(self.sshd.port), str(self.proxy.port)))
        (self.home / ".ssh" / "known_hosts").write_text("".join(lines))
        self.project.mkdir()
        for version in ("1", "2", "3"):
            pack(self.project / f"v{version}.tar.gz", version)
        host = {"address": "127.0.0.1", "port": self.sshd.port, "user": self.sshd.user, "key": str(self.sshd.key)}
        host |= {"path": str(self.site), "url": self.web.url, "health_path": "/up", "backup": "never", "command_timeout": 60}
        settings = {"project": {"name": "swept"}, "build": {"composer": "none"}, "hosts": {"prod": host}}
        (self.project / "deploy.toml").write_text(toml.dumps(settings))

    def _prepare_snapshots(self) -> None:
        self.wipe()
        (self.site / "shared").mkdir(parents=True)
        (self.site / "shared" / ".env").write_text(
            f"APP_ENV=production\nAPP_DEBUG=false\nAPP_KEY={invariants.KEY}\nDB_PASSWORD={invariants.SENTINEL}\n"
        )
        self.keep("empty")
        for version, name in (("1", "one"), ("2", "two")):
            done = self.fab("deploy", f"--artifact=v{version}.tar.gz")
            assert done.code == 0, done.text
            self.versions[serving(self.site)] = version
            self.keep(name)

    def wipe(self) -> None:
        """Nothing in the site, which may be a mount point."""
        self.site.mkdir(parents=True, exist_ok=True)
        for entry in self.site.iterdir():
            remove(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()

    def keep(self, name: str) -> None:
        self.snapshots[name] = self.folder / f"snapshot-{name}"
        shutil.copytree(self.site, self.snapshots[name], symlinks=True)

    def restore(self, name: str) -> None:
        self.wipe()
        shutil.copytree(self.snapshots[name], self.site, symlinks=True, dirs_exist_ok=True)

    def fab(self, *arguments: str) -> Result:
        return run_fab([*arguments, "--host=prod"], self.project, self._environment(), 120)

    def _environment(self) -> dict[str, str]:
        return {"HOME": str(self.home), "XDG_CACHE_HOME": str(self.folder / "cache")}

    def run(self, flow: str, kind: str, at: int | str) -> tuple[int, str]:
        """Run a flow's command with its fault (see driver.py), to its end or its death."""
        aid = self._help(kind)
        arguments = [*FLOWS[flow][0], "--host=prod"]
        if kind == "black-hole":
            arguments += ["--set", f"hosts.prod.port={self.proxy.port}"]
        command = [sys.executable, driver.__file__, kind, str(at), str(aid), *arguments]
        said = self.folder / "said"  # a file: what a pipe's reader has looked ahead would be lost to the next reader
        with said.open("wb") as out, subprocess.Popen(
            command, cwd=self.project, env=environment(self._environment()), stdin=subprocess.DEVNULL, stdout=out, stderr=out
        ) as client:  # fmt: skip
            while not said.stat().st_size and client.poll() is None:
                time.sleep(0.01)
            start = time.monotonic()
            if kind == "moment":
                self._interrupt(client, flow, int(at))
            client.wait(180)
        self.seconds.setdefault(flow, time.monotonic() - start)
        return client.returncode, said.read_text(encoding="utf-8", errors="replace")

    def _interrupt(self, client: subprocess.Popen[bytes], flow: str, number: int) -> None:
        """End it at some moment after its first words, the same fraction of its time for the same number."""
        chance = random.Random(number)
        with suppress(subprocess.TimeoutExpired):
            client.wait(chance.random() * self.seconds[flow])
        client.send_signal(chance.choice((signal.SIGKILL, signal.SIGINT, signal.SIGTERM)))

    def _help(self, kind: str) -> Path:
        aid = self.folder / "aid"
        aid.unlink(missing_ok=True)
        if kind == "session":
            assert self.sshd._process is not None
            aid.write_text(str(self.sshd._process.pid))
        if kind == "disk-full":
            aid.write_text(str(self.site / "filler"))
        if kind == "black-hole":
            self.proxy.closes_when(aid)
        return aid

    def commands(self, flow: str) -> int:
        """How many commands the flow sends when nothing is wrong."""
        if flow not in self.counts:
            self.restore(FLOWS[flow][2])
            code, text = self.run(flow, "count", 0)
            assert code == 0, text
            self.counts[flow] = int((self.folder / "aid").read_text())
        return self.counts[flow]

    def play(self, flow: str, kind: str, at: int) -> Outcome:
        """One case: the fault, then everything that must be true, then a plain deployment."""
        self.restore(FLOWS[flow][2])
        self.before = serving(self.site)
        kept = digest(self.site / "releases" / self.before) if self.before else ""
        known = len(log_blocks(self.site)) if self.before else 0
        if self.before:
            with Load(self.web.url + PAGE, visitors=1, pause=0.02) as load:
                code, text = self.run(flow, kind, at)
                self._settle()
            seen = load.answers
        else:
            (code, text), seen = self.run(flow, kind, at), []
            self._settle()
        outcome, now = Outcome(code, text=text), serving(self.site)
        outcome.broken += invariants.answers(seen, self.versions, FLOWS[flow][1])
        outcome.broken += [*invariants.end(code, kind, self.before, now), *invariants.words(code, text), *invariants.written(self.site)]
        outcome.broken += self._invariants(now, kept)
        if kind == "interrupt":
            outcome.broken += invariants.told(self.site, code, now, known)
        if kind == "interrupt" and code == 0:
            outcome.broken.append("it took no notice of Ctrl-C")
        (self.site / "filler").unlink(missing_ok=True)
        self.proxy.open()
        outcome.broken += self._recovers(code, now)
        return outcome

    def _settle(self) -> None:
        """Two silences at most until the server is on its own again."""
        until = time.monotonic() + 3 * driver.SILENCE + driver.PATIENCE + 4
        while time.monotonic() < until and (self._held() or self._ours()):
            time.sleep(0.05)

    def _held(self) -> bool:
        return (self.site / ".deploy" / "lock").exists() and not lock_is_free(self.site)

    def _ours(self) -> list[str]:
        """Processes that still work for the site."""
        return [text for pid, text in process.command_lines() if str(self.site) in text and "php-server" not in text and pid != os.getpid()]

    def _invariants(self, now: str, kept: str) -> list[str]:
        broken = []
        if self.before and digest(self.site / "releases" / self.before) != kept:
            broken.append("I6 the release that served was changed")
        if now:
            broken += [f"I1 {text}" for text in damage(self.site, now)]
        elif self.before:
            broken.append("I1 current is gone")
        if self._held():
            broken.append("I4 the lock is still held")
        if (self.site / ".deploy/pending").exists():
            broken.append("I4 a switch is still unconfirmed")
        if list(self.site.glob("releases/*/storage/framework/down")):
            broken.append("I7 in maintenance mode")
        broken += [f"I9 still running: {text[:100]}" for text in self._ours()]
        return broken

    def _recovers(self, code: int, now: str) -> list[str]:
        """I8: status tells the truth, the next plain deployment needs no repair, and leaves nothing of the accident behind."""
        done = self.fab("status", "deploy", "--artifact=v3.tar.gz")
        broken = [*invariants.status(done.out, code, self.before, now), *invariants.words(done.code, done.text)]
        if done.code not in (0, 3):
            return [*broken, f"I8 the next status and deployment: {done.code} {done.text[-600:]}"]
        answer = get(self.web.url + PAGE)
        if answer.status != 200 or str(json.loads(answer.body)["version"]) != "3":
            broken.append(f"I8 the next deployment does not serve: {answer.status} {answer.body[:100]}")
        return broken + [f"I10 left behind: {path}" for path in leftovers(self.site)]


def pack(file: Path, version: str) -> None:
    """An artifact of the sample application."""

    def entry(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        info.uid = info.gid = 0
        info.mode = 0o755 if info.isdir() or info.mode & 0o100 else 0o644
        return None if info.name.startswith("bootstrap/cache/") and info.name.endswith(".php") else info

    changed = file.with_suffix(".tree")
    shutil.copytree(SAMPLE, changed, symlinks=True)
    config = changed / "config" / "app.php"
    config.write_text(config.read_text().replace("'version' => 1,", f"'version' => {version},"))
    with tarfile.open(file, "w:gz", compresslevel=1) as tar:
        for path in sorted(changed.iterdir()):
            tar.add(path, path.name, filter=entry)
    shutil.rmtree(changed)


def damage(site: Path, release: str) -> list[str]:
    """What of a release is not as its manifest says."""
    manifest = site / ".deploy" / "releases" / f"{release}.manifest"
    if not manifest.is_file():
        return [f"{release} has no manifest"]
    found = []
    for line in manifest.read_text().splitlines():
        kind, _, sha, _, path = line.split(" ", 4)
        file = site / "releases" / release / path
        if kind == "F" and not path.startswith(OWN) and (not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha):
            found.append(f"{release}/{path} is not what was built")
    return found


def digest(folder: Path) -> str:
    """Of every file's name and content; what a release writes for itself does not count."""
    value = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink() and not name.startswith(OWN):
            value.update(name.encode() + b"\0" + path.read_bytes())
    return value.hexdigest()
