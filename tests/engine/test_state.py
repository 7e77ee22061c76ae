"""What a server says of itself is read right however odd its folders are, and records come back as they went."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabfile.engine import journal, layout, lock, records, state
from fabfile.engine.hosts import Host
from fabfile.engine.layout import Site
from fabfile.engine.records import Record
from fabfile.engine.scripts import source
from fabfile.engine.shell import Shell
from fabfile.engine.state import ServerState
from tests.engine import places
from tests.engine.conftest import MakeShell
from tests.support.sshd import Sshd

A, B, C = "20260101000000", "20260102000000", "20260103000000"
TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=30)
IDS = st.from_regex(r"[0-9]{14}", fullmatch=True)
RECORDS = st.builds(
    Record,
    id=IDS,
    state=st.sampled_from(get_args(records.State)),
    commit=TEXT,
    branch=TEXT,
    who=TEXT,
    migrations=st.lists(TEXT, max_size=3).map(tuple),
    files=st.integers(0, 2**40),
    order=st.integers(0, 2**40),
    confirmed=st.booleans(),
    reason=TEXT,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("id state order migrations previous x".split()), inner),
    max_leaves=8,
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    root = tmp_path / "it's a site"
    (root / "releases").mkdir(parents=True)
    (root / ".deploy/releases").mkdir(parents=True)
    return root


def look(shell: Shell, site: Path) -> ServerState:
    return state.parse(shell.ask(source("engine/look.sh"), site, "php").out)


def release(site: Path, id: str, **values: object) -> None:
    (site / "releases" / id).mkdir()
    (site / f".deploy/releases/{id}.json").write_text(records.dump(Record(id, **values)) + "\n")  # type: ignore[arg-type]


def test_nothing_is_there(shell: Shell, tmp_path: Path) -> None:
    found = look(shell, tmp_path / "nothing")
    assert layout.RELEASE_ID.fullmatch(found.now)
    assert found == ServerState(now=found.now)


def test_a_folder_and_no_more(shell: Shell, tmp_path: Path) -> None:
    found = look(shell, tmp_path)
    assert found == ServerState(now=found.now, exists=True)


def test_a_site_in_use(shell: Shell, site: Path) -> None:
    release(site, A, state="retired", order=1, confirmed=True)
    release(site, B, state="live", order=2, confirmed=True)
    release(site, C, state="prepared")
    (site / "current").symlink_to(f"releases/{B}")
    (site / "releases" / B / "storage/framework").mkdir(parents=True)
    (site / "releases" / B / "storage/framework/down").touch()
    (site / ".deploy/lock.json").write_text('{"who":"ann"}')
    (site / ".deploy/manual.json").write_text('{\n  "message": "a\\nb"\n}')
    found = look(shell, site)
    assert (found.current, found.releases, found.down, found.held) == (B, (A, B, C), True, False)
    assert (found.live and found.live.id, found.pending() and found.pending().id) == (B, C)  # type: ignore[union-attr]
    assert (found.lock, found.manual) == ({"who": "ann"}, {"message": "a\nb"})
    assert (found.next_order(), found.dangling, found.blocked, found.foreign) == (3, False, False, "")
    assert [target.id for target in records.targets(found.records, found.current)] == [A]


@pytest.mark.parametrize(("state_", "confirmed", "link", "expected"), [
    ("live", B, False, ("live", True)), ("live", B, True, ("live", True)), ("prepared", B, False, ("live", True)),
    ("live", A, False, ("live", False)), ("prepared", "", False, ("live", False)),
    ("failed", "", False, ("live", False)), ("bad", B, False, ("bad", False)),
])  # fmt: skip
def test_what_serves_is_live_whatever_could_be_written(
    state_: records.State, confirmed: str, link: bool, expected: tuple[str, bool], shell: Shell, site: Path
) -> None:
    release(site, A, state="live", order=1)
    release(site, B, state=state_, order=2)
    (site / "current").symlink_to(f"releases/{B}")
    if link:
        (site / ".deploy/confirmed").symlink_to(confirmed)
    elif confirmed:
        (site / ".deploy/confirmed").write_text(f"{A} {confirmed} run\nshell that resets OPcache\n")
    found = look(shell, site)
    assert found.live
    assert (found.live.state, found.live.confirmed) == expected
    assert (found.unwritten == found.live) == found.live.confirmed
    assert found.records[A].state == "bad", "a release that was left counts for what its record says"


FOREIGN = ("v1", "2026", f"{A}.old", " ", "-n", "é", f".{B}.partial")
AROUND = f"releases/../releases/{A}"
ODD = {
    "a dangling link": (lambda s: (s / "current").symlink_to(f"releases/{B}"), {"current": B, "dangling": True}),
    "an absolute link": (lambda s: (s / "current").symlink_to(s / "releases" / A), {"current": "", "foreign": "{site}/releases/" + A}),
    "a foreign link": (lambda s: (s / "current").symlink_to("../else where"), {"current": "", "foreign": "../else where"}),
    "a link with a newline": (
        lambda s: (s / "current").symlink_to(f"x\nheld yes\nrelease {B}"),
        {"foreign": f"x?held yes?release {B}", "held": False, "releases": (A,)},
    ),
    "a link to another's release": (lambda s: (s / "current").symlink_to(AROUND), {"foreign": AROUND}),
    "a folder at current": (lambda s: (s / "current").mkdir(), {"blocked": True, "current": ""}),
    "a file at current": (lambda s: (s / "current").touch(), {"blocked": True, "current": ""}),
    "foreign names": (lambda s: [(s / "releases" / name).mkdir() for name in FOREIGN], {"releases": (A,)}),
    "a file among the releases": (lambda s: (s / "releases" / B).touch(), {"releases": (A,)}),
    "a link among the releases": (lambda s: (s / "releases" / B).symlink_to(A), {"releases": (A,)}),
    "a damaged record": (lambda s: (s / f".deploy/releases/{B}.json").write_text('{"id":'), {"records": {A}}),
    "an empty record": (lambda s: (s / f".deploy/releases/{B}.json").touch(), {"records": {A}}),
    "a record of two lines": (lambda s: (s / f".deploy/releases/{B}.json").write_text("x\nheld yes\n"), {"records": {A}, "held": False}),
    "a folder of a record's name": (lambda s: (s / f".deploy/releases/{B}.json").mkdir(), {"records": {A}}),
    "a damaged lock record": (lambda s: (s / ".deploy/lock.json").write_text("who knows"), {"lock": {"damaged": "who knows"}}),
    "a lock that is a list": (lambda s: (s / ".deploy/manual.json").write_text("[1]"), {"manual": {}}),
    "no .deploy": (lambda s: shutil.rmtree(s / ".deploy"), {"records": set(), "held": False}),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_folders(name: str, make_local: MakeShell, site: Path) -> None:
    release(site, A, state="live", confirmed=True)
    make, expected = ODD[name]
    make(site)
    found = look(make_local(), site)
    for key, value in expected.items():
        seen = getattr(found, key)
        assert (set(seen) if key == "records" else seen) == (value.format(site=site) if key == "foreign" else value)


@pytest.mark.parametrize("kind", ["with flock", "without"])
def test_it_sees_that_the_lock_is_held(kind: str, make_local: MakeShell, site: Path, tmp_path: Path) -> None:
    path = "/usr/bin:/bin" if kind == "with flock" else places.path_without(tmp_path / "bin", "flock")
    looker, holder = make_local(path=path), make_local(path=path)
    (site / ".deploy/lock").touch()
    assert not look(looker, site).held
    assert lock.take(holder, f"{site}/.deploy", "run", "test") == lock.HELD
    assert look(looker, site).held
    assert look(looker, site).lock["run"] == "run"


@given(records_=st.lists(RECORDS, max_size=5, unique_by=lambda record: record.id), releases=st.lists(IDS, max_size=5), now=IDS)
def test_a_new_id_is_newer_than_all(records_: list[Record], releases: list[str], now: str) -> None:
    found = ServerState(now=now, releases=tuple(releases), records={record.id: record for record in records_})
    assert found.new_id() > max([*releases, *found.records], default="") or int(max([*releases, *found.records])) == 10**14 - 1
    assert found.new_id() >= now
    assert all(found.next_order() > record.order for record in records_)


@given(RECORDS)
def test_records_round_trip(record: Record) -> None:
    assert records.parse(records.dump(record)) == record
    assert "\n" not in records.dump(record)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=RECORDS)
def test_records_round_trip_through_a_server(record: Record, shell: Shell, site: Path) -> None:
    records.write(shell, Site(str(site)), record)
    files = list((site / ".deploy/releases").iterdir())
    try:
        assert look(shell, site).records[record.id].but(state=record.state, reason=record.reason) == record
        assert [(path.name, path.stat().st_mode & 0o777) for path in files] == [(path.name, 0o600) for path in files]
    finally:
        shutil.rmtree(site / ".deploy/releases")
        (site / ".deploy/releases").mkdir()


@given(JSON)
def test_no_json_is_taken_for_a_record_that_is_none(value: object) -> None:
    record = records.parse(json.dumps(value))
    if record:
        assert layout.checked(record.id)
        assert isinstance(record.order, int)
        assert all(isinstance(text, str) for text in (record.previous, record.reason))


@given(st.text() | st.just("[" * 100_000))
def test_no_text_at_all_breaks_the_parser(text: str) -> None:
    records.parse(text)
    state.parse(f"releases-json {text}\nmanual-json {text}\n{text}")


@pytest.mark.parametrize("line", [
    '{"id":"../../etc","state":"live"}', '{"id":"2026","state":"live"}', '{"id":5,"state":"live"}', '{"id":null}',
    f'{{"id":"{A}","state":"gone"}}', f'{{"id":"{A}","order":"9"}}', f'{{"id":"{A}","confirmed":1}}', f'{{"id":"{A}","previous":["x"]}}',
    f'{{"id":"{A}","migrations":5}}', '{"id":"' + "\N{ARABIC-INDIC DIGIT ONE}" * 14 + '","state":"live"}',
])  # fmt: skip
def test_records_that_are_none(line: str) -> None:
    assert records.parse(line) is None


def test_a_record_of_a_later_version_is_understood() -> None:
    assert records.parse(f'{{"id":"{A}","state":"live","colour":"blue"}}') == Record(A, "live")


@pytest.mark.parametrize("id", ["", "2026", A + "\n", A + "0", "../" + A, f"{A[:-1]}x", "\N{ARABIC-INDIC DIGIT ONE}" * 14, f" {A[1:]}"])
def test_what_is_no_release_id_never_becomes_a_path(id: str) -> None:
    for path in (Site("/x").release, Site("/x").partial, Site("/x").record, Site("/x").manifest):
        with pytest.raises(ValueError, match="not a release id"):
            path(id)
    assert layout.checked(A) == A


@pytest.fixture
def held(sshd: Sshd, site: Path) -> Host:
    c = places.host(sshd, site)
    lock.hold(c, "test")
    yield c  # type: ignore[misc]
    lock.release(c)
    c.close()


def lines(site: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (site / ".deploy/journal.jsonl").read_text().splitlines()]


def test_journal_lines_are_numbered_and_each_is_json(held: Host, site: Path) -> None:
    odd = 'it\'s "50%" \\n é\n\x1b[0m'
    for number in range(12):
        journal.note(held, "end", step="server.switch", number=number, odd=odd)
    held.shell.flush()
    found = lines(site)
    assert [line["seq"] for line in found] == list(range(1, 13))
    assert [line["number"] for line in found] == list(range(12))
    assert {line["run"] for line in found} == {held.run_id}
    assert {line["odd"] for line in found} == {odd}
    assert (site / ".deploy/journal.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_torn_line_spoils_only_itself(sshd: Sshd, site: Path) -> None:
    (site / ".deploy/journal.jsonl").write_text('{"seq":1}\n{"seq":2,"ev')
    c = places.host(sshd, site)
    lock.hold(c, "test")
    journal.note(c, "start")
    lock.release(c)
    c.close()
    last = (site / ".deploy/journal.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["event"] == "start"


def test_without_a_lock_nothing_is_noted(sshd: Sshd, site: Path) -> None:
    c = places.host(sshd, site)
    journal.note(c, "start")
    c.shell.ask(":")
    assert not (site / ".deploy/journal.jsonl").exists()
    c.shell.close()
    c.close()
