"""Worlds around the small sample application: deployed from an artifact, without a build, in a second or two."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import WEBS, need, need_web
from tests.support.deployment import World
from tests.support.fab import PROJECT
from tests.support.php_web import Web
from tests.support.sshd import Sshd

SAMPLE = PROJECT / "examples" / "sample"
LEFT_OUT = (".env", ".git")


def pack(target: Path, extra: dict[str, str] | None = None) -> Path:
    """Write the sample application, with more or other files if given, as an artifact."""
    with tarfile.open(target, "w:gz", compresslevel=1, format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(SAMPLE.rglob("*")):
            name = path.relative_to(SAMPLE).as_posix()
            if path.name not in LEFT_OUT and name not in (extra or {}):
                tar.add(path, name, recursive=False)
        for name, text in (extra or {}).items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text.encode()), 0o644
            tar.addfile(info, io.BytesIO(text.encode()))
    return target


class Packs:
    """Versions of the sample application as artifacts, whose ``/release`` says which one it is: the code, and the cached configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def version(self, number: str, changes: dict[str, str] | None = None) -> Path:
        """Return the artifact of this version, with ``changes`` to its files."""
        path = self.folder / f"{number}-{len(list(self.folder.iterdir()))}.tar.gz"
        config = (SAMPLE / "config/app.php").read_text().replace("'version' => 1", f"'version' => {number}")
        view = f'{{"version": "{number}", "configured": "{{{{ $version }}}}", "release": "{{{{ $release }}}}"}}'
        routes = "<?php return ['/' => 'home', '/release' => 'release'];"
        ours = {"config/app.php": config, "resources/views/release.blade.php": view, "routes/web.php": routes}
        return pack(path, {**ours, **(changes or {})})


@pytest.fixture(scope="session")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Packs:
    """Versions of the sample application."""
    return Packs(tmp_path_factory.mktemp("packs"))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample application as an artifact."""
    return pack(tmp_path_factory.mktemp("sample") / "sample.tar.gz")


@pytest.fixture(scope="module")
def sample_worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., World]]:
    """A function that makes a World of the sample application in ``folder``; ``env`` is what its SSH sessions see,
    ``served`` how its web server is configured."""
    with ExitStack() as stack:

        def make(
            folder: str = "world", web: str = "php", env: dict[str, str] | None = None, served: Mapping[str, object] = {}, **options: object
        ) -> World:
            need("sshd", "ssh-keygen")
            need_web(web)
            base = tmp_path_factory.mktemp("sample")
            server = Sshd(base / "sshd", env=env or {}).start()
            stack.callback(server.stop)

            def website(docroot: Path, at: Path) -> Web:
                started = WEBS[web](docroot, at, **served)
                stack.callback(started.stop)
                return started

            (base / folder).mkdir()
            world = World(base / folder, SAMPLE, server, website, **options)
            world.database.unlink()  # the sample application has a JSON file instead, which its first migration makes
            lines = world.env_file.read_text().splitlines(keepends=True)
            world.env_file.write_text("".join(line for line in lines if not line.startswith("DB_")))
            autoload = (SAMPLE / "vendor/autoload.php").read_text()
            world.configure({"hosts": {"prod": {"health_path": "/up"}}, "build": {"composer": "none", "package_manager": "none"}})
            world.commit({"vendor/autoload.php": autoload})  # so that it builds without Composer
            return world

        yield make
