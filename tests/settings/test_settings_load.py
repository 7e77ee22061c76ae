"""What load() gives back: where it looks, what inherits from what, and what each value's origin is."""

import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest

from fabfile.engine import tomlfile
from fabfile.engine.schema import Hook, Host, Settings
from fabfile.engine.settings import SettingsError, load

ROOT = Path(__file__).resolve().parents[2]
BASIC = """
[project]
branch = "main"

[defaults]
keep_releases = 7
user = "deploy"
public_html = { mode = "symlink" }

[hosts.prod]
address = "root@prod.example.com:2222"
path = "/srv/my app//"

[hosts.prod.public_html]
path = "/home/u/public_html"

[hosts.staging]
path = "/srv/größe"
keep_releases = 2
public_html = { mode = "none" }
"""


def test_the_nearest_file_upwards_then_beside_the_fabfile(tmp_path, monkeypatch):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    beside = tmp_path / "beside"
    beside.mkdir()
    monkeypatch.setattr(tomlfile, "BESIDE_FABFILE", beside)
    for folder in (beside, tmp_path, deep.parent):
        (folder / "deploy.toml").write_text(f"[project]\nname = '{folder.name[:3].strip('-_') or 'x'}'")
        looked_from = tmp_path.parent if folder == beside else deep
        assert load(cwd=looked_from).file == folder / "deploy.toml"


def test_a_file_named_wins(tmp_path, monkeypatch, loading):
    loading("")
    for name in ("one.toml", "two.toml"):
        (tmp_path / name).write_text("")
    monkeypatch.setenv("FAB_DEPLOY_FILE", "one.toml")
    assert load(cwd=tmp_path).file == tmp_path / "one.toml"
    assert load(tmp_path / "two.toml", cwd=tmp_path).file == tmp_path / "two.toml"


def test_an_empty_file_is_the_defaults(loading):
    settings = loading("").settings
    assert list(settings.hosts) == ["sandbox"]
    assert replace(settings, hosts={}) == Settings()


def test_a_byte_order_mark_and_windows_lines(tmp_path):
    (tmp_path / "deploy.toml").write_bytes(b"\xef\xbb\xbf[project]\r\nname = 'x'\r\n")
    loaded = load(cwd=tmp_path)
    assert (loaded.settings.project.name, loaded.origins["project.name"]) == ("x", "deploy.toml:2")


def test_hosts_inherit_key_by_key(loading):
    hosts = loading(BASIC).settings.hosts
    prod, staging = hosts["prod"], hosts["staging"]
    assert (prod.address, prod.user, prod.port, prod.path) == ("prod.example.com", "root", 2222, "/srv/my app")
    assert (prod.keep_releases, prod.public_html.mode, prod.public_html.path) == (7, "symlink", "/home/u/public_html")
    assert (staging.address, staging.user, staging.port, staging.path) == ("staging", "deploy", 0, "/srv/größe")
    assert (staging.keep_releases, staging.public_html.mode) == (2, "none")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("prod", ("prod", "", 0)),
        ("u@prod", ("prod", "u", 0)),
        ("prod:22", ("prod", "", 22)),
        ("u@domain@prod:22", ("prod", "u@domain", 22)),
        ("[::1]:2222", ("::1", "", 2222)),
        ("u@[fe80::1%eth0]", ("fe80::1%eth0", "u", 0)),
    ],
)
def test_addresses(loading, address, expected):
    host = loading(f'[hosts.x]\npath = "/srv/app"\naddress = "{address}"').host("x")
    assert (host.address, host.user, host.port) == expected


def test_the_same_user_twice_is_no_conflict(loading):
    assert loading('[hosts.x]\npath = "/srv/app"\naddress = "u@a:22"\nuser = "u"\nport = 22').host().user == "u"


def test_the_sandbox_inherits_habits_but_no_machine(loading):
    text = (
        '[defaults]\nkeep_releases = 9\nlock_wait = 4\nuser = "deploy"\nphp = "php8.4"\ngateway = "g"\n[hosts.sandbox]\nkeep_releases = 2'
    )
    loaded = loading(text)
    box = loaded.host("sandbox", {"address": "127.0.0.1", "port": 2222, "path": "/srv/${box}", "php": "/opt/php", "keep_releases": 1})
    assert (box.keep_releases, box.lock_wait, box.user, box.gateway) == (2, 4, "", "")
    assert (box.address, box.port, box.path, box.php) == ("127.0.0.1", 2222, "/srv/${box}", "/opt/php")
    assert "sandbox" in loaded.settings.hosts


def test_a_secret_one_host_misses_does_not_stop_another(loading):
    loaded = loading('[hosts.prod]\npath = "/srv/app"\n[hosts.staging]\npath = "${NOT_SET_AT_ALL}"')
    assert loaded.host("prod").path == "/srv/app"


@pytest.mark.parametrize(
    ("text", "hook"),
    [
        ('"server.backup"', Hook(task="server.backup")),
        ('"..."', Hook(task="...")),
        ('"php artisan app:warm"', Hook(command="php artisan app:warm")),
        ('"./deploy.sh"', Hook(command="./deploy.sh")),
        ('"Server.backup"', Hook(command="Server.backup")),
        ('"""a\nb"""', Hook(command="a\nb")),
        ('{ command = "x", place = "local", on_error = "warn", timeout = 9 }', Hook("", "x", "local", 9, "warn")),
        ('{ command = "server.backup" }', Hook(command="server.backup")),
        ('"echo $${HOME} $1 $HOME"', Hook(command="echo ${HOME} $1 $HOME")),
    ],
)
def test_hooks(loading, text, hook):
    assert loading(f"[hooks]\npre_release = [{text}]").settings.hooks.pre_release == (hook,)


@pytest.mark.parametrize(
    ("given", "strategy", "place"),
    [
        ("", "builder", "builder"),
        ("", "server", "server"),
        ("local", "builder", "local"),
        ("", "deployHQ", "local"),
        ("", "github-actions", "local"),
    ],
)
def test_the_strategy_sets_the_place_unless_one_is_given(loading, given, strategy, place):
    text = f'[hosts.box]\n[build]\nbuilder = "box"\nstrategy = "{strategy}"\n' + (f'place = "{given}"' if given else "")
    assert loading(text).settings.build.place == place


@pytest.mark.parametrize(
    ("override", "key", "expected"),
    [
        ("project.branch=dev", "project.branch", "dev"),
        ("project.branch='dev'", "project.branch", "dev"),
        ("project.commit=1234567", "project.commit", "1234567"),
        ("versions.php=8.2", "versions.php", "8.2"),
        ("project.has_frontend=false", "project.has_frontend", False),
        ("project.name=a ${HOME} $$ # x", "project.name", "a ${HOME} $$ # x"),
        ("project.name=", "project.name", ""),
        ("keep_releases=3", "hosts.prod.keep_releases", 3),
        ("keep_releases=3", "hosts.staging.keep_releases", 3),
        ("hosts.staging.keep_releases=3", "hosts.prod.keep_releases", 7),
        ("defaults.keep_releases=3", "hosts.prod.keep_releases", 3),
        ("defaults.keep_releases=3", "hosts.staging.keep_releases", 2),
        ("public_html.mode=bridge", "hosts.prod.public_html.mode", "bridge"),
        ('caches=["route"]', "hosts.prod.caches", ("route",)),
        ("env_mode=0600", "hosts.prod.env_mode", "0600"),
        ('hooks.pre_release=["...", "x.y"]', "hooks.pre_release", (Hook(task="..."), Hook(task="x.y"))),
        ("default_host=staging", "default_host", "staging"),
    ],
)
def test_overrides(loading, override, key, expected):
    loaded = loading(BASIC, override)
    value: object = loaded.settings
    for name in key.split("."):
        value = value[name] if isinstance(value, type(loaded.hosts)) else getattr(value, name)
    assert value == expected


def test_what_one_host_lacks_for_an_override_does_not_stop_another(loading):
    loaded = loading(BASIC, "public_html.mode=bridge")
    assert loaded.host("prod").public_html.mode == "bridge"
    with pytest.raises(SettingsError, match=r"public_html\.path must be set"):
        loaded.host("staging")


def test_the_last_override_wins(loading):
    assert loading(BASIC, "keep_releases=3", "hosts.prod.keep_releases=4").host("prod").keep_releases == 4


def test_origins(loading, monkeypatch):
    monkeypatch.setenv("FROM_SHELL", "/srv/a")
    text = BASIC + 'php = "${FROM_FILE}"\nurl = "${FROM_NOWHERE:-https://a.example}"\n[hosts.c]\npath = "${FROM_SHELL}"'
    origins = loading(text, "lock_wait=3", env="FROM_FILE=php8\nFROM_SHELL=/srv/b").origins
    expected = {
        "project.branch": "deploy.toml:3",
        "project.name": "default",
        "hosts.prod.keep_releases": "deploy.toml:6 [defaults]",
        "hosts.staging.keep_releases": "deploy.toml:19",
        "hosts.prod.public_html.mode": "deploy.toml:8 [defaults]",
        "hosts.prod.public_html.path": "deploy.toml:15",
        "hosts.prod.user": "deploy.toml:11",
        "hosts.prod.port": "deploy.toml:11",
        "hosts.staging.user": "deploy.toml:7 [defaults]",
        "hosts.staging.php": "deploy.toml:21 ← ${FROM_FILE} (.env.deploy)",
        "hosts.staging.url": "deploy.toml:22 ← ${FROM_NOWHERE} (its default)",
        "hosts.c.path": "deploy.toml:24 ← ${FROM_SHELL} (environment)",
        "hosts.c.lock_wait": "--set",
        "hosts.sandbox.keep_releases": "deploy.toml:6 [defaults]",
    }
    assert {key: origins[key] for key in expected} == expected


def test_every_key_has_an_origin(loading):
    loaded = loading(BASIC)
    keys = {f"hosts.{host}.{field.name}" for host in loaded.hosts for field in fields(Host)} - set(loaded.origins)
    assert {key.rpartition(".")[2] for key in keys} == {"public_html"}  # a table: its keys are there
    assert all(loaded.origins.values())


def test_secrets(loading, monkeypatch):
    monkeypatch.setenv("SHELL_TOKEN", "from-the-shell")
    monkeypatch.setenv("BOTH", "the-shell-wins")
    text = """
        project.repository = "https://oauth2:in-a-url@git.example/x.git"
        hooks.pre_release = ["curl -H ${SHELL_TOKEN}", "echo ${HOME:-x}", "x ${OTHER_KEY:-its-default}"]
        notify = { slack = "https://hooks.example/T/B/x", webhook = "${HOOK}" }
        hosts.a = { path = "/srv/a", url = "https://guest:let-me-in@a.example" }
        hosts.b = { path = "${UNSET}", gateway = "${SHELL_TOKEN}" }
    """
    env = "HOOK=https://hook.example/y\nBOTH=file\nPORT=22\nPIN_TOKEN=123\nSINGLE='pa$$ ${word}'\nEMPTY=\nBARE\n"
    assert loading(text, env=env).secrets == {
        "in-a-url", "from-the-shell", "its-default", "https://hooks.example/T/B/x", "let-me-in",
        "https://hook.example/y", "the-shell-wins", "123", "pa$$ ${word}",
    }  # fmt: skip


def test_loading_imports_nothing_heavy():
    """A mistake in deploy.toml is told before anything that connects or paints is loaded."""
    program = (
        "import sys, types, pathlib\n"
        "package = sys.modules['fabfile'] = types.ModuleType('fabfile'); package.__path__ = ['fabfile']\n"
        "from fabfile.engine.settings import SettingsError, load; load(pathlib.Path('deploy.toml'))\n"
        "print(sorted({'fabric', 'paramiko', 'rich', 'asyncssh', 'pathspec'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
