"""The real parts that other tests stand on work by themselves: what they prove is only as good as these."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fabfile.engine import settings
from tests.conftest import need
from tests.support import composer_repo, laravel, prefork, process
from tests.support.deployment import World
from tests.support.fab import Result, environment, fab_command, run_fab, start_fab
from tests.support.git import Origin
from tests.support.load import Load, get
from tests.support.php_web import NginxFpm, Web
from tests.support.sshd import Sshd

pytestmark = pytest.mark.system


@pytest.fixture
def site(tmp_path: Path, laravel_built: Path) -> Path:
    """Two releases of the application, with a cached configuration each, and ``current`` on the first."""
    for number in ("1", "2"):
        release = tmp_path / "releases" / number
        shutil.copytree(laravel_built, release, symlinks=True)
        (release / "app/Version.php").write_text(f"<?php\nnamespace App;\nfinal class Version {{ public const NUMBER = '{number}'; }}\n")
        laravel.artisan(release, "config:cache")
    (tmp_path / "current").symlink_to("releases/1")
    return tmp_path


def switch(site: Path, number: str) -> None:
    (site / "next").symlink_to(f"releases/{number}")
    (site / "next").rename(site / "current")


@pytest.mark.parametrize(("required", "outcome"), [("1", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_what_is_missing_skips_or_fails(required: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAB_REQUIRE_ALL", required)
    with pytest.raises(outcome, match="not installed: no-such-program"):
        need("sh", "no-such-program")


def test_the_lock_is_reproducible(laravel_source: Path, tmp_path: Path, composer_repository: Path) -> None:
    again = laravel.locked(tmp_path / "again", composer_repo.build(tmp_path / "packages"))
    text = (again / "composer.lock").read_text().replace(str(tmp_path / "packages"), str(composer_repository))
    first, second = json.loads((laravel_source / "composer.lock").read_text()), json.loads(text)
    assert first["packages"] == second["packages"]
    assert [package["name"] for package in first["packages-dev"]] == [composer_repo.DEV_ONLY]


def test_npm_lock_names_no_registry() -> None:
    packages = json.loads((laravel.EXAMPLE / "package-lock.json").read_text())["packages"]
    assert "node_modules/vite" in packages
    assert not [name for name, package in packages.items() if "resolved" in package]


def test_vendor_holds_real_files(laravel_built: Path) -> None:
    links = [path for path in (laravel_built / "vendor").rglob("*") if path.is_symlink() and path.parent.name != "bin"]
    assert links == []
    assert (laravel_built / "vendor/laravel/framework/src/Illuminate/Foundation/Application.php").is_file()


def test_vite_manifest_names_files_that_exist(laravel_built: Path) -> None:
    build = laravel_built / "public/build"
    manifest = json.loads((build / "manifest.json").read_text())
    assert {"resources/js/app.js", "resources/css/app.css"} <= set(manifest)
    assert all((build / entry["file"]).is_file() for entry in manifest.values())


@pytest.fixture(scope="module")
def scratch(laravel_built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the application that tests may change as long as the next one can still run."""
    return shutil.copytree(laravel_built, tmp_path_factory.mktemp("scratch") / "app", symlinks=True)


@pytest.mark.parametrize("commands", [
    ["config:cache"], ["route:cache"], ["view:cache"], ["event:cache"], ["migrate:status"], ["db:seed --force"],
    ["queue:work --stop-when-empty --sleep=0"], ["queue:restart"], ["storage:link"], ["down", "up"], ["schedule:run"],
    ["list --raw"],
], ids=" ".join)  # fmt: skip
def test_artisan_says_nothing_but_its_answer(commands: list[str], scratch: Path) -> None:
    for command in commands:
        out = laravel.artisan(scratch, *command.split())
        assert "eprecated" not in out
        assert "Warning" not in out


def test_jobs_run_in_the_release_that_works_them(laravel_built: Path, tmp_path: Path) -> None:
    app = shutil.copytree(laravel_built, tmp_path / "app", symlinks=True)
    laravel.artisan(app, "report", "hello")
    laravel.artisan(app, "queue:work", "--stop-when-empty", "--sleep=0")
    assert (app / "storage/app/report.txt").read_text() == "app hello\n"


def test_without_dev_packages_the_seeder_has_no_faker(laravel_source: Path, tmp_path: Path) -> None:
    app = laravel.installed(tmp_path / "app", laravel_source, dev=False)
    with pytest.raises(RuntimeError, match=r'Class "Faker\\Factory" not found'):
        laravel.artisan(app, "db:seed", "--force")


@pytest.mark.parametrize("kind", ["php", "nginx"])
def test_web_servers_serve_the_application(kind: str, laravel_built: Path, tmp_path: Path, make_web: Callable[..., Web]) -> None:
    app = shutil.copytree(laravel_built, tmp_path / "app", symlinks=True)
    url = make_web(kind, app / "public").url
    asset = json.loads((app / "public/build/manifest.json").read_text())["resources/js/app.js"]["file"]
    assert get(f"{url}/health").body == '{"status":"ok"}'
    assert f"{url}/build/{asset}" in get(url).body
    assert get(f"{url}/build/{asset}").body == (app / "public/build" / asset).read_text()
    assert get(f"{url}/nothing").status == 404
    laravel.artisan(app, "down")
    assert get(f"{url}/health").status == 503


@pytest.mark.parametrize("kind", ["php", "nginx"])
def test_visitors_see_a_switch_and_no_failure(kind: str, site: Path, make_web: Callable[..., Web]) -> None:
    with Load(make_web(kind, site / "current/public").url + "/release") as load:
        load.wait(20)
        switch(site, "2")
        load.wait(20)
    assert (load.failed, load.mixed) == ([], [])
    assert load.histories == [["1", "2"]] * 2


def test_nginx_without_realpath_shows_why_opcache_matters(site: Path, make_web: Callable[..., Web]) -> None:
    web = make_web("nginx", site / "current/public", realpath=False, validate_timestamps=False)
    assert isinstance(web, NginxFpm)
    before = {get(web.url + "/release").body for _ in range(20)}
    switch(site, "2")
    assert get(web.url + "/release").body in before
    web.reload_fpm()
    with Load(web.url + "/release") as load:
        until_version(load, "2")
    assert load.versions[-1] == "2"


def until_version(load: Load, number: str) -> None:
    for _ in range(50):
        load.wait(2)
        if number in load.versions:
            return


def test_visitors_notice_failures(site: Path, make_web: Callable[..., Web]) -> None:
    web = make_web("php", site / "current/public")
    with Load(web.url + "/release") as load:
        (site / "current").unlink()
        load.wait(10)
        web.stop()
        load.wait(10)
    assert {answer.status for answer in load.failed} >= {503, 0}
    assert load.versions == ["1"]


def test_visitors_notice_mixed_answers(site: Path, make_web: Callable[..., Web]) -> None:
    shutil.copy(site / "releases/2/app/Version.php", site / "releases/1/app/Version.php")
    with Load(make_web("php", site / "current/public").url + "/release") as load:
        load.wait(5)
    assert len(load.mixed) == len(load.answers) >= 5


def test_sshd_runs_commands_with_its_own_home_and_counts_them(sshd: Sshd) -> None:
    connections, sessions = sshd.connections(), sshd.sessions()
    with sshd.connect() as c:
        assert c.run('printf %s "$HOME"', hide=True).stdout == str(sshd.home)
        (sshd.home / "here").touch()
        assert "here" in c.sftp().listdir(str(sshd.home))
    assert (sshd.connections() - connections, sshd.sessions() - sessions) == (1, 2)


def test_sshd_cut_leaves_the_command_and_the_server(make_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    server, started, go, done = make_sshd(), tmp_path / "started", tmp_path / "go", tmp_path / "done"
    os.mkfifo(started)
    os.mkfifo(go)
    with server.connect() as c:
        c.run(f"echo >{started}; cat {go} >{done}", asynchronous=True)
        started.read_text()
        server.cut()
        go.write_text("after the cut\n")
        assert eventually(lambda: done.read_text() == "after the cut\n")
        assert eventually(lambda: not c.transport.is_active())
    with server.connect() as again:
        assert again.run("echo back", hide=True).stdout == "back\n"


def eventually(true: Callable[[], bool]) -> bool:
    """Return whether it becomes true within the next seconds."""
    until = time.monotonic() + 10
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
    return true()


def test_sshd_killed_and_started_again_keeps_its_port(make_sshd: Callable[..., Sshd]) -> None:
    server = make_sshd()
    port = server.port
    server.kill()
    assert not process.listening(port)
    assert server.start().port == port
    with server.connect() as c:
        assert c.run("echo back", hide=True).stdout == "back\n"


def test_changed_host_key_is_refused_by_ssh(make_sshd: Callable[..., Sshd]) -> None:
    server = make_sshd()
    assert ssh(server).stdout == "in\n"
    server.new_host_key()
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in ssh(server).stderr


def ssh(server: Sshd) -> subprocess.CompletedProcess[str]:
    options = [f"UserKnownHostsFile={server.known_hosts}", "StrictHostKeyChecking=yes", "BatchMode=yes"]
    flags = [flag for option in options for flag in ("-o", option)]
    command = ["ssh", "-F", "none", *flags, "-i", str(server.key), "-p", str(server.port), f"{server.user}@127.0.0.1", "echo in"]
    return subprocess.run(command, check=False, text=True, capture_output=True)


def test_origin_publishes_what_a_clone_gets(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_text("a")
    origin = Origin(tmp_path, source)
    commit = origin.publish({"b/c": "new", "a": None})
    assert origin.run("ls-remote", str(origin.bare), "refs/heads/main").split()[0] == commit
    assert origin.run("ls-tree", "-r", "--name-only", "origin/main") == "b/c"


def test_fab_runs_with_this_projects_fabfile(tmp_path: Path) -> None:
    assert run_fab(["--version"], tmp_path).out.startswith("Fabric 3")


@pytest.mark.parametrize("builder", [False, True])
def test_world_is_ready_to_be_deployed_to(builder: bool, make_world: Callable[..., World]) -> None:
    world = make_world(builder=builder)
    prod = settings.load(world.clone / "deploy.toml").host("prod")
    assert (prod.port, prod.path, prod.url) == (world.server.port, str(world.site), world.web.url)
    assert world.origin.run("status", "--porcelain") == ""
    assert (world.current(), world.releases(), world.get().status) == (None, [], 503)


@pytest.mark.parametrize("args", [["--list"], ["config", "--host=é"], ["no-such-task"], ["--help", "deploy"]], ids=" ".join)
def test_a_forked_run_of_fab_is_like_any_other(args: list[str], tmp_path: Path) -> None:
    with start_fab(args, tmp_path, {"HOME": str(tmp_path)}) as whole:
        out, err = whole.communicate(timeout=60)
    assert run_fab(args, tmp_path, {"HOME": str(tmp_path)}) == Result(whole.returncode, out, err)


@pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked there")
def test_a_forked_run_ends_as_it_is_ended_and_hinders_none_after_it(tmp_path: Path) -> None:
    env = environment()
    runner = prefork.Runner(env)
    stuck = tmp_path / "stuck.py"
    stuck.write_text(
        "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\n"
        "if 'DIE' in os.environ:\n    os.kill(os.getpid(), 9)\ntime.sleep(600)\n"
    )
    argv = [*fab_command(), "-r", str(tmp_path), "-c", "stuck", "--list"]
    with pytest.raises(subprocess.TimeoutExpired):
        runner.run(argv, tmp_path, env, 3)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists()
    assert runner.run(argv, tmp_path, {**env, "DIE": "yes"}, 60)[0] == -signal.SIGKILL
    assert runner.run([*fab_command(), "--version"], tmp_path, env, 60)[0] == 0
    assert runner.suits({**env, "MORE": "1"})
    assert not runner.suits({**env, "LC_ALL": "C"})
    runner.close()


def test_world_merges_settings(world: World) -> None:
    world.configure({"hosts": {"prod": {"keep_releases": 2}}, "hooks": {"post_release": ["...", {"command": 'echo "é"'}]}})
    loaded = settings.load(world.clone / "deploy.toml")
    assert (loaded.host().path, loaded.host().keep_releases) == (str(world.site), 2)
    assert loaded.settings.hooks.post_release[1].command == 'echo "é"'


def test_world_publishes_a_version(world: World) -> None:
    commit = world.commit_version("7")
    assert "NUMBER = '7';" in world.origin.run("show", f"{commit}:app/Version.php")


def test_builder_is_known_by_its_short_name(make_world: Callable[..., World]) -> None:
    world = make_world(builder=True)
    assert world.builder
    ssh = ["ssh", "-F", f"{world.home}/.ssh/config", "-o", f"UserKnownHostsFile={world.home}/.ssh/known_hosts", "-o", "BatchMode=yes"]
    assert subprocess.check_output([*ssh, "builder", "composer --version --no-ansi"], text=True).startswith("Composer")
    assert (world.builder.sessions(), world.server.sessions()) == (1, 0)
