"""What texts may hold, from the checks' own point of view and with hostile input."""

import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabfile.engine import addresses, tomlfile, validate
from fabfile.engine.errors import SettingsError
from fabfile.engine.expand import Unset, Variables, literal
from fabfile.engine.masks import HIDDEN, hide_logins, looks_secret, mask
from fabfile.engine.origin import At, Source
from fabfile.engine.settings import check_commit, check_ref, check_repository, load

AT = At(Source("deploy.toml"), ("project", "name"))
HOSTILE = st.text() | st.text(alphabet="/.~-$`'\"\\;|&(){}[]<>*?!# \n\r\t\0\x1b:@aé\u2028\ud800")


def complaint(kind, action, *values, **named):
    """What ``action`` raises of ``kind``, as text; anything else it raises fails the test."""
    try:
        action(*values, **named)
    except kind as error:
        return str(error)
    return ""


BAD_PATHS = [
    "", "/", "//", "/.", "/..", "~", "~/app", "~deploy/app", "srv/app", "./app", "-rf", "/srv", "/home", "/root", "/etc", "/usr", "/var",
    "/tmp", "/srv/", "/srv//", "//srv", "/home/u227177893", "/home/u/", "/Users/me", "/etc/app", "/proc/1", "/usr/local", "/var/www",
    "/var/lib/mysql", "/srv/../etc", "/srv/app/..", "/srv/./app", "/srv/a\nb", "/srv/a\0b", "/srv/a\x1b[2J", "/srv/a\u2028b", "/srv/\udcff",
]  # fmt: skip
GOOD_PATHS = {
    "/srv/app": "/srv/app",
    "/srv/my app/": "/srv/my app",
    "//srv///größe": "/srv/größe",
    "/srv/$(x)`y`;'\"": "/srv/$(x)`y`;'\"",
    "/home/u/domains/dev.example.com/deploy": "/home/u/domains/dev.example.com/deploy",
    "/var/www/app": "/var/www/app",
    "/srv/-x": "/srv/-x",
    "/srv/..app": "/srv/..app",
    "/root/app": "/root/app",
}


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_site_cannot_be_there(path):
    with pytest.raises(validate.Bad):
        validate.server_path(path)


@pytest.mark.parametrize(("path", "tidy"), GOOD_PATHS.items())
def test_a_site_can_be_there(path, tidy):
    assert validate.server_path(path) == tidy


@pytest.mark.parametrize("path", ["", ".", "..", "../x", "a/../b", "a//b", "/a", "~/a", "-a", "a\nb", "a/.", "/"])
def test_not_a_path_in_a_release(path):
    with pytest.raises(validate.Bad):
        validate.relative(path)


@pytest.mark.parametrize("ref", ["main", "feature/x-1", "v1.2.3", "user@fix", "a+b", "0123abc"])
def test_refs(ref):
    assert check_ref(ref) == check_commit(ref) == ref


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "-x",
        "--upload-pack=x",
        "a..b",
        "a/",
        "/a",
        ".a",
        "a/.b",
        "a.lock",
        "a.lock/b",
        "a.",
        "a//b",
        "@",
        "a;b",
        "a$(id)",
        "a`id`",
        "a|b",
        "a&b",
        "a'b",
        'a"b',
        "main --config core.sshCommand=x",
        "a\nb",
        "a\x00",
        "ä",
        "HEAD~1",
        "a^",
        "a:b",
        "@{u}",
        "a?",
        "a*",
        "a[",
        "a\\b",
    ],
)
def test_not_refs(ref):
    with pytest.raises(SettingsError, match=r"^branch ") as caught:
        check_ref(ref)
    assert caught.value.code == 2
    with pytest.raises(SettingsError):
        check_commit(ref)


@pytest.mark.parametrize(
    "url",
    [
        "git@github.com:me/app.git",
        "alias:app.git",
        "https://git.example/app.git",
        "https://u:p@git.example:8443/a/b",
        "http://git.example/x",
        "ssh://git@git.example:2222/app.git",
        "git+ssh://git.example/x",
        "file:///srv/my repo.git",
        "ssh://git@[::1]:22/x",
        ".",
    ],
)
def test_repositories(url):
    assert check_repository(url, Path(__file__).parent) == url


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c id",
        "ext::x",
        "fd::7",
        "git://git.example/x",
        "ftp://git.example/x",
        "--upload-pack=id",
        "-x",
        "ssh://-oProxyCommand=id/x",
        "git@h:-x",
        "ssh://u@-oProxyCommand=id/x",
        "-o@h:x",
        "u@-h:x",
        "https:///x",
        "https://git.example",
        "file://x",
        "nowhere/at/all",
        "",
        "a\nb",
        "https://h/a b",
        "https://h/a\nb",
        "git@h: x",
        "javascript:://x",
        "h::x",
        "a" * 5000,
        "~nobody-we-know/x",
    ],
)
def test_not_repositories(url):
    with pytest.raises(SettingsError, match=r"^repository ") as caught:
        check_repository(url, Path(__file__).parent)
    assert caught.value.code == 2
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text", ["", "a b", "-oProxyCommand=id", "u@", "@h", "h:", "h:0", "h:99999", "::1", "[::1", "[h]", "u;id@h", "h\n", "$(id)@h", "-u@h"]
)
def test_not_addresses(text):
    with pytest.raises(validate.Bad):
        addresses.address(text)


@pytest.mark.parametrize(
    "url", ["example.com", "ftp://a", "https://", "https:///x", "https://a b", "https://a\nb", "javascript:alert(1)", "https://-a", "//a"]
)
def test_not_web_addresses(url):
    with pytest.raises(validate.Bad):
        addresses.web_url(url)


@given(HOSTILE, st.dictionaries(st.sampled_from(["A", "B"]), HOSTILE))
def test_what_is_escaped_comes_back(text, environment):
    assert Variables(environment).expand(literal(text), AT) == text


@given(HOSTILE, HOSTILE.filter(bool), HOSTILE)
def test_a_value_is_put_in_as_it_is(before, value, after):
    text = f"{literal(before)}${{A}}{literal(after)}"
    assert Variables({"A": value}).expand(text, AT) == before + value + after
    assert Variables({}, {"A": value}).expand(text, AT) == before + value + after


@given(st.text(alphabet="${}:-AB_ 1\n"))
def test_expansion_ends_in_text_or_a_settings_error(text):
    assert complaint(SettingsError, Variables({"A": "${A}"}).expand, text, AT).isprintable()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}", "a"),
        ("${A:-x}", "a"),
        ("${EMPTY}", ""),
        ("${EMPTY:-x}", "x"),
        ("${NO:-}", ""),
        ("${NO:-a b}", "a b"),
        ("${NO:-$$}", "$"),
        ("$A", "$A"),
        ("$", "$"),
        ("$${A}", "${A}"),
        ("$$$${A}", "$${A}"),
        ("$$${A}", "$a"),
        ("${BOTH}", "shell"),
        ("${FILE}", "file"),
    ],
)
def test_expansion(text, expected):
    variables = Variables({"A": "a", "EMPTY": "", "BOTH": "shell"}, {"BOTH": "file", "FILE": "file"})
    assert variables.expand(text, AT) == expected


def test_unset_names_key_and_variable():
    with pytest.raises(Unset, match=r"project\.name needs \$\{NO\}"):
        Variables().expand("${NO}", AT)


@given(HOSTILE)
def test_checks_raise_nothing_else(text):
    for check in (validate.server_path, validate.relative, validate.command, addresses.address, addresses.ref, addresses.web_url):
        complaint(validate.Bad, check, text)
    for public in (check_ref, check_commit, check_repository, addresses.check_address):
        assert complaint(SettingsError, public, text).isprintable()


@given(HOSTILE)
def test_an_accepted_site_is_deep_and_plain(text):
    try:
        path = validate.server_path("/srv/" + text)
    except validate.Bad:
        return
    parts = path.split("/")[1:]
    assert path.startswith("/")
    assert len(parts) >= 2
    assert not {"", ".", ".."} & set(parts)
    assert not set(path) & set("\n\0\r\x1b")


SCALARS = HOSTILE.map(lambda text: text.encode("utf-8", "replace").decode()) | st.integers() | st.booleans() | st.floats() | st.dates()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5
)
KEYS = st.sampled_from(
    [
        "project.name",
        "project.repository",
        "project.branch",
        "build.required",
        "hosts.a.path",
        "hosts.a.address",
        "hosts.a.port",
        "hosts.a.public_html",
        "hooks.pre_release",
        "notify.slack",
        "notify.events",
        "default_host",
        "modules",
        "defaults",
        "hosts",
        "hooks",
        "project",
        "defaults.shared_folders",
        "hosts.sandbox.caches",
        "hosts.a",
        "versions.php",
        "build.strategy",
        "defaults.url",
        "no.such.key",
    ]
)


def toml(value):
    """``value`` as TOML, every character outside of ASCII letters escaped."""
    if isinstance(value, str):
        return '"' + "".join(c if c in string.ascii_letters + " $/{}.-:@" else f"\\U{ord(c):08X}" for c in value) + '"'
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{toml(name)} = {toml(item)}' for name, item in value.items())}}}"
    return str(value).lower() if isinstance(value, bool) else str(value)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4), st.lists(st.tuples(KEYS, HOSTILE).map("=".join) | HOSTILE, max_size=2))
def test_no_file_and_no_override_raises_anything_but_a_settings_error(tmp_path, values, overrides):
    file = tmp_path / "deploy.toml"
    file.write_text("".join(f"{key} = {toml(value)}\n" for key, value in values.items()), encoding="utf-8")
    assert complaint(SettingsError, lambda: load(file, overrides).host("a")).isprintable()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary() | HOSTILE.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_raise_anything_but_a_settings_error(tmp_path, content):
    (tmp_path / "deploy.toml").write_bytes(content)
    (tmp_path / ".env.deploy").write_bytes(b"")
    assert complaint(SettingsError, load, cwd=tmp_path).isprintable()


@given(st.lists(st.tuples(st.sampled_from(["a", "b.c", '"d e"']), VALUES), max_size=5, unique_by=lambda pair: pair[0]))
def test_every_key_is_located_on_the_line_it_is_on(pairs):
    lines = ["# first", "[t]", *(f"{key} = {toml(value)}" for key, value in pairs), "[[u]]", "m = [", "  1,", "]", "[[u]]", "n = 2"]
    found = tomlfile.locate("\n".join(lines))
    for number, (key, _) in enumerate(pairs, 3):
        assert found[("t", *tomlfile.key(key))] == number
    after = len(pairs) + 3
    assert (found["u", 0, "m"], found["u", 1], found["u", 1, "n"]) == (after + 1, after + 4, after + 5)


@pytest.mark.parametrize(
    "name", ["API_KEY", "token", "DB_PASSWORD", "SLACK_WEBHOOK", "SENTRY_DSN", "APP_SECRET", "MY_PASS", "HTTP_AUTH", "DB_PWD"]
)
def test_secret_names(name):
    assert looks_secret(name)


@pytest.mark.parametrize("name", ["HOME", "PATH", "PWD", "GIT_AUTHOR_NAME", "DEPLOY_HOST", "BUILD_SERVER_PATH"])
def test_plain_names(name):
    assert not looks_secret(name)


@given(st.text(), st.lists(st.text(alphabet="abcdefg", min_size=1)))
def test_no_secret_stays(text, secrets):
    masked = mask(text, secrets)
    assert not any(secret in masked for secret in secrets)


@pytest.mark.parametrize(
    ("url", "hidden"),
    [
        ("https://u:p@h/x", f"https://u:{HIDDEN}@h/x"),
        ("https://token@h/x", f"https://{HIDDEN}@h/x"),
        ("ssh://git@h/x", "ssh://git@h/x"),
        ("ssh://git:p@h/x", f"ssh://git:{HIDDEN}@h/x"),
        ("git@h:x", "git@h:x"),
    ],
)
def test_logins_in_urls(url, hidden):
    assert hide_logins(url) == hidden


def test_a_secret_inside_another_leaves_no_tail():
    assert mask("x abcdef y abc", {"abc", "abcdef"}) == f"x {HIDDEN} y {HIDDEN}"
