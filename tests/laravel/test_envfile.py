"""Changing a .env, and what is wrong with one."""

from __future__ import annotations

import base64

import pytest

from fabfile.engine.errors import Failure
from fabfile.laravel import envfile

KEY = "APP_KEY=base64:" + base64.b64encode(bytes(32)).decode()
GOOD = f"APP_ENV=production\nAPP_DEBUG=false\n{KEY}\n"
EXAMPLE = "APP_NAME=Laravel\nAPP_ENV=local\nAPP_KEY=\nAPP_DEBUG=true\n\n# database\nDB_PASSWORD=\n"


@pytest.mark.parametrize(
    ("text", "key", "value", "wanted"),
    [
        ("A=1\nB=2\n", "A", "3", "A=3\nB=2\n"),
        ("A=1\r\nB=2\r\n", "B", "x y", 'A=1\r\nB="x y"\r\n'),
        ("A=1\r\n", "C", "3", "A=1\r\nC=3\r\n"),
        ("A=1", "B", "2", "A=1\nB=2\n"),
        ("", "A", "1", "A=1\n"),
        ("A=1\n# A=5\nB=2\nA=3\n", "A", "4", "A=4\n# A=5\nB=2\n"),
        ('A="one\ntwo"\nB=1\n', "A", "3", "A=3\nB=1\n"),
        ("\ufeffA=1\nB=2", "A", "2", "\ufeffA=2\nB=2"),
        ("export AB=1 # why\n", "AB", "$x", 'AB="\\$x"\n'),
    ],
)
def test_a_value_is_replaced_where_it_stands(text: str, key: str, value: str, wanted: str) -> None:
    assert envfile.set_value(text, key, value) == wanted


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(Failure, match="name of a variable"):
        envfile.set_value("", "A=1\nB", "2")


def test_the_production_env_has_each_name_once() -> None:
    made = envfile.template(EXAMPLE, {"APP_KEY": envfile.new_app_key(), "DB_PASSWORD": "a b#c", "CACHE_STORE": "redis"})
    assert not envfile.duplicates(made)
    found = envfile.values(made)
    assert (found["APP_ENV"], found["APP_DEBUG"], found["DB_PASSWORD"], found["CACHE_STORE"]) == ("production", "false", "a b#c", "redis")
    assert not envfile.problems(made, framework="11.0.0")
    assert "# database\n" in made


def test_keys_are_random_and_as_long_as_the_cipher_wants() -> None:
    keys = {envfile.new_app_key() for _ in range(20)}
    assert len(keys) == 20
    assert {len(base64.b64decode(key.removeprefix("base64:"))) for key in keys} == {32}
    assert not envfile.problems(f"APP_KEY={envfile.new_app_key('AES-128-CBC')}\nAPP_ENV=production", cipher="AES-128-CBC")


@pytest.mark.parametrize(
    ("change", "level", "key", "line"),
    [
        ({"APP_KEY": ""}, "error", "APP_KEY", 3),
        ({"APP_KEY": "base64:abcd"}, "error", "APP_KEY", 3),
        ({"APP_KEY": "base64:?"}, "error", "APP_KEY", 3),
        ({"APP_KEY": "short"}, "error", "APP_KEY", 3),
        ({"APP_DEBUG": "true"}, "error", "APP_DEBUG", 2),
        ({"APP_DEBUG": "off"}, "error", "APP_DEBUG", 2),
        ({"APP_ENV": "local"}, "warning", "APP_ENV", 1),
        ({"CACHE_DRIVER": "redis"}, "warning", "CACHE_DRIVER", 4),
    ],
)
def test_problems_are_named_with_their_line(change: dict[str, str], level: str, key: str, line: int) -> None:
    text = GOOD
    for name, value in change.items():
        text = envfile.set_value(text, name, value)
    assert [(item.level, item.key, item.line) for item in envfile.problems(text, framework="11.9.2")] == [(level, key, line)]


def test_a_good_env_has_no_problems() -> None:
    assert envfile.problems(GOOD) == ()
    assert envfile.problems(GOOD + "CACHE_DRIVER=redis\n", framework="10.48.0") == ()
    assert envfile.problems(GOOD + "CACHE_DRIVER=redis\nCACHE_STORE=redis\n", framework="12.0.0") == ()
    assert envfile.problems(f"APP_ENV=local\nAPP_DEBUG=true\n{KEY}", production=False) == ()


def test_a_missing_key_a_duplicate_and_a_broken_line() -> None:
    found = envfile.problems("APP_ENV=production\nMAIL_FROM=My Shop\nAPP_ENV=production\n")
    assert [(item.level, item.key, item.line) for item in found] == [
        ("error", "MAIL_FROM", 2),
        ("error", "APP_KEY", 0),
        ("warning", "APP_ENV", 3),
    ]
    assert "lines 1, 3" in found[-1].text


def test_no_problem_tells_a_value() -> None:
    text = "APP_KEY=hunter2\nDB_PASSWORD=hunter2 hunter2\nDB_PASSWORD=hunter2\nAPP_ENV=hunter2\nAPP_DEBUG=hunter2\nA='hunter2"
    found = envfile.problems(text, framework="11")
    assert len(found) == 6
    assert "hunter2" not in repr(found)


def test_missing_keys_keep_the_order_of_the_example() -> None:
    assert envfile.missing_keys("B=1\nA=1\nC=1\nA=2", "C=\n# B=1\n") == ("B", "A")


@pytest.mark.parametrize(
    ("example", "placed"),
    [
        ("DB_CONNECTION=sqlite\n# DB_DATABASE=laravel\n", True),
        ("DB_CONNECTION=sqlite\nDB_DATABASE=database/database.sqlite\n", True),
        ("DB_CONNECTION=sqlite\nDB_DATABASE=/data/shop.sqlite\n", False),
        ("DB_CONNECTION=mysql\nDB_DATABASE=laravel\n", False),
        ("DB_CONNECTION=sqlite\nDB_URL=sqlite:////data/shop.sqlite\n", False),
        ("", False),
    ],
)
def test_sqlite_gets_a_place_that_outlives_releases(example: str, placed: bool) -> None:
    text = envfile.template(example, envfile.sqlite(example, "/srv/app/shared"))
    assert (envfile.values(text).get("DB_DATABASE") == "/srv/app/shared/storage/app/database.sqlite") is placed
