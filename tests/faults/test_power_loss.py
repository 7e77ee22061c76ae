"""The power goes after a switch: what the disk holds then is a site that serves a complete release.

A disk's content at some moment is a copy of the file behind a loop device; mounting the copy is what a restart does.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import lacking, need
from tests.support.site import serving

from .stage import Stage, damage

pytestmark = [pytest.mark.slow, pytest.mark.system]
MOMENTS = (0, 2, 4)  # seconds after the client has said that it is live
SIZE = "64M"


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """The filesystem in ``image``, whose journal is written every second: the sooner a rename is on disk, and its files are not."""
    folder.mkdir()
    done = subprocess.run(["mount", "-o", "loop,commit=1", image, folder], capture_output=True, text=True, check=False)
    if done.returncode:
        lacking(f"no loop device can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def test_a_switch_that_was_reported_outlives_the_power(tmp_path: Path) -> None:
    need("sshd", "ssh-keygen", "php", "mkfs.ext4", "losetup")
    if os.geteuid():
        lacking("only root mounts filesystems")
    disk = tmp_path / "disk"
    subprocess.run(["truncate", "-s", SIZE, disk], check=True)
    subprocess.run(["mkfs.ext4", "-q", disk], check=True)
    with mounted(disk, tmp_path / "site") as site:
        stage = Stage(tmp_path, site)
        try:
            stage.restore("one")
            subprocess.run(["sync", "-f", site], check=True)
            done = stage.fab("deploy", "--artifact=v2.tar.gz")
            copies = [copy_after(seconds, disk) for seconds in MOMENTS]
        finally:
            stage.close()
        assert done.code == 0, done.text
        live = serving(site)
    for copy in copies:
        with mounted(copy, copy.with_suffix(".mounted")) as after:
            assert (serving(after), damage(after, live)) == (live, []), copy.name


def copy_after(seconds: int, disk: Path) -> Path:
    """What the disk holds ``seconds`` after the first moment."""
    time.sleep(MOMENTS[1] if seconds else 0)
    copy = disk.with_name(f"disk-{seconds}")
    subprocess.run(["cp", "--sparse=always", disk, copy], check=True)
    return copy
