"""deploy.toml, docs/configuration.md and ``fab config`` say what the schema says."""

from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from fabfile.engine import tomlfile
from fabfile.engine.explain import describe
from fabfile.engine.handbook import Entry, page, parts
from fabfile.engine.masks import HIDDEN
from fabfile.engine.schema import Build, Hook, Hooks, Host, Notify, Project, PublicHtml, Settings, Versions
from fabfile.engine.settings import load

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = (ROOT / "deploy.toml").read_text(encoding="utf-8")
TABLES = {
    "": Settings,
    "[project]": Project,
    "[versions]": Versions,
    "[build]": Build,
    "[defaults]": Host,
    "[defaults.public_html]": PublicHtml,
    "[hooks]": Hooks,
    "[[hooks.NAME]]": Hook,
    "[notify]": Notify,
}


def entries(table: str) -> list[Entry]:
    return [entry for part in parts(SAMPLE) if part.table == table for entry in part.entries]


@pytest.mark.parametrize(("table", "kind"), TABLES.items())
def test_the_sample_has_every_key_in_order_with_its_default_and_a_reason(table, kind):
    default = kind()
    wanted = [field.name for field in fields(kind) if not is_dataclass(getattr(default, field.name)) and field.name != "hosts"]
    assert [entry.key for entry in entries(table)] == wanted
    for entry in entries(table):
        value, expected = tomlfile.value(entry.value), getattr(default, entry.key)
        if expected is None:  # TOML has no word for it: the key is left out
            assert value is True
            assert "left out" in entry.why
        else:
            assert value == (list(expected) if isinstance(expected, tuple) else expected), entry
            assert type(value) is not bool or type(expected) is bool
        assert entry.why.endswith("."), f"{entry.key}: {entry.why!r}"


def test_the_sample_has_nothing_else():
    assert [part.table for part in parts(SAMPLE)] == [*list(TABLES)[:6], "[hosts.prod]", *list(TABLES)[6:]]


def test_the_sample_loads_and_changes_no_default():
    loaded = load(ROOT / "deploy.toml")
    assert (loaded.default_host(), loaded.host("prod").address, loaded.host("prod").path) == ("prod", "prod.example.com", "/srv/my-app")
    changed = {key for key, origin in loaded.origins.items() if origin != "default"}
    assert changed == {f"hosts.prod.{entry.key}" for entry in entries("[hosts.prod]")}


@pytest.mark.parametrize("part", [part for part in parts(SAMPLE) if part.table in TABLES], ids=lambda part: part.table or "top")
def test_the_sample_uncommented_loads(part, tmp_path):
    hook = part.table == "[[hooks.NAME]]"
    lines = [part.table.replace("NAME", "pre_release"), *(f"{entry.key} = {entry.value}" for entry in part.entries)]
    (tmp_path / "deploy.toml").write_text(
        "\n".join([*lines[: 2 if hook else None], *(['command = "x"'] if hook else [])]).replace('task = ""\n', "")
    )
    assert load(tmp_path / "deploy.toml").settings.project.branch == "main"


def test_the_page_is_up_to_date():
    said = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert said == page(SAMPLE), "type: python -m fabfile.engine.handbook > docs/configuration.md"


def test_fab_config_shows_every_key_in_order_and_no_secret(loading):
    loaded = loading(
        """
        project.repository = "https://me:hunter2hunter2@git.example/x.git"
        hooks.pre_release = ["...", "echo ${QUOTED}", { command = "y", place = "local" }]
        notify.slack = "https://hooks.example/T/B/x"
        hosts.prod = { path = "/srv/app", php = "${PHP_TOKEN}", address = "deploy@a:2222" }
        hosts.staging = { path = "${NOT_SET}" }
        """,
        "keep_releases=3",
        env="QUOTED='sec\"ret\\value'\nPHP_TOKEN=php-abcdef",
    )
    rows = describe(loaded, "prod")
    found = {row.key: row[1:] for row in rows}
    assert found["hooks.pre_release"][0] == f'["...", "echo {HIDDEN}", {{ command = "y", place = "local" }}]'
    assert found["hosts.prod.php"] == (f'"{HIDDEN}"', "deploy.toml:5 ← ${PHP_TOKEN} (.env.deploy)")
    assert found["hosts.prod.user"] == ('"deploy"', "deploy.toml:5")
    assert found["hosts.prod.keep_releases"] == ("3", "--set")
    assert found["notify.slack"] == (HIDDEN, "deploy.toml:4")
    assert found["notify.webhook"] == ('""', "default")
    assert not [row for row in rows if any(part in str(row) for part in ("hunter2", "hooks.example", "abcdef", "ret\\"))]
    sections = list(dict.fromkeys(row.key.partition(".")[0] for row in rows))
    assert sections == [field.name for field in fields(Settings)]
    assert [row.key for row in rows if row.key.startswith("hosts.")][:3] == ["hosts.prod.address", "hosts.prod.user", "hosts.prod.port"]


def test_fab_config_without_a_host_has_the_sections(loading):
    assert not [row for row in describe(loading("")) if row.key.startswith("hosts.")]
