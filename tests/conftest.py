"""The real parts as fixtures.  What is not installed skips its tests, or fails them when FAB_REQUIRE_ALL=1."""

from __future__ import annotations

import fcntl
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import composer_repo, laravel, postgresql, process, scratch
from tests.support.deployment import CACHES, World
from tests.support.fab import FOREIGN
from tests.support.mariadb import Database
from tests.support.php_web import NginxFpm, PhpServer, Web, fpm_program
from tests.support.sshd import Sshd

# A shell starts what runs in the background with SIGINT ignored, which our clients would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

OURS = ("FAB_REQUIRE_ALL", "FAB_ROUNDS", "FAB_SEED")  # what .ci/run says of the tests themselves
WEBS: dict[str, Callable[..., Web]] = {"php": PhpServer, "nginx": NginxFpm}

# The files that take longest begin first, so that no worker is left alone with one at the end.
LONG = ("test_rollback", "test_failures", "test_hammer", "test_workers", "test_opcache_faults", "test_deploy", "test_team", "test_secrets")


scratched: list[Path] = []


def pytest_configure(config: pytest.Config) -> None:
    """What tests write goes to memory, unless --basetemp says where."""
    if not config.option.basetemp and "PYTEST_XDIST_WORKER" not in os.environ and (folder := scratch.mounted()):
        config.option.basetemp = folder / "tests"
        scratched.append(folder)


def pytest_sessionfinish(exitstatus: int) -> None:
    """Where something failed, somebody will want to look."""
    while exitstatus and scratched:
        folder = scratched.pop()
        print(f"\nWhat the tests wrote is in {folder}, in memory; umount {folder} gives that back.")


def pytest_unconfigure() -> None:
    """Memory is given back; there is not always a session (--help)."""
    while scratched:
        scratch.unmount(scratched.pop())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the order of LONG, then as they were."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


def need(*programs: str) -> None:
    """Skip, or fail under FAB_REQUIRE_ALL=1, unless all these programs are installed."""
    absent = [name for name in programs if process.find(name) is None]
    if absent:
        lacking(f"not installed: {', '.join(absent)}")


def lacking(reason: str) -> None:
    """Skip the test for this reason, or fail it where everything has to be there."""
    if os.environ.get("FAB_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def of_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all workers together."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "of-all"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def once(of_all: Path) -> Callable[[str, Callable[[Path], Path]], Path]:
    """A function (name, make): what ``make`` made in a new folder for the first worker that asked; only to be read or copied."""

    def made(name: str, make: Callable[[Path], Path]) -> Path:
        note = of_all / name
        with note.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # who fails leaves it empty, and the next one tries
            if not note.stat().st_size:
                file.write(str(make(Path(tempfile.mkdtemp(prefix=f"{name}-", dir=of_all)))))
        return Path(note.read_text(encoding="utf-8"))

    return made


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, of_all: Path) -> Iterator[Path]:
    """Nothing of the developer's home, agent or git settings is seen or changed."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(FOREIGN) and name not in OURS]:
            patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv(CACHES, str(of_all / "caches"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield home


@pytest.fixture
def make_sshd(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """A function that starts one more OpenSSH server; all of them end with the test."""
    need("sshd", "ssh-keygen")
    started: list[Sshd] = []

    def make(**options: Any) -> Sshd:
        started.append(Sshd(tmp_path / f"sshd{len(started)}", **options))
        return started[-1].start()

    yield make
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One OpenSSH server for all tests that do not stop it or change its keys."""
    need("sshd", "ssh-keygen")
    server = Sshd(tmp_path_factory.mktemp("ssh") / "sshd").start()
    yield server
    server.stop()


@pytest.fixture
def make_web(tmp_path: Path) -> Iterator[Callable[..., Web]]:
    """A function (kind, document root) that starts a web server: "php" or "nginx"."""
    started: list[Web] = []

    def make(kind: str, docroot: Path, folder: Path = tmp_path, **options: Any) -> Web:
        need_web(kind)
        started.append(WEBS[kind](docroot, folder, **options))
        return started[-1]

    yield make
    for server in started:
        server.stop()


def need_web(kind: str) -> None:
    """Skip or fail unless this kind of web server is installed."""
    need(*{"php": ["php"], "nginx": ["nginx"]}[kind])
    if kind == "nginx":
        try:
            fpm_program()
        except FileNotFoundError as error:
            lacking(str(error))


@pytest.fixture(scope="session")
def composer_repository(once: Callable[..., Path]) -> Path:
    """A Composer repository with Laravel and all it needs."""
    if composer_repo.missing():
        lacking(f"Debian's php-laravel-framework and php-faker are not installed: no {composer_repo.missing()[0]}")
    return once("composer", composer_repo.build)


@pytest.fixture(scope="session")
def laravel_source(composer_repository: Path, once: Callable[..., Path]) -> Path:
    """The example application as it is committed: with a composer.lock, without vendor/."""
    need("php", "composer", "git", "unzip")
    return once("source", lambda folder: laravel.locked(folder / "notes", composer_repository))


@pytest.fixture(scope="session")
def laravel_built(laravel_source: Path, once: Callable[..., Path]) -> Path:
    """The example application ready to serve, in a folder; only to be read or copied."""
    need("npm")
    return once("built", lambda folder: laravel.build_assets(laravel.installed(folder / "notes", laravel_source)))


@pytest.fixture
def make_world(tmp_path: Path, laravel_source: Path, make_sshd: Callable[..., Sshd], make_web: Callable[..., Web]) -> Callable[..., World]:
    """A function that makes a World: ``web="nginx"``, ``builder=True``, ``source=...``, ``settings={...}``."""

    def make(web: str = "php", builder: bool = False, source: Path = laravel_source, **options: Any) -> World:
        server, second = make_sshd(), make_sshd() if builder else None
        folder = tmp_path / "world"
        folder.mkdir()
        return World(folder, source, server, lambda docroot, at: make_web(web, docroot, at), builder=second, **options)

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """The plain case: built here, one server, PHP's own web server."""
    return make_world()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A MariaDB server of the module's own."""
    need("mariadbd", "mariadb-install-db", "mariadb-dump", "mariadb")
    database = Database(tmp_path_factory.mktemp("mariadb"))
    yield database
    database.stop()


@pytest.fixture(scope="module")
def postgres() -> Iterator[postgresql.Postgres]:
    """A PostgreSQL server of the module's own."""
    need("psql", "pg_dump", "setpriv")
    if not postgresql.programs():
        lacking("not installed: postgresql")
    server = postgresql.Postgres()
    yield server
    server.stop()
