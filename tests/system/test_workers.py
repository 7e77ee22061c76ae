"""Real workers under a real supervisor, with their jobs in Redis: none is lost, none is done twice, none goes on with old code."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.conftest import lacking, need
from tests.support import process
from tests.support.artifact import Artifacts
from tests.support.deployment import World
from tests.support.laravel import EXAMPLE, run
from tests.support.redis import Redis
from tests.support.site import serving
from tests.support.supervisor import Supervisor

from .conftest import NO_FRONTEND

pytestmark = pytest.mark.system
JOB = """<?php
namespace App\\Jobs;

class LongJob implements \\Illuminate\\Contracts\\Queue\\ShouldQueue
{
    use \\Illuminate\\Foundation\\Bus\\Dispatchable;
    public function __construct(public string $name) {}

    public function handle(): void
    {
        $this->write('starts');
        for ($until = time() + 90; !file_exists(storage_path("app/end-$this->name")) && time() < $until; usleep(50000)) {
            clearstatcache();
        }
        $this->write('ends');
    }

    private function write(string $what): void
    {
        file_put_contents(storage_path('app/jobs'), "$this->name $what " . basename(base_path()) . "\\n", FILE_APPEND | LOCK_EX);
    }
}
"""
# What an application of today has besides: commands of packages, of which one finds nobody to talk to.
COMMANDS = """
Artisan::command('long {name}', function (string $name) {
    App\\Jobs\\LongJob::dispatch($name);
});
$codes = ['horizon:terminate' => 0, 'reverb:restart' => 0, 'pulse:restart' => 0, 'schedule:interrupt' => 0];
foreach ($codes + ['octane:reload' => 1, 'inertia:stop-ssr' => 1] as $name => $code) {
    Artisan::command($name, function () use ($name, $code) {
        file_put_contents(storage_path('app/told'), "$name " . basename(base_path()) . "\\n", FILE_APPEND);
        if ($name === 'horizon:terminate') {  // as the real one does, so that plain workers end too
            Artisan::call('queue:restart');
        }
        return $code;
    });
}
"""
QUEUE = "'redis' => ['driver' => 'redis', 'connection' => 'default', 'queue' => 'default', 'retry_after' => 90],\n"
DATABASE = "'redis' => ['client' => 'phpredis', 'default' => ['host' => env('REDIS_HOST'), 'port' => 0, 'database' => 0]],\n"


def text(name: str, old: str, new: str) -> str:
    return (EXAMPLE / name).read_text().replace(old, new + old, 1)


CHANGES = {
    "app/Jobs/LongJob.php": JOB,
    "routes/console.php": (EXAMPLE / "routes/console.php").read_text() + COMMANDS,
    "config/queue.php": text("config/queue.php", "'sync' =>", QUEUE),
    "config/database.php": text("config/database.php", "'migrations' =>", DATABASE),
    "config/app.php": text("config/app.php", "Illuminate\\Session\\", "Illuminate\\Redis\\RedisServiceProvider::class,\n"),
}


class Site:
    """A world whose worker waits for jobs."""

    def __init__(self, world: World, artifacts: Artifacts, supervisor: Supervisor) -> None:
        self.world, self.artifacts, self.supervisor = world, artifacts, supervisor
        self.number = 1

    def jobs(self) -> list[str]:
        file = self.world.site / "shared/storage/app/jobs"
        return file.read_text().splitlines() if file.exists() else []

    def wait(self, line: str) -> None:
        until = time.monotonic() + 30
        while line not in self.jobs():
            assert time.monotonic() < until, (line, self.jobs())
            time.sleep(0.1)

    def dispatch(self, name: str) -> str:
        """The release whose worker has begun with it."""
        self.world.artisan("long", name)
        self.wait(f"{name} starts {serving(self.world.site)}")
        return serving(self.world.site)

    def end(self, name: str, seconds: float = 0) -> None:
        """Let this job end, so many seconds after the next switch if they are given."""
        old = serving(self.world.site)
        while seconds and serving(self.world.site) == old:
            time.sleep(0.1)
        time.sleep(seconds)
        (self.world.site / f"shared/storage/app/end-{name}").touch()

    def deploy(self, **settings: str) -> tuple[int, str]:
        self.number += 1
        words = [f"--set=hosts.prod.{key}={value}" for key, value in settings.items()]
        result = self.world.deploy("--artifact", str(self.artifacts.version(str(self.number), CHANGES)), *words)
        return result.code, result.text


@pytest.fixture(scope="module")
def site(open_worlds: Callable[..., World], artifacts: Artifacts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    need("redis-server", "redis-cli", "supervisord", "supervisorctl")
    if "redis" not in run(Path("/"), "php", "-m").lower():
        lacking("PHP has no redis extension")
    folder = tmp_path_factory.mktemp("workers")
    redis, world = Redis(folder / "redis.log"), open_worlds(settings=NO_FRONTEND)
    with world.env_file.open("a") as env:
        env.write(f"QUEUE_CONNECTION=redis\nREDIS_HOST={redis.socket}\n")
    command = f"command=php {world.site}/current/artisan queue:work --sleep=0.2\ndirectory={world.folder}\nstopwaitsecs=60"
    first = world.deploy("--artifact", str(artifacts.version("1", CHANGES)))
    assert first.code == 0, first.text
    supervisor = Supervisor(folder, {"worker": f"{command}\nautorestart=true"})
    world.configure({"hosts": {"prod": {"supervisorctl": supervisor.ctl}}})
    yield Site(world, artifacts, supervisor)
    supervisor.stop()
    redis.stop()


def test_a_job_in_flight_ends_exactly_once_and_the_next_has_new_code(site: Site) -> None:
    old = site.dispatch("flight")
    Thread(target=site.end, args=("flight", 10)).start()  # a job of more than ten seconds
    code, text = site.deploy()
    new = serving(site.world.site)
    assert code == 0, text
    assert "restarted: horizon:terminate, reverb:restart, pulse:restart, schedule:interrupt  " in text, "horizon tells the queue's workers"
    assert "No process runs an earlier release" in text
    assert site.jobs() == [f"flight starts {old}", f"flight ends {old}"]
    site.dispatch("next")
    site.end("next")
    site.wait(f"next ends {new}")
    told = (site.world.site / "shared/storage/app/told").read_text().splitlines()
    both = ("horizon:terminate", "reverb:restart", "pulse:restart", "schedule:interrupt")
    each = [{f"{name} {release}" for release in (new, old)} for name in both]  # the two are told at the same time
    assert [set(told[at : at + 2]) for at in range(-10, -2, 2)] == each
    assert told[-2:] == [f"octane:reload {old}", f"inertia:stop-ssr {old}"]


def test_a_job_that_takes_longer_than_the_patience_is_named_and_left_alone(site: Site) -> None:
    old, pid = site.dispatch("longer"), site.supervisor.pid("worker")
    code, text = site.deploy(drain_timeout="1", workers='["queue"]')
    assert code == 3, text
    assert "Background services restarted: queue:restart  " in text
    assert f"process {pid} (php {site.world.site}/current/artisan queue:work --sleep=0.2, release {old}" in text
    assert "still runs old code" in text
    assert f"kill -TERM {pid}" in text
    site.end("longer")
    assert site.world.fab("server.drain", "--host=prod").code == 0
    assert site.jobs()[-2:] == [f"longer starts {old}", f"longer ends {old}"]


def test_a_program_of_supervisor_has_the_time_that_supervisor_gives_it(site: Site) -> None:
    old = site.dispatch("named")
    Thread(target=site.end, args=("named", 4)).start()
    code, text = site.deploy(supervisor='["worker"]', workers="[]")
    assert code == 0, text
    assert "supervisor program worker" in text
    assert site.jobs()[-2:] == [f"named starts {old}", f"named ends {old}"]
    site.dispatch("after")
    site.end("after")
    for state, sign in (("RUNNING", "✅"), ("STOPPED", "❌")):
        shown = site.world.fab("server.checklist", "--host=prod", '--set=hosts.prod.supervisor=["worker"]').out
        assert re.search(rf"^{sign} +workers .*worker {state}", shown, re.MULTILINE), shown
        site.supervisor.ask("stop", "worker")
    site.supervisor.ask("start", "worker")


def test_a_program_that_supervisor_does_not_know_is_no_success(site: Site) -> None:
    before = serving(site.world.site)
    code, text = site.deploy(supervisor='["worker:*", "nobody:*"]')
    assert code == 5, text
    assert "nobody: ERROR (no such group)" in text
    assert "supervisorctl" in text
    assert serving(site.world.site) == before


def test_what_nobody_told_to_end_is_looked_for_all_the_same(site: Site) -> None:
    before, pid = serving(site.world.site), site.supervisor.pid("worker")
    code, text = site.deploy(workers="[]")
    assert code == 3, text
    assert re.search(rf"process {pid} \(.* release {before}, .* still runs old code: nobody told it to end.*kill -TERM {pid}", text), text
    back = site.world.rollback("--set=hosts.prod.workers=[]")
    assert (back.code, serving(site.world.site)) == (0, before), back.text
    assert "No process runs an earlier release any more" in back.text


def test_workers_that_nobody_starts_again_are_missed(site: Site) -> None:
    site.supervisor.ask("stop", "worker")
    command = [process.program("php"), f"{site.world.site}/current/artisan", "queue:work", "--sleep=0.2"]
    worker = process.spawn(command, site.world.folder / "worker.log")
    code, text = site.deploy()
    worker.wait(10)
    site.supervisor.ask("start", "worker")
    assert code == 3, text
    assert "none came back" in text
