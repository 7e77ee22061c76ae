"""What a server keeps of our scripts does not travel again, and nothing else is ever run in its place."""

from __future__ import annotations

import hashlib
import re
import subprocess

import pytest

from fabfile.engine import kept, scripts
from fabfile.engine.errors import CommandFailed
from fabfile.engine.quoting import quote

TOKEN = "f" * 32


def name_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


def everything():
    """The names of all texts that may be kept."""
    texts = [scripts.source("engine/look.sh"), scripts.program("server/http.php")]
    return {name_of(f"row={quote(text.partition(chr(10))[2])}\n") for text in texts}


def expanded(script):
    """As the agent does it."""
    return re.sub(rf"^{TOKEN}@(.*)\n", lambda found: kept.text_of(found[1]), script, flags=re.MULTILINE)


SCRIPTS = {
    "a script": scripts.source("engine/look.sh"),
    "between others": f"set -- a\n{scripts.source('engine/look.sh')}\necho done",
    "without a line's end": scripts.source("engine/look.sh").rstrip("\n"),
    "PHP in a shell script": scripts.php("server/http.php"),
    "a script as a value": f"set -- {quote(scripts.source('engine/back.sh'))} b\necho",
    "a value in a value": f"set -- {quote('eval ' + quote(scripts.source('engine/back.sh')))} b\necho",
    "twice": scripts.source("engine/look.sh") * 2,
    "none of ours": "echo 1\n" * 500,
    "empty": "",
}
WHOLE = ("without a line's end", "none of ours", "empty")


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_abridged_is_the_same_again(name):
    script = SCRIPTS[name]
    _, used = kept.abridge(script, TOKEN, set())
    short, again = kept.abridge(script, TOKEN, used)
    assert expanded(short) == script
    assert used == again
    assert bool(used) == (name not in WHOLE)
    assert (len(short) < len(script)) == (name not in WHOLE)


def test_what_is_not_kept_travels():
    script = scripts.source("engine/look.sh") + scripts.source("engine/lock.sh")
    _, used = kept.abridge(script, TOKEN, set())
    assert len(used) == 2
    for name in used:
        short, _ = kept.abridge(script, TOKEN, {name})
        assert short.count(f"{TOKEN}@") == 1
        assert expanded(short) == script
    assert kept.abridge(script, TOKEN, {"0" * 64})[0] == script


def test_most_of_what_we_have_may_be_kept():
    for path in scripts.ROOT.rglob("*.sh"):
        text = scripts.source(path.relative_to(scripts.ROOT).as_posix())
        if len(text) > 600:
            assert kept.abridge(text, TOKEN, set())[1], path


@pytest.fixture
def folder(tmp_path):
    """What an earlier run kept."""
    run(kept.KEEP, tmp_path, *(part for name in everything() for part in (name, kept.text_of(name))))
    return tmp_path


def run(script, *values):
    words = " ".join(quote(value) for value in values)
    return subprocess.run(["sh", "-c", f"set -eu\nset -- {words}\n{script}"], capture_output=True, text=True, check=True).stdout


def test_what_is_kept_is_listed_if_it_is_whole(folder):
    assert kept.listed(run(kept.LIST, folder)) == everything()
    damaged = min(everything())
    (folder / "kept" / damaged).write_text("rm -rf everything\n")
    assert kept.listed(run(kept.LIST, folder)) == everything() - {damaged}
    (folder / "kept" / damaged).write_text("row='touch everything'\n")
    assert kept.listed(run(kept.LIST, folder)) == everything() - {damaged}
    (folder / "kept" / damaged).write_text("")
    assert kept.listed(run(kept.LIST, folder)) == everything() - {damaged}


def test_only_its_owner_can_read_or_change_it(folder):
    assert (folder / "kept").stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in (folder / "kept").iterdir())


def test_nothing_is_kept_where_there_is_no_room_and_nobody_is_troubled(tmp_path):
    (tmp_path / "kept").write_text("a file")
    assert run(kept.KEEP + "echo on", tmp_path, name_of("x"), "x") == "on\n"
    assert run(kept.LIST, tmp_path) == ""


def test_what_was_half_written_goes(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/a.new").touch()
    run(kept.KEEP, tmp_path, name_of("x"), "x")
    assert [file.name for file in (tmp_path / "kept").iterdir()] == [name_of("x")]


def test_the_agent_puts_the_text_in_the_place_of_its_name(shell, folder):
    shell.own("status=0", folder=str(folder))
    names = everything()
    shell.kept = names
    script = scripts.source("engine/look.sh")
    assert f"{TOKEN}@" in kept.abridge(script, TOKEN, names)[0]
    site = folder / "site"
    site.mkdir()
    said = shell.ask(script, str(site), "php").out
    shell.kept = None
    plain = shell.ask(script, str(site), "php").out
    assert [line for line in said.split("\n") if "now" not in line] == [line for line in plain.split("\n") if "now" not in line]


def test_nothing_of_a_script_runs_where_a_text_of_it_has_gone(shell, folder):
    shell.own("status=0", folder=str(folder))
    shell.kept = everything()
    for file in (folder / "kept").iterdir():
        file.unlink()
    with pytest.raises(CommandFailed, match="is gone"):
        shell.ask(f'touch "$1/before"\n{scripts.source("engine/look.sh")}\ntouch "$1/after"', str(folder), "php")
    assert not (folder / "before").exists()
    assert not (folder / "after").exists()
    assert shell.ask("echo on").out == "on\n"
