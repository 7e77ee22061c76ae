"""Keeps the servers of ``make demo-stack`` in a folder until it is told to end (SIGTERM); ready.json in it says where they are."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support import composer_repo, laravel  # noqa: E402 - only found once the path says so
from tests.support.deployment import World  # noqa: E402
from tests.support.mariadb import Database  # noqa: E402
from tests.support.php_web import NginxFpm  # noqa: E402
from tests.support.redis import Redis  # noqa: E402
from tests.support.sshd import Sshd  # noqa: E402
from tests.support.supervisor import Supervisor  # noqa: E402

QUEUE = "'redis' => ['driver' => 'redis', 'connection' => 'default', 'queue' => 'default', 'retry_after' => 90],\n"
CONNECTION = "'redis' => ['client' => 'phpredis', 'default' => ['host' => env('REDIS_HOST'), 'port' => 0, 'database' => 0]],\n"
# What the example application needs besides, for its queue to be in Redis: file, before what, what.
CHANGES = (
    ("config/queue.php", "'sync' =>", QUEUE),
    ("config/database.php", "'migrations' =>", CONNECTION),
    ("config/app.php", "Illuminate\\Session\\", "Illuminate\\Redis\\RedisServiceProvider::class,\n"),
)
WORKER = (
    "command=php {site}/current/artisan queue:work redis --sleep=1\ndirectory={site}\nautostart=false\nautorestart=true\nstopwaitsecs=10"
)


def source(folder: Path) -> Path:
    """The application, as it would be in its repository."""
    made = laravel.locked(folder / "source", composer_repo.build(folder / "packages"))
    for name, before, text in CHANGES:
        file = made / name
        file.write_text(file.read_text().replace(before, text + before, 1))
    return made


def start(stack: ExitStack, folder: Path) -> dict[str, str]:
    """Every server there is; where they are."""
    sshd = Sshd(folder / "sshd").start()
    stack.callback(sshd.stop)
    (folder / "mariadb").mkdir()
    database = Database(folder / "mariadb")
    stack.callback(shutil.rmtree, database.socket.parent, ignore_errors=True)
    stack.callback(database.stop)
    database.sql("CREATE DATABASE notes")
    redis = Redis(folder / "redis.log")
    stack.callback(redis.stop)
    world = site(folder, sshd, {"DB_SOCKET": str(database.socket), "REDIS_HOST": str(redis.socket)})
    stack.callback(world.web.stop)
    supervisor = Supervisor(folder, {"worker": WORKER.format(site=world.site)})
    stack.callback(supervisor.stop)
    stack.callback(supervisor.ask, "stop", "all")
    return {"url": world.web.url, "site": str(world.site), "clone": str(world.clone), "folder": str(folder), "supervisor": supervisor.ctl}


def site(folder: Path, sshd: Sshd, values: dict[str, str]) -> World:
    """A repository with its deploy.toml, and an empty site behind nginx and PHP-FPM with its .env."""
    settings = {"hosts": {"prod": {"known_hosts": str(sshd.known_hosts)}}}
    (folder / "world").mkdir()
    world = World(folder / "world", source(folder), sshd, NginxFpm, settings=settings)
    assert isinstance(world.web, NginxFpm)
    world.configure({"hosts": {"prod": {"fpm_socket": str(world.web.socket)}}})
    lines = [line for line in world.env_file.read_text().splitlines() if not line.startswith("DB_")]
    values |= {"DB_CONNECTION": "mysql", "DB_DATABASE": "notes", "DB_USERNAME": "root", "QUEUE_CONNECTION": "redis"}
    values |= {"APP_URL": world.web.url}
    world.env_file.write_text("\n".join([*lines, *(f"{name}={value}" for name, value in values.items()), ""]))
    return world


def main() -> None:
    folder = Path(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        found = start(stack, folder)
        (folder / "ready.new").write_text(json.dumps(found))
        (folder / "ready.new").rename(folder / "ready.json")
        while True:
            signal.pause()


if __name__ == "__main__":
    main()
