"""Secrets: no screen, no log, no record, no argument, no environment and no file for everybody has one, whatever happens."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import pytest

from fabfile.engine import redact
from fabfile.engine.pipes import ProcessPipe
from fabfile.engine.shell import Shell
from fabfile.server import caches
from tests.support.deployment import World
from tests.support.fab import Result
from tests.support.process import free_port
from tests.support.site import journal
from tests.support.sshd import new_key

from .audit import Watch, readable_by_all, wrap
from .conftest import SAMPLE, pack

DATABASE = "s3ntinel-database'\"$#\\`x"
TOKEN = "s3ntinel-token-of-env-deploy"
WEBHOOK = "s3ntinel-webhook"
SITE = "s3ntinel-site"
KEY = "base64:" + base64.b64encode(b"s3ntinel of thirty-two bytes ...").decode()
NAMES = ("s3ntinel", KEY.removeprefix("base64:")[:20])


class Receiver(BaseHTTPRequestHandler):
    """Slack, as far as we are concerned."""

    got: list[tuple[str, dict[str, object]]] = []  # noqa: RUF012 one receiver a module

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Run(NamedTuple):
    """What was typed, how it has to end, and how it ended."""

    name: str
    code: int
    result: Result


LEAK = 'cat "$PWD/.env"; echo "$PWD" >&2; exit 3'  # a command of the team's that shows what it should not
# A migration, a Python task and a database driver that do the same.
MIGRATION = """<?php
return new class {
    public function up(array $tables): array { throw new RuntimeException(file_get_contents(dirname(__DIR__, 2) . '/.env')); }
    public function describe(): string { return 'leak'; }
};
"""
TEAM = """
from fabfile.engine.tasks import here, on_host

@on_host()
def leak(c, release=""):
    raise ValueError(open(c.site.shared + "/.env").read())

@here()
def tell(c):
    raise ValueError(open(".env.deploy").read())
"""
DRIVER = """
    public function make(string $what): object
    {
        return new class ($this) {
            public function __construct(private object $app) {}
            public function bootstrap(): void {}
            public function get(string $key): ?string { return null; }
            public function connection(): object { return $this; }
            public function getConfig(): array
            {
                Env::load($this->app->path('.env'));
                $values = ['driver' => 'mysql', 'host' => '127.0.0.1', 'port' => '1', 'username' => 'me', 'database' => 'notes'];
                return [...$values, 'password' => Env::get('DB_PASSWORD')];
            }
        };
    }
}
"""
KERNEL = "<?php\nnamespace Illuminate\\Contracts\\Console { interface Kernel {} }\nnamespace {\n%s}\n"


def runs(good: Path, bad: Path) -> dict[str, tuple[tuple[str, ...], int]]:
    """What is typed, and how it has to end: ``good`` is an artifact, ``bad`` one whose migration fails."""
    artifact, hook = ("--artifact", str(good)), json.dumps([LEAK])
    mid, post = f"hooks.mid_release={hook}", f"hooks.post_release={hook}"
    return {
        "the first deployment": (("deploy", "--verbose"), 0),
        "deploy": (("deploy", *artifact), 0),
        "deploy for programs": (("deploy", *artifact, "--json", "--verbose"), 0),
        "dry run": (("deploy", "--dry-run", "--verbose"), 0),
        "dry run for programs": (("deploy", *artifact, "--dry-run", "--json", "--verbose"), 0),
        "a failing hook": (("deploy", *artifact, "--verbose", "--set", mid), 4),
        "a failing hook, quietly": (("deploy", *artifact, "--quiet", "--set", mid), 4),
        "a failing hook for programs": (("deploy", *artifact, "--json", "--verbose", "--set", mid), 4),
        "a hook that fails after the switch": (("deploy", *artifact, "--verbose", "--set", post), 5),
        "a site that does not answer": (("deploy", *artifact, "--set", "hosts.prod.health_path=/nowhere", "--verbose"), 4),
        "a failing backup": (("deploy", *artifact, "--set", "hosts.prod.backup=always", "--verbose"), 4),
        "a failing migration": (("deploy", "--artifact", str(bad)), 4),
        "a failing task of the team's": (("deploy", *artifact, "--verbose", "--set", 'hooks.mid_release=["team.leak"]'), 4),
        "that task alone": (("team.leak",), 1),
        "one that knows no server": (("team.tell",), 1),
        "a hook alone": (("hooks.on-failure", "--verbose", "--set", f"hooks.on_failure={hook}"), 4),
        "a wrong setting": (("deploy", "--set", f"notify.slack={TOKEN}"), 2),
        "a port where nobody listens": (("deploy", *artifact, "--verbose", "--set", f"hosts.prod.port={free_port()}"), 4),
        "a wrong host key": (("deploy", *artifact, "--verbose"), 4),
        "rollback": (("rollback", "--verbose"), 0),
        "status": (("status", "--json"), 0),
        "releases": (("releases",), 0),
        "config": (("config",), 0),
        "one step": (("server.env", "--verbose"), 0),
        "verify": (("verify", "--verbose"), 0),
    }


NAMES_OF_RUNS = tuple(runs(Path(), Path()))


class Story(NamedTuple):
    """Every kind of run in one world, with everything watched."""

    world: World
    runs: dict[str, Run]
    watch: Watch
    audit: Path


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/services"
    server.shutdown()
    server.server_close()


def leaky(folder: Path, migration: str = "") -> Path:
    """The sample application with a database that nobody answers for."""
    sources = {name: (SAMPLE / name).read_text() for name in ("app/Application.php", "bootstrap/app.php")}
    files = {
        "app/Application.php": sources["app/Application.php"].rstrip().removesuffix("}") + DRIVER,
        "bootstrap/app.php": KERNEL % sources["bootstrap/app.php"].removeprefix("<?php"),
        **({"database/migrations/2026_03_01_000000_leak.php": migration} if migration else {}),
    }
    return pack(folder / f"{len(migration)}.tar.gz", files)


@pytest.fixture(scope="module")
def story(sample_worlds: Callable[..., World], receiver: str, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("audit")
    audit = folder / "audit.log"
    path = f"{wrap(folder / 'bin', audit)}:/usr/local/bin:/usr/bin:/bin"
    world = sample_worlds(env={"PATH": path})
    secret_url = world.web.url.replace("http://", "http://visitor:${SITE_PASSWORD}@")
    world.configure(
        {
            "modules": ["team.py"],
            "hosts": {"prod": {"url": secret_url, "backup": "never", "env_file": ".env.prod"}},
            "notify": {"slack": f"{receiver}/${{WEBHOOK_TOKEN}}", "webhook": f"{receiver}/${{DEPLOY_TOKEN}}"},
        }
    )
    world.commit({"team.py": TEAM})
    (world.clone / ".env.deploy").write_text(f"DEPLOY_TOKEN={TOKEN}\nWEBHOOK_TOKEN={WEBHOOK}\nSITE_PASSWORD={SITE}\n")
    escaped = DATABASE.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    (world.clone / ".env.prod").write_text(f'APP_KEY={KEY}\nDB_PASSWORD="{escaped}"\nMAIL_URL="smtp://me:s3ntinel-in-a-url@mail"\n')
    world.env_file.unlink()
    stranger = folder / "stranger"
    (stranger / ".ssh").mkdir(parents=True)
    new_key(folder / "other")
    kind, value = (folder / "other.pub").read_text().split()[:2]
    (stranger / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{world.server.port} {kind} {value}\n")
    done = {}
    with Watch(world.folder.parent, [world.site / "shared", world.site / "backups", world.site / ".deploy"]) as watch:
        for name, (words, code) in runs(leaky(folder), leaky(folder, MIGRATION)).items():
            home = {"HOME": str(stranger)} if name == "a wrong host key" else {}
            done[name] = Run(name, code, world.fab(*words, "--host=prod", PATH=path, **home))
    return Story(world, done, watch, audit)


@pytest.mark.parametrize("name", NAMES_OF_RUNS)
def test_no_screen_shows_one(name: str, story: Story) -> None:
    run = story.runs[name]
    shown = [line for line in run.result.text.splitlines() if any(secret in line for secret in NAMES)]
    assert shown == []
    assert run.result.code == run.code, run.result.text
    assert ("Traceback" in run.result.text) == (run.code == 1 or name == "a failing task of the team's")


HIDDEN = ["a failing hook", "a failing hook, quietly", "a failing hook for programs", "a hook that fails after the switch"]
HIDDEN += ["a failing migration", "a failing task of the team's", "that task alone", "a hook alone"]


@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_hidden_is_there(name: str, story: Story) -> None:
    """The lines with the secrets were printed, masked: this is not a test of silence."""
    assert "APP_KEY=" in story.runs[name].result.text
    assert redact.MASK in story.runs[name].result.text


def test_each_failed_where_it_should(story: Story) -> None:
    said = {name: run.result.text for name, run in story.runs.items()}
    assert redact.MASK in said["config"]
    assert f"DEPLOY_TOKEN={redact.MASK}" in said["one that knows no server"]
    assert "server.backup" in said["a failing backup"]
    assert "back the database up failed" in said["a failing backup"]
    assert "the host key has CHANGED" in said["a wrong host key"]
    assert "cannot connect" in said["a port where nobody listens"]


def test_whoever_is_told_gets_the_secret_url_and_no_secret(story: Story) -> None:
    assert {path for path, _ in Receiver.got} == {f"/services/{WEBHOOK}", f"/services/{TOKEN}"}
    assert [body for _, body in Receiver.got if any(secret in json.dumps(body) for secret in NAMES)] == []


def test_no_process_has_one_in_its_arguments_or_environment(story: Story) -> None:
    asked = story.runs["a wrong setting"]  # there somebody typed one, and `fab` itself has it
    told = story.audit.read_text(errors="replace")
    assert all(f"\n{name}\n" in f"\n{told}" for name in ("php", "sh", "mv", "tar", "mariadb-dump"))
    assert [line for line in told.splitlines() if any(secret in line for secret in NAMES)] == []
    typed = [data for data in story.watch.seen if any(secret.encode() in data for secret in NAMES)]
    assert all(b"notify.slack=" in data for data in typed), typed
    assert asked.result.code == 2
    assert story.watch.rounds > 20


def test_no_file_has_one_but_the_env_and_its_cache(story: Story) -> None:
    """Whatever is left: records, journal, log, run folders, build, artifacts, caches of the person who deploys."""
    meant = {story.world.env_file, story.world.clone / ".env.deploy", story.world.clone / ".env.prod"}
    found = set()
    for folder in (story.world.site, story.world.folder):
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink() and any(secret.encode() in path.read_bytes() for secret in NAMES):
                found.add(path)
    assert {path for path in found - meant if not path.match("releases/*/bootstrap/cache/config.php")} == set()
    assert story.world.env_file in found
    assert journal(story.world.site)


def test_no_secret_can_be_read_by_everybody(story: Story) -> None:
    for path in story.world.site.rglob("*"):
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in NAMES):
            assert not path.stat().st_mode & stat.S_IROTH, path


def test_the_cache_of_the_settings_is_private_from_its_first_byte(tmp_path: Path) -> None:
    (tmp_path / "bootstrap/cache").mkdir(parents=True)
    write = "echo secret >bootstrap/cache/config.php; ls -l bootstrap/cache"
    shell = Shell("local", ProcessPipe, silence=0)
    said = shell.work(caches.CACHES, tmp_path, "", "0600", "", "config:config.php", "/srv/current", caches.LITERAL, "sh", "-c", write).out
    shell.close()
    assert "-rw-r-----" in said
    assert stat.S_IMODE((tmp_path / "bootstrap/cache/config.php").stat().st_mode) == 0o600


def test_nothing_is_for_everybody_to_write_and_what_is_ours_is_for_nobody_else(story: Story) -> None:
    site = story.world.site
    everything = [path for path in site.rglob("*") if not path.is_symlink()]
    assert [path for path in everything if path.stat().st_mode & stat.S_IWOTH] == []
    ours = [path for path in everything if path.is_relative_to(site / ".deploy") or path.is_relative_to(site / "backups")]
    assert [path for path in ours if readable_by_all(path, site)] == []
    assert {stat.S_IMODE((site / name).stat().st_mode) for name in (".deploy", "backups")} == {0o700}
    assert stat.S_IMODE((site / "deployment.log").stat().st_mode) == 0o640


def test_what_is_built_is_for_the_builder_only(story: Story) -> None:
    artifacts = list((story.world.folder / "build").rglob("*.tar.gz"))
    assert artifacts
    assert {stat.S_IMODE(path.stat().st_mode) for path in artifacts} == {0o600}


def test_modes_that_were_ever_seen(story: Story) -> None:
    """Looked at all the time, not only at the end."""
    assert story.watch.modes[".env"] == {0o640}
    assert story.watch.modes.get("env", {0o600}) <= {0o600, 0o640}
    assert story.watch.modes["artifact.tar.gz"] == {0o600} if "artifact.tar.gz" in story.watch.modes else True


@pytest.mark.parametrize("secret", [DATABASE, "line one of a key\nline two of a key", "plain-secret", "ü-日本-secret", "a\\b'c\"d e"])
@pytest.mark.parametrize("show", [str, repr, json.dumps, partial(json.dumps, ensure_ascii=False)], ids=["text", "repr", "json", "json8"])
def test_a_secret_is_masked_however_it_is_written(show: Callable[[str], str], secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "_secrets", [])
    redact.remember([secret])
    shown = redact.mask(f"before {show(secret)} after")
    assert shown.replace('"', "").replace("'", "") == f"before {redact.MASK} after"
    for line in secret.splitlines():
        assert redact.mask(line) == redact.MASK
