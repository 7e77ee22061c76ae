"""Is what serves still what was built, and does the web server keep to itself what is nobody's business?"""

from __future__ import annotations

from ..engine import console, state
from ..engine.errors import Failure
from ..engine.hosts import Host
from ..engine.scripts import php as php_script
from ..engine.tasks import on_host
from . import asking, common, exposure

# What a release writes for itself, or gets linked into it.
OWN = ("bootstrap/cache", "storage", "public/storage", ".env")


@on_host(mutates=False, help={"release": "default: the current one"})
def verify(c: Host, release: str = "") -> None:
    """Compare the live files with what was built, and ask over HTTP for files that must not be served."""
    found = state.look(c)
    if not (release or found.current):
        raise Failure(f"{c.name}: nothing is deployed yet", f"fab deploy --host={c.name}")
    record = found.records.get(release or found.current)
    if record is None or not record.manifest:
        raise Failure(f"{c.name}: {release or found.current} has no manifest to compare with", f"fab releases --host={c.name}")
    _files(c, record.id)
    _exposure(c)


def _files(c: Host, release: str) -> None:
    values = ("check", c.site.release(release), c.site.manifest(release), *_over(c))
    answer = c.shell.ask(php_script("engine/manifest.php"), *common.bare(c), "--", *values, check=False, what="compare the files")
    *differences, count = answer.out.strip().splitlines() or ["nothing was said"]
    if answer.code:
        lines = "".join(f"\n  {line}" for line in differences[:50]) or f"\n  {answer.err.strip()}"
        raise Failure(f"{c.name}: release {release} is not what was built ({count}):{lines}", f"fab deploy --host={c.name} replaces it")
    console.done(f"Release {release}: {count.removeprefix('verified ')} entries are what was built")


def _over(c: Host) -> list[str]:
    return sorted({*OWN, *c.settings.shared_folders, *c.settings.shared_files})


def first_whole(c: Host, ids: list[str]) -> tuple[str, dict[str, str]]:
    """The first of these releases in which no built file is missing or changed, or ""; and what is wrong with those before it.

    What an application has put beside its files does not matter here. Raises Failure when nothing can be compared.
    """
    values = ("first", c.site.releases, f"{c.site.own}/releases", " ".join(ids), *_over(c))
    answer = c.shell.ask(php_script("engine/manifest.php"), *common.bare(c), "--", *values, check=False, what="compare the files")
    words = [line.split(" ", 2) for line in answer.out.splitlines()]
    broken = {line[1]: line[2] for line in words if line[0] == "broken"}
    whole = next((line[1] for line in words if line[0] == "whole"), "")
    if whole not in ids and broken.keys() != {*ids}:
        said = (answer.out + answer.err).strip()[-300:]
        raise Failure(f"{c.name}: the releases cannot be compared with what was built: {said}", by_hand(c))
    return whole, broken


def by_hand(c: Host, release: str = "ID") -> str:
    return f"fab server.switch --host={c.name} --release={release} serves it all the same"


def _exposure(c: Host) -> None:
    if not c.settings.url:
        console.done(f"What the web server gives away was not asked: set hosts.{c.name}.url for that")
        return
    served, unanswered = asking.exposed(c)
    if served:
        raise Failure(f"{c.name}: {c.settings.url} serves {', '.join(served)}", asking.CURE)
    if unanswered:
        text = f"{c.name}: whether {c.settings.url} serves {', '.join(unanswered)} is not known: it did not answer"
        raise Failure(text, f"fab server.validate --host={c.name} says why")
    console.done(f"Not served, as it should be: {', '.join(exposure.PRIVATE)}")
