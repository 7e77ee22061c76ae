"""Under the lock one watcher holds all questions to their time, where each would need somebody of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from fabfile.engine import lock
from fabfile.engine.errors import CommandFailed, Unreachable
from fabfile.engine.shell import Shell
from tests.engine.conftest import MakeShell
from tests.engine.places import eventually
from tests.engine.test_conversation import TOO_LONG, processes

SILENCE = 1  # seconds, hence also how often the watcher looks
LIMIT = 12 * SILENCE  # the least that it looks after


@pytest.fixture
def locked(make_shell: MakeShell, tmp_path: Path) -> MakeShell:
    """A function that makes conversations which hold a lock, each another one."""

    def make() -> Shell:
        shell, folder = make_shell(silence=SILENCE), tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        assert lock.take(shell, str(folder), "run", "test") == lock.HELD
        return shell

    return make


def limiters(shell: Shell, mark: str, limit: int) -> int:
    """How many processes there are only to end a question that may take so many seconds."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(shell.ask, "sleep 2", timeout=limit)
        assert eventually(lambda: [command for command in processes(mark) if command.startswith("sleep 2 ")])
        found = sum("n=$1" in command for command in processes(mark))
        asked.result()
    return found


def test_nobody_is_started_for_a_limit_that_the_watcher_sees_to(locked: MakeShell, mark: str) -> None:
    shell = locked()
    assert [limiters(shell, mark, limit) for limit in (LIMIT - 1, LIMIT)] == [1, 0]


def test_the_watcher_ends_everything_that_has_had_its_time(locked: MakeShell, mark: str) -> None:
    """Also where the agent was killed meanwhile; a limit that is not reached ends nothing."""

    def late(name: str, way: str, shell: Shell) -> str:
        with pytest.raises(CommandFailed) as caught:
            getattr(shell, way)(TOO_LONG[name], timeout=LIMIT, what="the long one")
        assert shell.ask("echo next").out == "next\n"
        return caught.value.text

    def killed(shell: Shell) -> None:
        agent = shell.ask("echo $PPID").out.strip()
        with suppress(Unreachable):
            shell.work(f"kill -KILL {agent}; sleep 300", timeout=LIMIT)

    cases = [*((name, "ask") for name in TOO_LONG), ("alone", "work"), ("deaf descendants", "work")]
    with ThreadPoolExecutor(len(cases) + 2) as pool:
        said = [pool.submit(late, name, way, locked()) for name, way in cases]
        enough, orphan = pool.submit(locked().ask, "sleep 2; echo enough", timeout=LIMIT), pool.submit(killed, locked())
        texts = [each.result() for each in said]
        assert enough.result().out == "enough\n"
        orphan.result()
    for (name, _), text in zip(cases, texts, strict=True):
        assert ("the long one failed" if name == "politely" else f"stopped after its {LIMIT} seconds") in text
    assert eventually(lambda: not [command for command in processes(mark) if command.startswith("sleep 300")], 10), processes(mark)
