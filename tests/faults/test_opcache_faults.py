"""PHP-FPM that goes on with the old release: who notices, what is done about it, and that nobody is answered by it afterwards."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from fabfile.server import reloading
from tests.engine.places import eventually
from tests.security.conftest import SAMPLE, pack
from tests.support.deployment import World
from tests.support.fab import PROJECT, Result
from tests.support.load import Answer, get
from tests.support.php_web import NginxFpm
from tests.support.site import leftovers, lock_is_free

pytestmark = pytest.mark.system
PAGE = "/?json"
SLOW = "<?php touch($_GET['busy']); while (is_file($_GET['busy'])) { usleep(50000); clearstatcache(); } echo 'at last';"
CACHED = "<?php echo json_encode(array_keys(opcache_get_status()['scripts']));"
# As up to Laravel 7: nothing is required before it boots.
LINE = "if (is_file($maintenance = __DIR__ . '/../storage/framework/maintenance.php')) {\n    require $maintenance;\n}\n"
OLDER = (SAMPLE / "public/index.php").read_text().replace(LINE, "define('LARAVEL_START', microtime(true));\n")
OTHER = (SAMPLE / "public/index.php").read_text().replace(LINE, "")
REFUSES = "php_admin_value[opcache.restrict_api] = /nowhere\n"
WORKERS = 4


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample application with a page that takes its time, and one that says what OPcache holds."""
    return pack(tmp_path_factory.mktemp("artifact") / "sample.tar.gz", {"public/slow.php": SLOW, "public/cached.php": CACHED})


@pytest.fixture(scope="module")
def make(sample_worlds: Callable[..., World], artifact: Path) -> Callable[..., World]:
    """A function that makes a world with one release, behind an nginx that is configured so."""

    def make(**served: object) -> World:
        world = sample_worlds(web="nginx", served=served)
        (world.folder / "sample.tar.gz").symlink_to(artifact)
        first = deploy(world)
        assert first.code == 0, first.text
        return world

    return make


@pytest.fixture(scope="module")
def usual(make: Callable[..., World]) -> World:
    """nginx resolves current, as Laravel's documentation has it."""
    return make()


@pytest.fixture(scope="module")
def frozen(make: Callable[..., World]) -> World:
    """nginx hands over ``current``, and OPcache never looks at a file again."""
    return make(realpath=False, validate_timestamps=False)


@pytest.fixture(scope="module")
def refusing(make: Callable[..., World]) -> World:
    """The same, and opcache_reset() is not allowed."""
    return make(realpath=False, validate_timestamps=False, pool=REFUSES)


@pytest.fixture(scope="module")
def patient(make: Callable[..., World]) -> World:
    """The same, and a reload waits for the requests under way."""
    return make(realpath=False, validate_timestamps=False, pool=REFUSES, control_timeout=10)


def web(world: World) -> NginxFpm:
    assert isinstance(world.web, NginxFpm)
    return world.web


def deploy(world: World, *settings: str) -> Result:
    return world.deploy("--artifact", str(world.folder / "sample.tar.gz"), *(f"--set=hosts.prod.{text}" for text in settings))


def answering(world: World, path: str = PAGE, visitors: int = 40) -> set[str]:
    """Which releases answer so many visitors, most of them at the same moment."""
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(get, [world.web.url + path] * visitors))
    return {json.loads(answer.body)["release"] if answer.status == 200 else f"{answer.status} {answer.body}" for answer in answers}


@contextmanager
def slow(world: World, gate: Path) -> Iterator[Future[Answer]]:
    """A request that is under way until ``gate`` is gone."""
    with ThreadPoolExecutor(1) as pool:
        try:
            answer = pool.submit(get, f"{world.web.url}/slow.php?busy={gate}", 120)
            assert eventually(gate.exists)
            yield answer
        finally:
            gate.unlink(missing_ok=True)


def left(world: World) -> list[Path]:
    """What is left of asking, anywhere in the site."""
    names = ("releases/*/storage/framework/maintenance.php", "**/.laravel-fab", "**/opcache-*", "**/fab-*", "**/which.*")
    return [path for name in names for path in world.site.glob(name)]


def older(world: World, index: str = OLDER) -> World:
    """From now on what is deployed there has this front controller."""
    (world.folder / "sample.tar.gz").unlink(missing_ok=True)
    pack(world.folder / "sample.tar.gz", {"public/index.php": index, "public/slow.php": SLOW, "public/cached.php": CACHED})
    return world


def went_on(world: World, result: Result, says: str, code: int = 0) -> None:
    """The new release is live, and nobody is answered by another."""
    now = answering(world)
    assert result.code == code, result.text
    assert says in result.out, result.text
    assert now == {world.current()}
    assert f"It is release {world.current()} that answers" in result.out
    assert (left(world), leftovers(world.site), lock_is_free(world.site)) == ([], [], True)


@pytest.mark.parametrize("timestamps", [True, False])
def test_nothing_is_done_where_nothing_is_needed(timestamps: bool, usual: World, make: Callable[..., World]) -> None:
    world = usual if timestamps else make(realpath=True, validate_timestamps=False)
    before = world.current()
    assert answering(world) == {before}
    went_on(world, deploy(world, f"fpm_socket={web(world).socket}", "opcache_command=false"), "OPcache: nothing needed")
    assert world.current() != before


@pytest.mark.parametrize("way", ["fpm", "web", "command"])
def test_every_worker_forgets_the_old_release(way: str, frozen: World) -> None:
    settings = {
        "fpm": ([f"fpm_socket={web(frozen).socket}"], f"OPcache cleared through {web(frozen).socket}: {WORKERS} workers", 0),
        "web": ([], f"OPcache cleared by way of the site: {WORKERS} workers", 0),
        # which cuts off requests under way, as is told: process_control_timeout is not set
        "command": (["opcache=command", f"opcache_command=kill -USR2 {web(frozen).fpm}"], "set process_control_timeout", 3),
    }
    words, says, code = settings[way]
    assert answering(frozen) == {frozen.current()}, "every worker knows where current led"
    result = deploy(frozen, *words)
    went_on(frozen, result, says, code)
    assert way != "command" or result.out.index(says) < result.out.index("OPcache: ran"), "it warns first"


@pytest.mark.parametrize("index", [OLDER, OTHER], ids=["up to Laravel 7", "of somebody's own"])
def test_a_front_controller_that_lets_nobody_tell(index: str, make: Callable[..., World]) -> None:
    """A page beside it tells for it, and by it every worker forgets the old release, twice in a row."""
    assert "maintenance" not in index
    world = make(realpath=False, validate_timestamps=False)
    went_on(world, deploy(world), "OPcache cleared by way of the site")
    older(world, index)
    for _ in range(2):
        assert answering(world) == {world.current()}
        went_on(world, deploy(world), f"OPcache cleared by way of the site: {WORKERS} workers")
    done = world.fab("server.checklist", "--host=prod")
    assert (done.code, f"PHP runs release {world.current()}" in done.out) == (0, True), done.text
    assert world.rollback().code == 0
    assert answering(world) == {world.current()}
    older(world, (SAMPLE / "public/index.php").read_text())  # from now on it tells, and the one before did not
    went_on(world, deploy(world), f"OPcache cleared by way of the site: {WORKERS} workers")


def test_where_such_a_page_is_not_run_nothing_is_taken_for_proven(make: Callable[..., World]) -> None:
    """As in nginx's configuration in Laravel's documentation, which hands index.php to PHP and nothing else."""
    world = older(make(realpath=True, validate_timestamps=False, scripts="^/index\\.php$"))
    result = deploy(world)
    assert result.code == 3, result.text
    assert f"{world.current()} is what the document root leads to; which code PHP runs was not proven" in result.out
    assert "storage/framework/maintenance.php" in result.out
    assert (answering(world), left(world)) == ({world.current()}, [])
    done = world.fab("server.checklist", "--host=prod")
    assert "⚠️  prod: " in done.out
    assert f"{world.current()} answers" not in done.out
    assert deploy(world, "health_release=false").code == 0


def test_behind_a_bridge_it_is_asked_as_well(sample_worlds: Callable[..., World]) -> None:
    world = older(sample_worlds(web="nginx", served={"validate_timestamps": False}, public="../public_html"))
    public = world.folder / "public_html"
    public.mkdir()
    world.configure({"hosts": {"prod": {"public_html": {"mode": "bridge", "path": str(public)}}}})
    for _ in range(2):
        went_on(world, deploy(world), "OPcache: nothing needed")
        assert [path.name for path in public.glob("fab-*")] == []


def test_a_page_of_a_client_that_died_tells_nobody_and_goes(make: Callable[..., World]) -> None:
    world = older(make(realpath=True))
    text = (PROJECT / "fabfile/server/page.php").read_text()
    for token, until in (("a" * 64, time.time() + 60), ("b" * 64, time.time() - 1)):
        proof = f"{hashlib.sha256(token.encode()).hexdigest()} {int(until)}"
        page = world.site / f"current/public/fab-{token[:32]}.php"
        page.write_text(f'<?php\n// laravel-fab asks\n$proof = "{proof}"; ?>\n{text}')
        assert get(f"{world.web.url}/{page.name}").status == 404
        assert page.exists() == (until > time.time()), "after its time it removes itself"
    assert json.loads(ask(world, "a" * 64, f"/fab-{'a' * 32}.php"))["laravel-fab"] == world.current()
    assert world.fab("server.validate", "--host=prod").code == 0
    assert left(world) == []


def test_a_pool_that_looks_at_files_goes_on_with_the_old_release_as_well(make: Callable[..., World]) -> None:
    """OPcache compares the old file, which has not changed, under the name that it knows it by."""
    world = make(realpath=False, validate_timestamps=True)
    assert answering(world) == {world.current()}
    went_on(world, deploy(world), "OPcache cleared by way of the site")


def test_requests_under_way_are_answered_and_leave_no_old_code(frozen: World, tmp_path: Path) -> None:
    """OPcache starts anew when nobody uses it; who ends before that would go on with the old release, and has to be replaced."""
    assert answering(frozen) == {frozen.current()}
    gates = [tmp_path / "first", tmp_path / "second"]
    with ThreadPoolExecutor(2) as pool:
        slow = [pool.submit(get, f"{frozen.web.url}/slow.php?busy={gate}", 120) for gate in gates]
        try:
            assert eventually(lambda: all(gate.exists() for gate in gates))
            went_on(frozen, deploy(frozen), f"OPcache cleared by way of the site: {WORKERS - 2} workers")
            assert not any(one.done() for one in slow)
            for gate, one in zip(gates, slow, strict=True):
                gate.unlink()
                assert one.result().body == "at last"
                assert answering(frozen) == {frozen.current()}
        finally:
            for gate in gates:
                gate.unlink(missing_ok=True)


def test_a_reload_is_the_last_rung_where_requests_under_way_survive_it(patient: World, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    assert answering(patient) == {patient.current()}
    with slow(patient, gate) as answer:
        command = f"kill -USR2 {web(patient).fpm}; sleep 1; rm {gate}"
        result = deploy(patient, f"opcache_command={command}")
        assert answer.result().body == "at last"
    went_on(patient, result, "OPcache: ran kill -USR2")
    assert "process_control_timeout" not in result.text


@pytest.mark.parametrize("kind", ["reload", "restart"])
def test_requests_under_way_are_not_cut_off_unless_that_is_wanted(kind: str, refusing: World, tmp_path: Path) -> None:
    before, gate = refusing.current(), tmp_path / "gate"
    command, why = {
        "reload": (f"kill -USR2 {web(refusing).fpm}", f"set process_control_timeout = 10s in {refusing.folder}/fpm.conf"),
        "restart": (f"kill -TERM {web(refusing).fpm} # systemctl restart php8.2-fpm", "reload it instead"),
    }[kind]
    assert answering(refusing) == {before}
    with slow(refusing, gate) as answer:
        result = deploy(refusing, f"opcache_command={command}")
        untold = refusing.fab("server.opcache", "--host=prod", f"--set=hosts.prod.opcache_command={command}", '--set=hosts.prod.url=""')
        assert not answer.done()
        gate.unlink()
        assert answer.result().body == "at last"
    assert result.code == 5, result.text
    assert f"{command} was not run: a {kind} of PHP-FPM cuts off requests under way: {why}" in result.err
    assert (untold.code, f"{command} was not run: a {kind}" in untold.text) == (0, True), untold.text
    assert (answering(refusing), refusing.current()) == ({before}, before)


def test_a_server_that_goes_back_by_itself_cuts_off_no_requests_either(refusing: World, patient: World, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for world, code in ((refusing, 1), (patient, 0)):
        command = f"true kill -USR2 {web(world).fpm}; touch {ran}"
        done = subprocess.run(["sh", "-eu", "-c", reloading.careful(command)], check=False)
        assert (done.returncode, ran.exists()) == (code, not code)


@pytest.mark.parametrize(("command", "restarts"), [
    ("sudo -n systemctl restart php8.2-fpm", True),
    ("service php-fpm restart", True),
    ("sudo systemctl reload-or-restart php8.2-fpm", False),
    ("sudo systemctl reload php8.2-fpm", False),
    ("supervisorctl restart octane", False),
])  # fmt: skip
def test_what_a_restart_of_php_fpm_is(command: str, restarts: bool) -> None:
    assert bool(reloading.RESTARTS.search(command)) == restarts


def test_where_nothing_helps_the_old_release_stays(refusing: World) -> None:
    before = refusing.current()
    assert answering(refusing) == {before}
    result = deploy(refusing)
    assert result.code == 5, result.text
    assert f"is answered by release {before}, not by {refusing.releases()[-1]}" in result.err
    assert "opcache_reset() is refused there" in result.err
    assert "hand PHP $realpath_root" in result.err
    assert (answering(refusing), refusing.current(), left(refusing)) == ({before}, before, [])


def leave(world: World, until: float) -> str:
    """What a client that died while it asked leaves behind; the token."""
    token, folder = "a" * 64, world.site / "current/storage/framework"
    (folder / "maintenance.php").write_text((PROJECT / "fabfile/server/which.php").read_text())
    (folder / ".laravel-fab").write_text(f"{hashlib.sha256(token.encode()).hexdigest()} {int(until)}\n")
    return token


def ask(world: World, token: str, page: str = PAGE) -> str:
    with urlopen(Request(world.web.url + page, headers={"X-Laravel-Fab": token})) as response:
        return str(response.read().decode())


def test_only_who_asks_in_time_and_with_the_token_is_told(usual: World) -> None:
    world = usual
    token = leave(world, time.time() + 60)
    told = json.loads(ask(world, token))
    assert (told["laravel-fab"], told["named"], told["reset"]) == (world.current(), True, None)
    assert [json.loads(ask(world, text))["release"] for text in ("", "b" * 64, f"{'b' * 64} reset")] == [world.current()] * 3
    leave(world, time.time() - 1)
    assert json.loads(ask(world, token))["release"] == world.current(), "after its time it tells nobody"
    assert world.fab("server.verify", "--host=prod").code == 0
    assert world.fab("server.validate", "--host=prod").code == 0
    assert left(world) == []

    theirs = world.site / "current/storage/framework/maintenance.php"
    theirs.write_text("<?php // somebody's own\n")
    result = world.fab("server.validate", "--host=prod")
    assert result.code == 0, result.text
    assert f"It is release {world.current()} that answers" in result.out
    assert theirs.read_text() == "<?php // somebody's own\n"
    theirs.unlink()

    assert world.fab("server.down", "--host=prod").code == 0
    ours = theirs.read_text()
    assert world.fab("server.validate", "--host=prod").code == 0
    assert (theirs.read_text(), get(world.web.url + PAGE).status) == (ours, 503)
    assert world.fab("server.up", "--host=prod").code == 0
    assert answering(world) == {world.current()}


def test_pages_that_shall_be_warm_are_asked_for_before_the_switch(usual: World) -> None:
    world = usual
    before, socket = world.current(), f"fpm_socket={web(world).socket}"
    result = deploy(world, socket, 'warm_paths=["/", "/nothing"]')
    assert result.code == 4, result.text
    assert "answers /nothing with 404" in result.err
    new = world.site / "releases" / world.releases()[-1]
    held = json.loads(get(world.web.url + "/cached.php").body)
    assert {str(new / "public/index.php"), str(new / "app/View.php")} <= {*held}, "OPcache has what / needs, before anybody asked for it"
    assert world.current() == before
    broken = pack(world.folder / "broken.tar.gz", {"routes/web.php": "<?php return ["})
    result = world.deploy("--artifact", str(broken), '--set=hosts.prod.warm_paths=["/"]')
    assert result.code == 4, result.text
    assert world.current() == before


@pytest.mark.parametrize("by", ["the path in the settings", "another path to the same folder"])
def test_cached_settings_that_lead_through_current_are_named(by: str, usual: World) -> None:
    world = usual
    before, link = world.env_file.read_text(), world.folder / "link"
    if by != "the path in the settings" and not link.is_symlink():
        link.symlink_to(world.site)
    path = [f"path={link}"] if link.is_symlink() else []
    world.env_file.write_text(f"{before}APP_NAME={world.site}/current/name\n")
    result = deploy(world, *path)
    assert result.code == 3, result.text
    assert f"cached settings lead through {link if path else world.site}/current: app.name;" in result.text
    world.env_file.write_text(before)
