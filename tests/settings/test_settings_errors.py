"""Everything that can be wrong in deploy.toml: one line with file, line, key, and what is meant or allowed."""

import os
from pathlib import Path

import pytest

from fabfile.engine.settings import SettingsError, load

HOST = '[hosts.prod]\npath = "/srv/app"\n'

CASES = {
    # unknown keys
    "unknown key": (HOST + "keep_relases = 3", "deploy.toml:3: hosts.prod.keep_relases is not a key; did you mean keep_releases?"),
    "unknown in defaults": (
        "[defaults]\nkeep_relases = 3",
        "deploy.toml:2: defaults.keep_relases is not a key; did you mean keep_releases?",
    ),
    "unknown section": ("[projct]\nname = 'x'", "deploy.toml:1: projct is not a key; did you mean project?"),
    "unknown section like defaults": ("[default]\nport = 1", "default is not a key; did you mean defaults?"),
    "table in an unknown one": ("[project]\n\n[host.prod]\npath = '/srv/app'", "deploy.toml:3: host is not a key; did you mean hosts?"),
    "hyphen for underscore": ("[hooks]\npre-release = []", "deploy.toml:2: hooks.pre-release is not a key; did you mean pre_release?"),
    "key of another section": ("[project]\nkeep_releases = 3", "keep_releases belongs in [defaults] or [hosts.NAME]"),
    "host key at the top": ("keep_releases = 3", "deploy.toml:1: keep_releases is not a key; keep_releases belongs in [defaults]"),
    "nested": ('[hosts.prod.public_html]\nmod = "none"', "deploy.toml:2: hosts.prod.public_html.mod is not a key; did you mean mode?"),
    "in an inline table": ('[hosts.prod]\npublic_html = { mod = "none" }', "deploy.toml:2: hosts.prod.public_html.mod is not a key"),
    "in a hook": (
        '[[hooks.pre_release]]\ncommand = "x"\ntimeot = 1',
        "deploy.toml:3: hooks.pre_release[0].timeot is not a key; did you mean timeout?",
    ),
    "second hook": (
        '[[hooks.pre_release]]\ntask = "a.b"\n\n[[hooks.pre_release]]\ntsk = "a.b"',
        "deploy.toml:5: hooks.pre_release[1].tsk is not a key; did you mean task?",
    ),
    "unquoted dots in a host": ("[hosts.web.example]\npath = '/srv/app'", "deploy.toml:1: hosts.web.example is not a key"),
    "control characters in a key": ('"a\\u001bb\\n" = 1', "deploy.toml:1:"),
    # types
    "text for number": (HOST + 'keep_releases = "5"', "deploy.toml:3: hosts.prod.keep_releases must be a whole number; it is '5'"),
    "true is no number": (HOST + "keep_releases = true", "hosts.prod.keep_releases must be a whole number; it is true"),
    "number for truth": (HOST + "migrate = 1", "hosts.prod.migrate must be true or false; it is 1"),
    "fraction": (HOST + "keep_releases = 2.5", "must be a whole number; it is 2.5"),
    "version without quotes": ("[versions]\nphp = 8.2", 'deploy.toml:2: versions.php must be text in quotes; it is 8.2; write "8.2"'),
    "text for list": (HOST + 'caches = "config"', 'hosts.prod.caches must be a list, such as ["one", "two"]; it is \'config\''),
    "number in list": (HOST + "caches = ['config', 1]", "deploy.toml:3: hosts.prod.caches[1] must be text in quotes; it is 1"),
    "table for text": ("[project.name]\nx = 1", "project.name must be text in quotes; it is a table"),
    "table for list": (HOST + "[hosts.prod.caches]\nx = 1", "hosts.prod.caches must be a list; it is a table"),
    "text for table": ("project = 'x'", "deploy.toml:1: project must be a table"),
    "text for defaults": ("defaults = 'x'", "deploy.toml:1: defaults must be a table"),
    "text for hosts": ("hosts = 'x'", "deploy.toml:1: hosts must be a table"),
    "text for a host": ("[hosts]\nprod = 'x'", "deploy.toml:2: hosts.prod must be a table"),
    "list of tables for a table": ("[[project]]\nname = 'x'", "deploy.toml:1: project must be a table"),
    "date": ("[project]\nname = 2026-11-22", "project.name must be text in quotes"),
    "hook of a number": ("[hooks]\npre_release = [1]", "hooks.pre_release[0] must be text or a table with task, command"),
    "empty hook": ("[hooks]\npre_release = ['  ']", "hooks.pre_release[0] is empty"),
    # choices and ranges
    "choice": (HOST + 'backup = "alway"', '"pending", "always", "never"; it is \'alway\'; did you mean always?'),
    "choice in a list": ("[notify]\nevents = ['sucess']", "notify.events[0] must be one of"),
    "keep none": (HOST + "keep_releases = 0", "hosts.prod.keep_releases must be 1 or more; it is 0"),
    "port": (HOST + "port = 65536", "hosts.prod.port must be 0 to 65535; it is 65536"),
    "disk limit": (HOST + "disk_limit = 101", "hosts.prod.disk_limit must be 1 to 100; it is 101"),
    "no time at all": (HOST + "command_timeout = 0", "hosts.prod.command_timeout must be 1 or more"),
    "negative wait": (HOST + "lock_wait = -1", "hosts.prod.lock_wait must be 0 or more"),
    "beyond shells": (HOST + "keep_releases = 99999999999", "hosts.prod.keep_releases must be"),
    "hook's time": ("[hooks]\npre_release = [{ command = 'x', timeout = 0 }]", "hooks.pre_release[0].timeout must be 1 or more"),
    # keys together
    "hook of two things": ("[hooks]\npre_release = [{ task = 'a.b', command = 'x' }]", "needs exactly one of task and command"),
    "hook of nothing": ("[hooks]\npre_release = [{ timeout = 5 }]", "needs exactly one of task and command"),
    "usual steps twice": ("[hooks]\npre_release = ['...', '...']", 'deploy.toml:2: hooks.pre_release must not hold "..." twice'),
    "docroot missing": (HOST + 'public_html = { mode = "symlink" }', "hosts.prod.public_html.path must be set when public_html.mode is"),
    "docroot in the site": (HOST + 'public_html = { path = "/srv/app/www" }', "public_html.path must not be inside the host's path"),
    "docroot is the site": (HOST + 'public_html = { path = "/srv/app/" }', "public_html.path must not be inside the host's path"),
    "site in the docroot": (
        '[hosts.prod]\npath = "/home/u/www/app"\npublic_html = { path = "/home/u/www" }',
        "deploy.toml:2: hosts.prod.path must not be inside",
    ),
    "overlap": (HOST + 'shared_folders = ["storage", "storage/app"]', "'storage/app' is inside 'storage'"),
    "file in a shared folder": (HOST + 'shared_folders = ["a"]\nshared_files = ["a/b"]', "'a/b' is inside 'a'"),
    "twice": (HOST + 'writable = ["a", "a/"]', "hosts.prod.writable must not overlap: 'a' is there twice"),
    "user twice": (HOST + 'address = "root@a"\nuser = "deploy"', "deploy.toml:4: hosts.prod.user is 'deploy', but address says 'root'"),
    "port twice": (HOST + 'address = "a:22"\nport = 23', "hosts.prod.port is 23, but address says 22"),
    "opcache": (HOST + 'opcache = "command"', "hosts.prod.opcache_command must be set"),
    "default host": ('default_host = "pord"\n' + HOST, "deploy.toml:1: default_host: there is no host 'pord'; did you mean prod?"),
    "builder": (HOST + "[build]\nbuilder = 'prdo'", "deploy.toml:4: build.builder: there is no host 'prdo'; did you mean prod?"),
    "no builder": ("[build]\nplace = 'builder'", 'deploy.toml:2: build.builder must be set when build.place is "builder"'),
    "no builder for the strategy": ("[build]\ncache = true\nstrategy = 'builder'", "deploy.toml:3: build.builder must be set"),
    "worker": (HOST + "workers = ['horizn']", "hosts.prod.workers[0] must be one of auto, queue, horizon"),
    "host's name": ('[hosts."-o"]\npath = "/srv/app"', "deploy.toml:1: hosts.-o: a host's name must hold"),
    "this machine's name": ('[hosts.local]\npath = "/srv/app"', 'deploy.toml:1: hosts.local: "local" is this machine; give the host'),
    "the sandbox's own": ('[hosts.sandbox]\naddress = "prod"', "deploy.toml:2: hosts.sandbox.address cannot be set"),
    "no path": ('[hosts.prod]\naddress = "a"', "deploy.toml:1: hosts.prod.path is missing"),
    # variables
    "unset": ("[project]\nname = '${NOT_SET_AT_ALL}'", "deploy.toml:2: project.name needs ${NOT_SET_AT_ALL}, which is not set"),
    "unset in the host asked for": ("[hosts.prod]\npath = '${NOT_SET_AT_ALL}'", "deploy.toml:2: hosts.prod.path needs ${NOT_SET_AT_ALL}"),
    "not a variable": ("[project]\nname = '${a b}'", "deploy.toml:2: project.name has '${a b}'; write ${NAME}"),
    "never closed": ("[project]\nname = '${A'", "project.name has '${A'"),
    "nested variables": ("[project]\nname = '${A:-${B}}'", "project.name has"),
    "variable of a wrong type": (
        HOST + "port = '${NOT_SET_AT_ALL:-ssh}'",
        "hosts.prod.port must be a whole number; it is '${NOT_SET_AT_ALL:-ssh}'",
    ),
    # TOML
    "syntax": ("[project]\nname = x", "deploy.toml:2: not TOML"),
    "twice in TOML": ("[project]\nname = 'x'\nname = 'y'", "deploy.toml:3: not TOML"),
    "ends too early": ("[project]\nname = [", "deploy.toml:2: not TOML"),
    "too deep": ("x = " + "[" * 50_000, "deploy.toml"),
    "number of 5000 digits": ("x = " + "1" * 5000, "deploy.toml"),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_is_refused_in_one_line(refused, text, expected):
    message = refused(text)
    assert message.startswith("deploy.toml:")
    assert expected in message


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["project.brnch=dev"], "--set: project.brnch is not a key; did you mean branch?"),
        (["keep_relases=3"], "--set: keep_relases is not a key; did you mean keep_releases?"),
        (["keep_releases=0"], "--set: keep_releases must be 1 or more; it is '0'"),
        (["keep_releases=many"], "--set: keep_releases must be a whole number; it is 'many'"),
        (["hosts.prod.keep_releases=true"], "--set: hosts.prod.keep_releases must be a whole number"),
        (["hosts.pord.keep_releases=3"], "there is no host 'pord'; did you mean prod?"),
        (["hosts.prod=3"], "--set: hosts.prod is a table"),
        (["hosts=3"], "--set: hosts is a table"),
        (["project=3"], "--set: project must be a table"),
        (["project.branch"], "--set: 'project.branch' must be KEY=VALUE"),
        (["=3"], "--set: '' must be KEY=VALUE"),
        (["a b=3"], "must be KEY=VALUE"),
        (["project.name\n[x]\ny=3"], "must be KEY=VALUE"),
        (["project.branch=--upload-pack=x"], "--set: project.branch may hold letters, digits"),
        (["hosts.prod.path=/"], "--set: hosts.prod.path must be a folder of its own"),
        (["caches=config"], "--set: caches must be a list"),
        (["defaults.port=x"], "--set: defaults.port must be a whole number"),
        (["public_html.mode=bridge"], '--set: public_html.path must be set when public_html.mode is "bridge"'),
        (["hosts.prod.public_html.mode=bridge"], "--set: hosts.prod.public_html.path must be set"),
    ],
)
def test_an_override_is_refused_like_the_file(refused, overrides, expected):
    message = refused(HOST, *overrides)
    assert message.startswith("--set: ")
    assert expected in message


@pytest.mark.parametrize("value", ["htp://hooks.example/SECRETPART", "ftp://u:SECRETPART@hooks.example/x"])
def test_an_error_shows_no_secret(refused, value):
    assert "SECRETPART" not in refused(f"[notify]\nslack = '{value}'")
    assert "SECRETPART" not in refused("[project]\nrepository = '${REPO}'", env=f"REPO={value}")
    assert "SECRETPART" not in refused("[project]\nrepository = 'ext::https://u:SECRETPART@example.com/x'")


def test_unknown_host_names_the_known_and_the_nearest(refused):
    message = refused(HOST, host="prodd")
    assert "'prodd'; did you mean prod?" in message
    assert "prod, sandbox" in message
    assert "fab local.init" in message


def test_what_is_known_is_listed_once(refused):
    assert refused(HOST, host="nope") == (
        "there is no host 'nope'; deploy.toml has prod, sandbox; add [hosts.NAME] to it, or let fab local.init write a new one"
    )
    assert refused(HOST + "env_mode = '777'").endswith("""must be one of "0600", "0640"; it is '777'""")
    assert refused(HOST + "workers = ['zzz']").endswith("octane, ssr; it is 'zzz'")


def test_no_host_given(refused):
    assert "give --host=NAME or set default_host" in refused(HOST + '[hosts.staging]\npath = "/srv/app2"')


def test_without_a_file_only_the_sandbox(tmp_path):
    loaded = load(cwd=tmp_path, extra_hosts={"sandbox": {"path": "/srv/box", "port": 2222}})
    assert loaded.file is None
    assert (loaded.host("sandbox").path, loaded.host("sandbox").port) == ("/srv/box", 2222)
    with pytest.raises(SettingsError, match=r"no deploy\.toml was found.*fab local\.init") as caught:
        loaded.host("prod")
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        (lambda file: file.mkdir(), "deploy.toml: cannot be read: is a directory"),
        (lambda file: file.write_bytes(b"[project]\nname = '\xff'"), "deploy.toml:2: is not UTF-8"),
        (lambda file: file.symlink_to("nothing"), "deploy.toml: cannot be read: no such file"),
        pytest.param(
            lambda file: (file.touch(), file.chmod(0)),
            "deploy.toml: cannot be read: permission denied",
            marks=pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything"),
        ),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, prepare, expected):
    prepare(tmp_path / "deploy.toml")
    with pytest.raises(SettingsError) as caught:
        load(cwd=tmp_path)
    assert caught.value.code == 2
    assert expected in str(caught.value)


def test_a_file_named_but_missing(tmp_path, monkeypatch):
    with pytest.raises(SettingsError, match="does not exist"):
        load(tmp_path / "other.toml")
    monkeypatch.setenv("FAB_DEPLOY_FILE", "other.toml")
    with pytest.raises(SettingsError, match="does not exist"):
        load(cwd=tmp_path)


def test_broken_env_deploy(refused, tmp_path):
    (tmp_path / ".env.deploy").mkdir()
    assert ".env.deploy: cannot be read: is a directory" in refused(HOST)
