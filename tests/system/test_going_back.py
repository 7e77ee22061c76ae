"""After the switch: who goes back, what is said of it, and what a site that somebody took down stays."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fabfile.engine import ladder
from fabfile.engine.quoting import bind, quote
from tests.conftest import need
from tests.engine.places import eventually
from tests.faults.stage import FLOWS, PAGE, Stage
from tests.support import toml
from tests.support.fab import Result
from tests.support.load import get
from tests.support.site import journal, leftovers, lock_is_free, log_blocks, records, serving

pytestmark = [pytest.mark.slow, pytest.mark.system]

# The first process above the hook that is no shell: fab itself, which dies without a word.
KILL = 'p=$PPID; while [ "$(cat "/proc/$p/comm")" = sh ]; do p=$(cut -d " " -f 4 "/proc/$p/stat"); done; kill -KILL "$p"'
# As a host that ends what a log-in leaves behind: all that was started over a connection goes when the connection does.
REAPER = """#!/bin/sh
connection=$PPID
(
  while kill -0 "$connection" 2>/dev/null; do sleep 0.1; done
  for found in $(grep -lsz "^REAPED_WITH=$connection$" /proc/[0-9]*/environ); do
    process=${found#/proc/} && kill -KILL "${process%/environ}"
  done
) </dev/null >/dev/null 2>&1 &
REAPED_WITH=$connection
export REAPED_WITH
exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
"""


@pytest.fixture(scope="module")
def open_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stage]]:
    need("sshd", "ssh-keygen", "php", "flock")
    with ExitStack() as stack:

        def make(**server: Any) -> Stage:
            stage = Stage(tmp_path_factory.mktemp("stage"), **server)
            stack.callback(stage.close)
            return stage

        yield make


@pytest.fixture(scope="module")
def opened(open_stage: Callable[..., Stage]) -> Stage:
    return open_stage()


@pytest.fixture
def stage(opened: Stage) -> Iterator[Stage]:
    """Version 1 was deployed."""
    file = opened.project / "deploy.toml"
    before = file.read_text()
    opened.restore("one")
    yield opened
    file.write_text(before)


def hook(stage: Stage, command: str) -> None:
    """Run ``command`` on this machine after everything else of post_release."""
    text = toml.dumps({"hooks": {"post_release": ["...", {"command": command, "place": "local"}]}})
    file = stage.project / "deploy.toml"
    file.write_text(f"{file.read_text()}\n{text}")


def deploy(stage: Stage, version: int = 2, **settings: str) -> Result:
    words = [word for name, value in settings.items() for word in ("--set", f"hosts.prod.{name}={value}")]
    return stage.fab("deploy", f"--artifact=v{version}.tar.gz", *words)


def version(stage: Stage) -> int:
    return int(json.loads(get(stage.web.url + PAGE).body)["version"])


def test_the_client_says_what_the_server_did(stage: Stage) -> None:
    old = serving(stage.site)
    script = stage.folder / "back.sh"
    script.write_text(f"set -eu\n{bind(ladder.with_rename('engine/back.sh'), stage.site, 'php', 'somebody did')}")
    hook(stage, f"sh {quote(script)}")
    done = deploy(stage)
    assert done.code == 5, done.text
    assert "the server had gone back before the switch was confirmed" in done.err
    assert f"{old} serves again" in done.err
    assert (serving(stage.site), version(stage), lock_is_free(stage.site)) == (old, 1, True)


def test_opcache_that_nobody_can_reset_is_a_warning_on_the_way_back(stage: Stage) -> None:
    old = serving(stage.site)
    done = deploy(stage, opcache="command", opcache_command="false")
    assert done.code == 5, done.text
    assert "server.opcache" in done.out
    assert (serving(stage.site), version(stage)) == (old, 1)


def test_a_site_that_does_not_answer_after_going_back_is_no_success(stage: Stage) -> None:
    public = stage.site / "releases" / serving(stage.site) / "public"
    done = deploy(stage, opcache="command", opcache_command=f"mv {public} {public}.gone; false")
    assert done.code == 6, done.text


@pytest.mark.parametrize("kind", ["deploy", "failing", "rollback"])
def test_what_somebody_took_down_stays_down(kind: str, stage: Stage) -> None:
    if kind == "rollback":
        stage.restore("two")
    down = stage.site / "current/storage/framework/down"
    assert stage.fab("server.down").code == 0
    assert down.exists()
    broken = {"opcache": "command", "opcache_command": "false"} if kind == "failing" else {}
    done = stage.fab("rollback") if kind == "rollback" else deploy(stage, **broken)
    assert done.code == (5 if kind == "failing" else 0), done.text
    assert down.exists()
    assert get(stage.web.url + PAGE).status == 503
    last = done.out.splitlines()[-1] if kind != "failing" else done.text
    assert "fab server.up" in last
    assert "is live" not in last
    assert stage.fab("server.up").code == 0
    assert get(stage.web.url + PAGE).status == 200


def test_what_the_deployment_took_down_goes_up_again(stage: Stage) -> None:
    done = deploy(stage, maintenance="true")
    assert done.code == 0, done.text
    assert version(stage) == 2


@pytest.mark.parametrize("point", ["mid_release", "post_release"])
def test_what_a_lost_run_took_down_goes_up_again(point: str, stage: Stage) -> None:
    old, file = serving(stage.site), stage.project / "deploy.toml"
    text = toml.dumps({"hooks": {point: [{"command": f"ls {stage.site}/current/storage/framework/down; {KILL}", "place": "local"}, "..."]}})
    file.write_text(f"{file.read_text()}\n{text}")
    done = deploy(stage, maintenance="true")
    assert done.code not in range(10), done.text
    down = [stage.site / f"releases/{id}/storage/framework/down" for id in (old, *(path.name for path in stage.site.glob("releases/2*")))]
    assert eventually(lambda: lock_is_free(stage.site) and not (stage.site / ".deploy/owed").exists())
    assert eventually(lambda: serving(stage.site) == old)
    assert not [path for path in down if path.exists()]
    assert version(stage) == 1


def test_a_first_release_that_nobody_confirmed(stage: Stage) -> None:
    stage.restore("empty")
    hook(stage, KILL)
    assert deploy(stage, 1).code not in range(10)
    assert eventually(lambda: lock_is_free(stage.site))
    assert version(stage) == 1, "there is nothing to go back to"
    assert "not confirmed" in stage.fab("status").out
    (stage.project / "deploy.toml").write_text((stage.project / "deploy.toml").read_text().rpartition("[hooks]")[0])
    done = deploy(stage)
    assert done.code == 0, done.text
    assert version(stage) == 2


def test_a_client_that_vanished(stage: Stage) -> None:
    old = serving(stage.site)
    hook(stage, KILL)
    assert deploy(stage).code not in range(10)
    assert eventually(lambda: serving(stage.site) == old and lock_is_free(stage.site))
    assert journal(stage.site)[-1]["event"] == "reverted"
    assert (log_blocks(stage.site)[-1]["Status"], log_blocks(stage.site)[-1]["Serving"]) == ("ROLLED BACK", old)
    assert version(stage) == 1
    said = stage.fab("status").out
    assert "revert" in said, said
    assert "bad" in stage.fab("releases").out


def test_a_first_release_that_was_switched_to_when_the_connection_went(stage: Stage) -> None:
    stage.restore("empty")
    code, text = stage.run("first", "session", "queue:restart")  # after the rename, before the confirmation
    assert code == 4, text
    assert "is in place but not confirmed" in text
    assert "nothing is live" not in text
    assert version(stage) == 1
    assert eventually(lambda: lock_is_free(stage.site))
    assert "state        live, not confirmed\n" in stage.fab("status").out
    assert deploy(stage).code == 0


def test_a_server_that_cannot_even_be_looked_at_is_told_with_what_to_type(stage: Stage) -> None:
    code, text = stage.run("redeploy", "fail", 1)
    assert (code, "→ fab server.check --host=prod" in text) == (4, True), text
    stage.restore("two")
    code, text = stage.run("rollback", "fail", "function differences(")
    assert (code, "→ see how things are: fab status --host=prod" in text) == (4, True), text


def test_how_often_the_server_is_spoken_to(stage: Stage) -> None:
    """What is asked ahead costs nothing; a round trip more is felt by whoever is far away."""
    assert {flow: stage.commands(flow) for flow in FLOWS} == {"first": 24, "redeploy": 22, "rollback": 16}


STATUS = {"redeploy": "SUCCESS", "rollback": "ROLLED BACK ON REQUEST"}


@pytest.mark.parametrize(("flow", "left"), [*(("redeploy", n) for n in range(3)), *(("rollback", n) for n in range(4))])
def test_an_interrupt_after_the_confirmation_takes_away_no_word_of_it(flow: str, left: int, stage: Stage) -> None:
    """Ctrl-C when so many commands are left: cleanup, log and checklist, unlock; the record of what was left, and of what serves."""
    at = stage.commands(flow) - left
    stage.restore(FLOWS[flow][2])
    known, left_release = len(log_blocks(stage.site)), serving(stage.site)
    code, text = stage.run(flow, "interrupt", at)
    assert code == 3, text
    assert "interrupted" in text
    (block,) = log_blocks(stage.site)[known:]
    assert (block["Status"], block["Deployment"], block["Serving"]) == (STATUS[flow], serving(stage.site), serving(stage.site))
    lines = journal(stage.site)
    assert [line["status"] for line in lines if line["event"] == "finished" and line["run"] == lines[-1]["run"]] == [STATUS[flow]]
    found = records(stage.site)
    assert (found[serving(stage.site)]["state"], found[serving(stage.site)]["confirmed"]) == ("live", True)
    assert found[left_release]["state"] == ("bad" if flow == "rollback" else "retired")
    assert (leftovers(stage.site), lock_is_free(stage.site)) == ([], True)


def test_where_background_processes_are_ended(open_stage: Callable[..., Stage], tmp_path: Path) -> None:
    reaper = tmp_path / "reaper"
    reaper.write_text(REAPER)
    reaper.chmod(reaper.stat().st_mode | stat.S_IXUSR)
    stage = open_stage(extra=f"ForceCommand {reaper}")
    old = serving(stage.site)
    assert eventually(lambda: "ends background processes" in stage.fab("status").out), (stage.site / ".deploy/background").read_text()
    hook(stage, f"kill -KILL $(cat {stage.site}/.deploy/run/*/watchman); {KILL}")  # the reaper might come a moment after the watchman
    done = deploy(stage, 3)
    assert "going back is up to this machine" in done.out
    assert done.code not in range(10)
    assert eventually(lambda: lock_is_free(stage.site))
    assert version(stage) == 3, "nobody was left to go back"
    up = stage.fab("server.up")
    assert "never confirmed" in up.text, up.text
    assert (serving(stage.site), version(stage)) == (old, 2)
    assert records(stage.site)[old]["confirmed"]


def test_where_they_may_stay(stage: Stage) -> None:
    background = stage.site / ".deploy/background"
    background.unlink()
    assert deploy(stage).code == 0
    assert background.read_text().startswith("asked ")
    assert eventually(lambda: background.read_text() == "stays\n", 30)
    assert "background" not in stage.fab("status").out
    assert not list((stage.site / ".deploy/run").iterdir())
