"""``fab report``: the seconds of a deployment as a table and as a page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.conftest import lacking
from tests.security.conftest import Packs
from tests.support import browser
from tests.support.deployment import World
from tests.support.site import journal, serving

pytestmark = pytest.mark.system
TITLE = "echo '<script>alert(1)</script>' @steps@ ${TOKEN:-}"


@pytest.fixture(scope="module")
def served(sample_worlds: Callable[..., World], packs: Packs) -> World:
    """A good release, then one whose application cannot boot; a hook with a name that is not harmless in a page."""
    world = sample_worlds(settings={"hooks": {"pre_release": [{"command": TITLE, "place": "local"}]}})
    first = world.fab("deploy", "--host=prod", "--artifact", str(packs.version("1")), TOKEN="sentinel-9f3b")
    assert first.code == 0, first.text
    broken = packs.version("2", {"app/Site.php": "<?php class {"})
    assert world.fab("deploy", "--host=prod", "--artifact", str(broken), TOKEN="sentinel-9f3b").code == 4
    return world


class Page(HTMLParser):
    """What a browser would make of it: tags that are open, texts, and what it would load or run."""

    EMPTY = ("meta", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def widths(page: Page) -> list[tuple[float, float]]:
    """Where each bar begins and how long it is, in percent."""
    found = [re.fullmatch(r"margin-left:([\d.]+)%;width:([\d.]+)%", attrs.get("style") or "") for tag, attrs in page.tags if tag == "span"]
    return [(float(bar[1]), float(bar[2])) for bar in found if bar]


def test_the_last_run_as_table_and_page(served: World, tmp_path: Path) -> None:
    result = served.fab("report", "--host=prod", f"--output={tmp_path}/page.html")
    assert result.code == 0, result.text
    ended = [line for line in journal(served.site) if line["event"] == "finished"]
    assert [line["status"] for line in ended] == ["SUCCESS", "FAILED"]
    steps = [row[1] for row in ended[-1]["steps"]]
    assert {"3.2-connect", "3.4-transfer", "6.3-health", "10.1-log"} <= set(steps)
    assert [row[1] for row in ended[-1]["steps"] if row[5]] == ["6.3-health"]
    for step in steps:
        assert step.split("\n")[0] in result.out
    page = Page((tmp_path / "page.html").read_text())
    assert page.open == []
    assert "FAILED" in page.text
    assert len(widths(page)) == len(steps)
    assert all(left + width <= 100.3 for left, width in widths(page))
    assert [left for left, _ in widths(page)] == sorted(left for left, _ in widths(page))
    assert sum(tag == "li" for tag, _ in page.tags) == 2


SHOWN = """page => {
  const boxes = found => [...page.querySelectorAll(found)].map(each => each.getBoundingClientRect())
  const colour = each => page.defaultView.getComputedStyle(each).background
  return {
    title: page.title,
    overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    bars: boxes('.line span').map(box => [box.left, box.width, box.height]),
    lines: boxes('.line').map(box => [box.left, box.width]),
    trend: boxes('li span').map(box => [box.width, box.height]),
    colours: new Set([...page.querySelectorAll('i')].map(colour)).size,
    failed: [...page.querySelectorAll('.line .failed')].map(each => each.title),
  }
}"""


@pytest.mark.parametrize("width", [1200, 420])
def test_a_browser_shows_it(width: int, served: World, tmp_path: Path) -> None:
    """In Chromium, also on a phone: every bar is to be seen, where its seconds are, and nothing sticks out."""
    if not browser.program():
        lacking("not installed: chromium")
    served.fab("report", "--host=prod", f"--output={tmp_path}/page.html")
    text = (tmp_path / "page.html").read_text()
    seen = browser.measured(text, SHOWN, width, tmp_path)
    assert (seen["title"].startswith("prod: deploy "), seen["overflow"]) == (True, 0)
    assert len(seen["bars"]) == len(widths(Page(text)))
    for (left, wide, high), (start, room), (after, share) in zip(seen["bars"], seen["lines"], widths(Page(text)), strict=True):
        assert (left - start, wide) == pytest.approx((room * after / 100, room * share / 100), abs=1)
        assert high > 5
    assert [high > 0 and wide > 0 for wide, high in seen["trend"]] == [True, True]
    assert seen["colours"] == 5
    assert [title.split()[0] for title in seen["failed"]] == ["6.3-health"]


def test_the_page_needs_nothing_and_shows_no_secret_and_runs_nothing(served: World, tmp_path: Path) -> None:
    served.fab("report", "--host=prod", f"--output={tmp_path}/page.html", TOKEN="sentinel-9f3b")
    text = (tmp_path / "page.html").read_text()
    page = Page(text)
    assert not [tag for tag, attrs in page.tags if tag in ("script", "link", "img", "iframe") or {"src", "href", "onload"} & set(attrs)]
    assert "<script>alert(1)</script>" in page.text  # as a text
    assert "sentinel-9f3b" not in text
    assert text.count("<ol>") == 1


def test_another_release_and_what_is_not_there(served: World) -> None:
    good = served.fab("report", "--host=prod", f"--release={serving(served.site)}", "--json")
    assert good.code == 0, good.text
    rows = [json.loads(line)["values"] for line in good.out.splitlines() if json.loads(line)["event"] == "row"]
    assert "7.1-symlink" in [row["step"] for row in rows]
    assert all(float(row["seconds"]) >= 0 for row in rows)
    unknown = served.fab("report", "--host=prod", "--release=20200101000000")
    assert unknown.code == 4
    assert f"it knows {serving(served.site)}" in unknown.err
    unwritable = served.fab("report", "--host=prod", "--output=/nowhere/page.html")
    assert unwritable.code == 4
    assert "/nowhere/page.html cannot be written: No such file or directory" in unwritable.err


def test_lines_that_are_not_ours_are_passed_over(served: World, tmp_path: Path) -> None:
    path = served.site / ".deploy/journal.jsonl"
    text = path.read_bytes()
    try:
        path.write_bytes(text + b'{"event":"finished","steps":[1,[2],["a","b",0,"x",1,false]],"seconds":"x"}\n{"event":"finished","ste')
        result = served.fab("report", "--host=prod", f"--output={tmp_path}/page.html")
    finally:
        path.write_bytes(text)
    assert result.code == 0, result.text
    assert "Traceback" not in result.text
