"""Rules mean what they mean to git, and cannot take what the application needs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabfile.engine.errors import SettingsError
from fabfile.laravel import frontend, gitignore, ignore

from ..conftest import need
from .php import BATCHES

# the flow's own .deployignore [2-deploy-ignore], applied to a build
FLOW = """
# Deployment-specific ignores
.env
.env.local
/public/build/
/public/hot
/public/mix-manifest.json
/tests/
/phpunit.xml
/docs/
README.md
/.github/
/Admin-Local/Deployment/EnvFiles/
"""
BUILD = """
artisan .env .env.example .env.production .env.testing README.md phpunit.xml auth.json .npmrc
app/Models/User.php app/README.md .git/HEAD .github/workflows/a.yml docs/a.md tests/TestCase.php
resources/views/tests/index.blade.php resources/docs/help.md
public/index.php public/hot public/build/manifest.json public/build/assets/app-1.js public/mix-manifest.json public/js/app.js public/storage
bootstrap/app.php bootstrap/cache/.gitignore bootstrap/cache/config.php bootstrap/cache/packages.php bootstrap/ssr/ssr.mjs
storage/logs/.gitignore storage/logs/laravel.log storage/framework/views/.gitignore storage/framework/views/a.php
storage/framework/cache/data/.gitignore storage/framework/cache/data/ab/cd storage/framework/cache/.gitignore
vendor/autoload.php vendor/a/b/tests/T.php vendor/a/b/README.md vendor/a/b/.env vendor/a/b/.git/HEAD vendor/a/b/res/cacert.pem vendor/bin/x
node_modules/vue/index.js resources/js/node_modules/x.js storage/oauth-private.key certs/rds.pem database/database.sqlite
dump.sql backups/notes.sql.gz notes.dump database/schema/mysql-schema.sql vendor/a/b/x.sql.gz
Admin-Local/Deployment/EnvFiles/.env.production
""".split()


def left_out(rules: str, **options: object) -> dict[str, str]:
    return {item.path: item.reason for item in ignore.select(BUILD, rules, **options).left_out}  # type: ignore[arg-type]


def test_the_fixed_rules() -> None:
    assert sorted(left_out("")) == sorted(
        """.env .env.production .env.testing auth.json .npmrc .git/HEAD public/hot public/storage bootstrap/cache/config.php
        bootstrap/cache/packages.php storage/logs/laravel.log storage/framework/views/a.php storage/framework/cache/data/ab/cd
        vendor/a/b/.git/HEAD node_modules/vue/index.js resources/js/node_modules/x.js storage/oauth-private.key certs/rds.pem
        database/database.sqlite dump.sql backups/notes.sql.gz notes.dump Admin-Local/Deployment/EnvFiles/.env.production""".split()
    )


def test_the_flows_own_file_leaves_a_site_that_works() -> None:
    chosen = ignore.select(BUILD, FLOW)
    assert {"public/build/manifest.json", "public/build/assets/app-1.js", "public/mix-manifest.json"} <= set(chosen.shipped)
    assert {"vendor/a/b/README.md", "resources/views/tests/index.blade.php", "resources/docs/help.md"} <= set(chosen.shipped)
    assert not {"tests/TestCase.php", "phpunit.xml", "docs/a.md", ".github/workflows/a.yml", "app/README.md"} & set(chosen.shipped)
    assert {(item.rule, item.line, item.count) for item in chosen.overridden} == {
        ("/public/build/", 5, 2),
        ("/public/mix-manifest.json", 7, 1),
        ("README.md", 11, 1),
        (".env", 3, 1),
    }


@pytest.mark.parametrize(
    ("rules", "path", "out"),
    [
        ("tests", "vendor/a/b/tests/T.php", False),
        ("/vendor/*/*/tests/", "vendor/a/b/tests/T.php", True),
        ("vendor/**/tests\ntests", "vendor/a/b/tests/T.php", True),
        ("/vendor/*/*/tests/\n!/vendor/a/b/tests/", "vendor/a/b/tests/T.php", False),
        ("/vendor-extra", "vendor/autoload.php", False),
        ("*.js\n/public", "public/build/assets/app-1.js", False),
        ("*.js", "public/js/app.js", True),
        ("!.env\n!/.env", ".env", True),
        ("!/certs/rds.pem", "certs/rds.pem", False),
        ("/public/*\n!/public/index.php", "public/index.php", False),
        ("/app\r\n/docs  \r\n", "docs/a.md", True),
        ("/app\r\n/docs  \r\n", "app/Models/User.php", True),
    ],
)
def test_who_wins(rules: str, path: str, out: bool) -> None:
    assert (path in left_out(rules)) is out


def test_files_of_the_manifest_are_kept() -> None:
    keep = ["public/" + name for name in frontend.built_files('{"/js/app.js": "/js/app.js?id=1"}')]
    chosen = ignore.select(BUILD, "*.js", keep)
    assert "public/js/app.js" in chosen.shipped
    assert [(item.rule, item.example) for item in chosen.overridden] == [("*.js", "public/build/assets/app-1.js")]


def test_node_modules_stay_when_they_are_wanted() -> None:
    assert "node_modules/vue/index.js" not in left_out("", node_modules=True)


def test_the_default_file_overrides_nothing_and_drops_the_tests() -> None:
    chosen = ignore.select(BUILD, ignore.default_deployignore())
    assert chosen.overridden == ()
    assert {"tests/TestCase.php", "phpunit.xml", "README.md"}.isdisjoint(chosen.shipped)
    assert {"artisan", "app/Models/User.php", "public/index.php", "resources/views/tests/index.blade.php"} <= set(chosen.shipped)


def test_a_pattern_that_is_none_names_its_line() -> None:
    with pytest.raises(SettingsError, match=r"\.deployignore, line 2"):
        ignore.select(["a"], "ok\n!")


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("git")
    folder = tmp_path_factory.mktemp("rules")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    for path in PATHS:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("")
    return folder


NAMES = ["a", "b", "ab", "a.b", "b c", "é"]
PATHS = sorted(
    {f"{top}1/{mid}2/{leaf}" for top in NAMES[:3] for mid in NAMES[:3] for leaf in NAMES}
    | set(NAMES)
    | {f"{top}1/{leaf}" for top in NAMES[:3] for leaf in NAMES}
)
SEGMENT = st.sampled_from([*NAMES, "a1", "b1", "a2", "*", "**", "?", "a*", "*b", "[ab]", "[!a]", "[a-b]1", "*.b", "\\a", "ab?", "*1", "*2"])
RULE = st.builds(
    lambda negated, anchored, segments, end: negated + anchored + "/".join(segments) + end,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(SEGMENT, min_size=1, max_size=3),
    st.sampled_from(["", "", "/", " ", "  ", "\\ ", "/ ", "\r"]),
)


@given(st.lists(RULE | st.sampled_from(["", "#a", "\\#a", " a", "/", "\\!a"]), max_size=5).map("\n".join))
@settings(BATCHES, max_examples=150)
def test_rules_are_gits(repository: Path, rules: str) -> None:
    agrees(repository, rules)


def agrees(repository: Path, rules: str) -> None:
    (repository / ".gitignore").write_bytes(rules.encode())
    asked = subprocess.run(
        ["git", "check-ignore", "-z", "--stdin", "--no-index"],
        cwd=repository,
        input="\0".join(PATHS).encode(),
        capture_output=True,
        check=False,
    )
    decided = gitignore.Rules(gitignore.parse(rules))
    ours = [path for path in PATHS if decided.excluded_by(path)]
    assert ours == sorted(asked.stdout.decode().split("\0")[:-1]), repr(rules)
