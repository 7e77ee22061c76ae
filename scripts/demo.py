"""Deploy the sample application to the embedded server: version 1, version 2 under load, a broken version 3, and back.

It runs the ordinary ``fab`` as anybody would, in a repository of its own, and says what it expected and what it saw.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from visitors import Load, ask

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from fabfile.engine.errors import Failure  # noqa: E402 - only found once the path says so
from fabfile.sandbox import Sandbox, ensure, places, reset  # noqa: E402

DEPLOY_TOML = """\
[project]
name = "sample"

[build]
composer = "none"
package_manager = "none"

[hosts.sandbox]
health_path = "/up"
env_file = ".env.sandbox"
backup = "never" # its database is a JSON file
"""


class Repository:
    """The sample as a git repository with an origin; each version is one commit."""

    def __init__(self, folder: Path, url: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.path, origin = folder / "sample", folder / "origin.git"
        shutil.copytree(ROOT / "examples" / "sample", self.path, symlinks=True)
        (self.path / "deploy.toml").write_text(DEPLOY_TOML)
        (self.path / ".env.sandbox").write_text(
            f"APP_NAME=Sample\nAPP_ENV=production\nAPP_DEBUG=false\nAPP_URL={url}\n"
            f"APP_KEY=base64:{base64.b64encode(os.urandom(32)).decode()}\n"
        )
        (self.path / ".env.sandbox").chmod(0o600)
        subprocess.run(["git", "init", "--quiet", "--bare", str(origin)], check=True)
        self.git("init", "--quiet")
        self.git("symbolic-ref", "HEAD", "refs/heads/main")
        self.git("remote", "add", "origin", str(origin))

    def git(self, *arguments: str) -> None:
        own = ["user.name=Demo", "user.email=demo@example.com", "commit.gpgSign=false", "core.hooksPath=/dev/null"]
        settings = [word for setting in own for word in ("-c", setting)]
        subprocess.run(["git", *settings, *arguments], cwd=self.path, check=True)

    def commit(self, version: int, broken: bool = False) -> None:
        """Make it say ``version``, commit and push."""
        config = self.path / "config" / "app.php"
        text = config.read_text().replace(f"'version' => {version - 1},", f"'version' => {version},")
        config.write_text(text.replace("'broken' => false", "'broken' => true") if broken else text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", f"Version {version}")
        self.git("push", "--quiet", "--set-upstream", "origin", "main")


@dataclass
class Demo:
    """The story; ``wrong`` collects what was not as expected."""

    box: Sandbox
    repository: Repository
    wrong: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.box.url.rpartition(":")[2])

    def fab(self, *words: str, exit_codes: tuple[int, ...] = (0, 3)) -> None:
        """Run ``fab`` in the repository, as its owner would."""
        print(f"   $ fab {' '.join(words)}", flush=True)
        command = [sys.executable, "-m", "fabric", "-r", str(ROOT), *words]
        code = subprocess.run(command, cwd=self.repository.path, stdin=subprocess.DEVNULL, check=False).returncode
        print(f"   exit code {code}")
        if code not in exit_codes:
            self.wrong.append(f"fab {words[0]}: exit code {code}, expected {' or '.join(map(str, exit_codes))}")

    def fab_under_load(self, *words: str) -> None:
        load = Load(self.port)
        load.start()
        self.fab(*words)
        load.stop()
        self.wrong += [f"fab {words[0]}: {problem}" for problem in load.report()]

    def expect_version(self, version: int) -> None:
        found = ask(self.port)
        print(f"   {self.box.url} shows version {found.version} (HTTP {found.status})")
        if found.version != version:
            self.wrong.append(f"the site shows version {found.version} (HTTP {found.status}), expected {version}")

    def first(self) -> None:
        """Version 1: the first deployment"""
        self.repository.commit(1)
        self.fab("deploy", "--host=sandbox")
        self.expect_version(1)

    def second(self) -> None:
        """Version 2, while visitors keep coming"""
        self.repository.commit(2)
        self.fab_under_load("deploy", "--host=sandbox")
        self.expect_version(2)

    def broken(self) -> None:
        """Version 3 is broken: it must be refused"""
        self.repository.commit(3, broken=True)
        self.fab("deploy", "--host=sandbox", exit_codes=(4, 5))
        self.expect_version(2)

    def back(self) -> None:
        """Back to version 1, while visitors keep coming"""
        self.fab_under_load("rollback", "--host=sandbox")
        self.expect_version(1)

    def status(self) -> None:
        """What the server says of itself"""
        self.fab("status", "--host=sandbox")


def story(demo: Demo) -> None:
    steps: list[Callable[[], None]] = [demo.first, demo.second, demo.broken, demo.back, demo.status]
    for number, step in enumerate(steps, 1):
        print(f"\n== {number}. {step.__doc__}", flush=True)
        step()


def main() -> int:
    if shutil.which("git") is None:
        print("The demo needs git: install it and run `make demo` again.", file=sys.stderr)
        return 2
    os.environ.setdefault("FAB_SANDBOX_DIR", str(places().root))  # the repository that is deployed is another project than this
    try:
        box = ensure()
        print(f"The embedded server: ssh on {box.address}:{box.port}, web on {box.url}, site in {reset()}")
    except Failure as problem:
        print(problem, file=sys.stderr)
        return 2
    demo = Demo(box, Repository(places().root / "demo", box.url))
    story(demo)
    print("\n== Not as expected:" if demo.wrong else "\n== All as expected.", *demo.wrong, sep="\n   ")
    print(f"   The server stays for a while: {box.url}; `.venv/bin/fab sandbox.stop` ends it." if not demo.wrong else "")
    return 1 if demo.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
