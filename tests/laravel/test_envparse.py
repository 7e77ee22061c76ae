"""A .env is read as the real phpdotenv reads it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabfile.laravel import envfile, envparse

from .php import BATCHES, ask

REAL = """
$answer = array_map(function (string $text) {
    $repository = Dotenv\\Repository\\RepositoryBuilder::createWithNoAdapters()
        ->addAdapter(Dotenv\\Repository\\Adapter\\ArrayAdapter::class)->immutable()->make();
    $text = Dotenv\\Util\\Str::utf8($text, 'UTF-8')->success()->get();
    try {
        $entries = (new Dotenv\\Parser\\Parser())->parse($text);
    } catch (Dotenv\\Exception\\InvalidFileException $error) {
        return null;
    }
    return (object) (new Dotenv\\Loader\\Loader())->load($repository, $entries);
}, $ask);
"""
SILENT = (envparse.LOST, envparse.SWALLOWED)


def real(*texts: str) -> list[dict[str, str | None] | None]:
    answer: list[dict[str, str | None] | None] = ask(REAL, texts, "Dotenv/autoload.php")
    return answer


CASES = [
    "A=1",
    "export A=1\nB = 2 \nC=",
    "A='it is $B ${B}' # comment\nB=\"x\"",
    "A=pa$$word#1",
    'A="pa$$word #1"',
    "B=x\nA=\"a${B}c\\${B}\"\nC=${B}-${NONE}\nD='${B}'",
    "A=1\r\nB=2\r\n",
    "\ufeffA=1",
    "A=1\nA=2",
    'A="one\ntwo\nthree"\nB=1',
    'A="a\\nb\\tc\\\\d\\"e"',
    'A="bad \\x"',
    "A=two words",
    "A=#nothing",
    "A=a#b",
    "\"A\"=1\n'B'=2",
    "=1",
    "A-B=1",
    'A="open\nB=1',
    '# x="y\nA=1\nB="2"\nC=3',
    "A",
    "A=1\nA",
    "A=b\\n'c\"d",
    "A=\"\"\nB=''",
    "A='a'b",
    'A="b" # c',
    "  A=1\n\tB=2",
    "A.B=1\nexport=2\nexportA=3",
]


@pytest.mark.parametrize("text", CASES)
def test_reads_what_phpdotenv_reads(text: str) -> None:
    agrees(text, real(text)[0])


def agrees(text: str, answer: dict[str, str | None] | None) -> None:
    refused = [entry for entry in envparse.parse(text) if entry.error and entry.error not in SILENT]
    assert bool(refused) == (answer is None), (text, refused)
    if answer is not None:
        assert envparse.values(text) == {name: value for name, value in answer.items() if value is not None}, text


SIGNS = ["=", '"', "'", "\\", "\\n", "\\\\", "$", "#", " ", "\t", "\n", "\r\n"]
PIECES = st.sampled_from([*SIGNS, "A", "B", "A=", "B=", "${A}", "${B}", "x", "é", "export ", "C=1\n", 'D="'])
NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.lists(st.lists(PIECES, max_size=12).map("".join), min_size=50, max_size=50))
@settings(BATCHES)
def test_any_text_is_read_as_phpdotenv_reads_it(texts: list[str]) -> None:
    for text, answer in zip(texts, real(*texts), strict=True):
        agrees(text, answer)


@given(st.dictionaries(NAMES, TEXTS, max_size=8))
@settings(max_examples=25, deadline=None)
def test_what_is_written_comes_back(wanted: dict[str, str]) -> None:
    text = "# first\nAPP_ENV=local\n"
    for key, value in wanted.items():
        text = envfile.set_value(text, key, value)
    wanted = {"APP_ENV": "local", **wanted}
    assert envparse.values(text) == wanted
    assert not envparse.duplicates(text)
    assert real(text) == [json.loads(json.dumps(wanted))]


def test_a_password_is_not_run_as_a_shell_would() -> None:
    assert envparse.values('DB_PASSWORD="pa$$word"\nX="`id`"') == {"DB_PASSWORD": "pa$$word", "X": "`id`"}


def test_a_nested_name_may_come_from_the_environment() -> None:
    assert envparse.values("A=${HOME}/x", {"HOME": "/home/a"}) == {"A": "/home/a/x"}
    assert envparse.values("A=${HOME}/x") == {"A": "${HOME}/x"}


def test_lines_of_duplicates_and_long_values() -> None:
    text = 'A=1\n\nKEY="one\ntwo"\nA=2\n'
    assert envparse.duplicates(text) == {"A": (1, 5)}
    assert [(entry.line, entry.lines) for entry in envparse.parse(text)] == [(1, 1), (3, 2), (5, 1)]
