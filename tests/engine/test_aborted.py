"""A run died with the lock: what it did is told while it goes on and afterwards, and the next one writes its end down."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from fabfile import info
from fabfile.engine import journal, lock, state
from tests.engine import places
from tests.engine.test_survival import Client
from tests.support.site import journal as journal_of
from tests.support.site import log_blocks
from tests.support.sshd import Sshd


def test_a_dead_run_is_told_and_written_down_by_the_next(sshd: Sshd, tmp_path: Path) -> None:
    client, c = Client(tmp_path, sshd, 60), places.host(sshd, tmp_path)
    began = {"seq": 1, "at": "2026-01-01T00:00:00Z", "run": client.run, "event": "start", "step": "migrate"}
    (tmp_path / ".deploy/journal.jsonl").write_text(json.dumps(began) + "\n")
    client.work(f"touch '{tmp_path}/began'; echo half way; while [ -e '{tmp_path}/began' ]; do sleep 0.05; done")
    assert places.eventually((tmp_path / "began").exists)
    client.signal(signal.SIGKILL)
    try:
        rows = dict(info._running(c, state.look(c)))
        assert (rows["step"], "half way" in rows["output"]) == ("migrate, since 2026-01-01T00:00:00Z", True)
        with pytest.raises(lock.Locked, match=r"what test, step migrate"):
            lock.hold(c, "next")
        (tmp_path / "began").unlink()
        assert places.eventually(lambda: not state.look(c).held)
        assert dict(info._running(c, state.look(c)))["died in"].startswith("migrate")

        lock.hold(c, "next")
        (block,) = log_blocks(tmp_path)
        assert (block["Status"], block["Note"], block["By"]) == ("ABORTED", "test died in migrate", lock.user())
        assert [line["event"] for line in journal_of(tmp_path)] == ["start", "aborted"]
        lock.release(c)
        lock.hold(c, "after a run that ended, nothing more is written")
        assert len(log_blocks(tmp_path)) == 1
    finally:
        lock.release(c)
        c.close()
        client.end()


def line(event: str, step: str = "", run: str = "r") -> str:
    return json.dumps({"seq": 1, "at": "t", "run": run, "event": event, "step": step})


@pytest.mark.parametrize(("lines", "step"), [
    ([], ""),
    ([line("start", "rollback"), line("start", "switch")], "switch"),
    ([line("start", "rollback"), line("start", "switch"), line("end", "switch")], "rollback"),
    ([line("start", "a"), line("failed", "a")], ""),
    ([line("start", "a"), line("end", "a", run="other")], "a"),
    ([line("start", "a"), '{"seq":2,"ev', "[1]"], "a"),
])  # fmt: skip
def test_the_step_that_began_and_has_not_ended(lines: list[str], step: str) -> None:
    assert journal.story("\n".join(lines), "r").step == step
