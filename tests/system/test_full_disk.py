"""The disk is full, of bytes or of inodes, and the new release is a bad one: going back works all the same, and says the truth."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import lacking, need
from tests.faults.stage import PAGE, pack
from tests.support import disk, toml
from tests.support.fab import Result, run_fab
from tests.support.load import get
from tests.support.php_web import PhpServer
from tests.support.site import leftovers, lock_is_free, records, serving
from tests.support.sshd import Sshd

pytestmark = [pytest.mark.system, pytest.mark.root]


class Small:
    """A site on a small disk with two releases, deployed by ``user``."""

    def __init__(self, folder: Path, user: str, stack: ExitStack) -> None:
        self.project, self.home, self.site = folder / "project", folder / "home", folder / "disk" / "site"
        for made in (self.project, self.home):
            made.mkdir()
        sshd = Sshd(folder / "sshd", user=user, extra="UsePAM yes").start()
        stack.callback(sshd.stop)
        sshd.home.chmod(0o777)
        web = PhpServer(self.site / "current/public", folder)
        stack.callback(web.stop)
        self.url = web.url
        host = {"address": "127.0.0.1", "port": sshd.port, "user": user, "key": str(sshd.key), "known_hosts": str(sshd.known_hosts)}
        host |= {"path": str(self.site), "url": web.url, "health_path": "/up", "health_tries": 1, "backup": "never"}
        settings = {"project": {"name": "small"}, "build": {"composer": "none"}, "hosts": {"prod": host}}
        self.settings = toml.dumps(settings)
        self.hook(":")
        (self.site / "shared").mkdir(parents=True)
        (self.site / "shared/.env").write_text("APP_ENV=production\nAPP_DEBUG=false\nAPP_KEY=base64:" + "A" * 43 + "=\n")
        subprocess.run(["chown", "-R", user, self.site], check=True)
        for version in ("1", "2", "3", "4"):
            pack(self.project / f"v{version}.tar.gz", version)

    def fab(self, *arguments: str) -> Result:
        return run_fab([*arguments, "--host=prod"], self.project, {"HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / "cache")}, 120)

    def hook(self, command: str) -> None:
        """From now on ``command`` runs on this machine after everything else of post_release."""
        hooks = {"post_release": ["...", {"command": command, "place": "local"}]}
        (self.project / "deploy.toml").write_text(f"{self.settings}\n{toml.dumps({'hooks': hooks})}")

    def version(self) -> str:
        answer = get(self.url + PAGE)
        assert answer.status == 200, answer.body[:300]
        return str(json.loads(answer.body)["version"])


def somebody() -> str:
    """A user who is not root and has a shell."""
    for user in pwd.getpwall():
        if user.pw_uid and Path(user.pw_shell).name in ("sh", "bash", "dash") and os.access(user.pw_shell, os.X_OK):
            return user.pw_name
    return lacking("nobody but root can log in here") or ""


@pytest.fixture(params=["root on tmpfs", "somebody else on ext4"])
def small(request: pytest.FixtureRequest) -> Iterator[Small]:
    if os.geteuid() != 0:
        lacking("only root can mount a disk")
    need("mkfs.ext4", "mount", "sshd", "php")
    who, _, kind = request.param.partition(" on ")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        if not stack.enter_context(disk.mounted(folder / "disk", kind)):
            lacking(f"no {kind} can be mounted here")
        yield Small(folder, "root" if who == "root" else somebody(), stack)


def went_back(small: Small, version: str, release: str) -> str:
    back = small.fab("rollback")
    assert back.code in (0, 3), back.text
    assert f"prod: {release} is live" in back.out
    assert (serving(small.site), small.version(), lock_is_free(small.site)) == (release, version, True)
    assert (back.code == 3) == ("could not be written" in back.text or "leave a watchman failed" in back.text), back.text
    return release


def test_what_is_confirmed_on_a_full_disk_is_a_release_like_any_other(small: Small) -> None:
    filler = small.site.parent / "filler"
    small.hook(f"for size in 64k 1; do dd if=/dev/zero bs=$size >>'{filler}' 2>/dev/null || :; done")
    for version in ("1", "2"):
        done = small.fab("deploy", f"--artifact=v{version}.tar.gz")
        assert (done.code, "could not be written" in done.text) == (3, True), done.text
        status = small.fab("status").out
        assert serving(small.site) in status
        assert "state        live\n" in status, status
        filler.unlink()
    first, second = sorted(records(small.site))
    small.hook(":")
    assert small.fab("deploy", "--artifact=v3.tar.gz").code == 0
    assert (went_back(small, "2", second), went_back(small, "1", first)) == (second, first)


@pytest.mark.parametrize("way", disk.WAYS)
def test_back_on_a_full_disk(way: str, small: Small) -> None:
    for version in ("1", "2", "3"):
        done = small.fab("deploy", f"--artifact=v{version}.tar.gz")
        assert done.code == 0, done.text
    first, second, third = sorted(records(small.site))
    disk.fill(small.site.parent, way)

    status = small.fab("status")
    assert (status.code, third in status.out, "free" in status.out) == (0, True, True), status.text
    serves = went_back(small, "2", second)
    if way == "blocks":  # a link needs no block
        serves = went_back(small, "1", first)
        none = small.fab("rollback")
        assert (none.code, "there is no earlier release" in none.err) == (4, True), none.text
    else:  # but an inode, and only the first one was ready
        again = small.fab("rollback")
        serves = first if again.code in (0, 3) else second
        assert again.code in (0, 3) or f"{second} still serves" in again.err, again.text
    assert serving(small.site) == serves

    small_again = small.fab("status")
    assert (small_again.code, serves in small_again.out) == (0, True), small_again.text
    unlocked = small.fab("unlock")
    assert unlocked.code == 0, unlocked.text

    subprocess.run(["rm", "-r", small.site.parent / "filler"], check=True)
    done = small.fab("deploy", "--artifact=v4.tar.gz")
    assert done.code == 0, done.text
    assert (small.version(), leftovers(small.site)) == ("4", [])
