"""Files go there and come back byte for byte, private on the way, and what went wrong is told in the far end's words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from fabfile.engine import transfer
from fabfile.engine.errors import Failure
from fabfile.engine.shell import Shell
from tests.engine import places
from tests.engine.conftest import MakeShell
from tests.support.sshd import Sshd

SIZES = [0, 1, 65535, 65536, 10_000_000]
NAMES = ["plain", "with space", "it's", '"quoted"', "$HOME", "-n", "é 日本", "back\\slash", "*", "a;b|c&d"]


@pytest.fixture(params=["here", "ssh"])
def conversation(request: pytest.FixtureRequest, make_local: MakeShell, sshd: Sshd, tmp_path: Path) -> Iterator[Shell]:
    if request.param == "here":
        yield make_local()
        return
    c = places.host(sshd, tmp_path)
    yield c.shell
    c.shell.close()
    c.close()


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize("size", SIZES)
def test_there_and_back(size: int, conversation: Shell, tmp_path: Path) -> None:
    data = os.urandom(size)
    (tmp_path / "file").write_bytes(data)
    (tmp_path / "file").chmod(0o666)
    assert transfer.send(conversation, tmp_path / "file", f"{tmp_path}/there") == size
    assert (tmp_path / "there").read_bytes() == data
    transfer.fetch(conversation, f"{tmp_path}/there", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data
    assert [mode(tmp_path / name) for name in ("there", "back")] == [0o600, 0o600]
    assert not (tmp_path / "back.part").exists()


@pytest.mark.parametrize("name", NAMES)
def test_any_name_will_do(name: str, conversation: Shell, tmp_path: Path) -> None:
    folder = tmp_path / f"in {name}"
    folder.mkdir()
    (tmp_path / "file").write_bytes(b"content")
    transfer.send(conversation, tmp_path / "file", f"{folder}/{name}")
    transfer.fetch(conversation, f"{folder}/{name}", tmp_path / "back")
    assert (folder / name).read_bytes() == (tmp_path / "back").read_bytes() == b"content"
    assert places.names(folder) == [name]


def test_it_is_private_from_its_first_byte(conversation: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(os.urandom(10_000_000))
    seen: set[tuple[int, bool]] = set()
    sending = Thread(target=transfer.send, args=(conversation, tmp_path / "file", f"{tmp_path}/there"))
    sending.start()
    while sending.is_alive():
        if (tmp_path / "there").exists():
            seen.add((mode(tmp_path / "there"), (tmp_path / "there").stat().st_size < 10_000_000))
    sending.join()
    assert (0o600, True) in seen, "it was never seen half-way"
    assert {each for each, _ in seen} == {0o600}


@pytest.mark.parametrize("text", ["", "no newline", "é\n", "\udcff not UTF-8\n"])
def test_text(text: str, conversation: Shell, tmp_path: Path) -> None:
    transfer.send_text(conversation, text, f"{tmp_path}/there")
    assert (tmp_path / "there").read_bytes() == text.encode("utf-8", "surrogateescape")


def test_what_was_collected_runs_first(conversation: Shell, tmp_path: Path) -> None:
    conversation.do('mkdir "$1"', tmp_path / "new")
    transfer.send_text(conversation, "x", f"{tmp_path}/new/file")
    assert (tmp_path / "new/file").exists()


@pytest.mark.parametrize(("path", "why"), [("no/folder/file", "[Nn]o such file|[Dd]irectory nonexistent"), ("", "[Ii]s a directory")])
@pytest.mark.parametrize("size", [10, 10_000_000])
def test_a_place_that_takes_no_file_is_told_in_its_own_words(size: int, path: str, why: str, conversation: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(size))
    with pytest.raises(Failure, match=why):
        transfer.send(conversation, tmp_path / "file", f"{tmp_path}/{path}")
    assert conversation.ask("echo next").out == "next\n"


@pytest.mark.parametrize("size", [10, 10_000_000])
def test_a_full_disk_is_told(size: int, conversation: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(size))
    with pytest.raises(Failure, match="No space left on device") as caught:
        transfer.send(conversation, tmp_path / "file", "/dev/full")
    assert "is the disk full" in caught.value.hint


def test_what_cannot_be_read_leaves_the_old_copy(conversation: Shell, tmp_path: Path) -> None:
    (tmp_path / "back").write_text("old")
    with pytest.raises(Failure, match=f"cannot read {tmp_path}/nothing: .*[Nn]o such file"):
        transfer.fetch(conversation, f"{tmp_path}/nothing", tmp_path / "back")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["back"]
    assert (tmp_path / "back").read_text() == "old"


def test_a_download_does_not_follow_a_link_laid_in_its_way(conversation: Shell, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "back.part").symlink_to("victim")
    (tmp_path / "there").write_text("content")
    transfer.fetch(conversation, f"{tmp_path}/there", tmp_path / "back")
    assert (tmp_path / "victim").read_text() == "precious"
    assert (tmp_path / "back").read_text() == "content"


def test_a_newline_in_a_path_is_refused(conversation: Shell, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="newline"):
        transfer.send_text(conversation, "x", f"{tmp_path}/a\nb")


def test_a_dry_run_sends_nothing(make_local: MakeShell, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    transfer.send_text(make_local(dry=True), "x", f"{tmp_path}/there")
    assert not (tmp_path / "there").exists()
    assert f"receive {tmp_path}/there" in capsys.readouterr().out
