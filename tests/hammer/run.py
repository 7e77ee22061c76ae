"""Visitors during deployments and rollbacks: ``python -m tests.hammer.run [--deploys N] [--rollbacks M] [--cells 1,2] [--write PAGE]``.

Prints what went wrong, and a table at the end, whose rows also replace those on PAGE; exit code 1 if anything went wrong.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.faults.sweep import indent
from tests.support import composer_repo, laravel, process
from tests.support.artifact import Artifacts, lean
from tests.support.deployment import World
from tests.support.php_web import fpm_program
from tests.support.sshd import Sshd

from . import cells, versions, warmth
from .cells import CELLS, Cell, Outcome

BEGIN, END = "<!-- hammer -->\n", "<!-- /hammer -->\n"
NEEDED = ("sshd", "ssh-keygen", "nginx", "php", "composer", "git", "unzip")
SHOWN = 5


def world(stack: ExitStack, folder: Path, source: Path, cell: Cell) -> World:
    """A site behind the cell's servers, which end with ``stack``."""
    folder.mkdir()
    sshd = Sshd(folder / "sshd").start()
    stack.callback(sshd.stop)
    made = World(folder, source, sshd, cell.web, settings={"build": {"package_manager": "none"}})
    stack.callback(made.web.stop)
    return made


def build(folder: Path) -> tuple[Path, Artifacts]:
    """The application's source, and an artifact that was really built of it, to be varied."""
    source = laravel.locked(folder / "source", composer_repo.build(folder / "composer"))
    with ExitStack() as stack:
        builder = world(stack, folder / "builder", source, CELLS[0])
        result = builder.fab("builder.build")
        if result.code:
            raise RuntimeError(result.text)
        built = next((builder.folder / "build/notes/artifacts").glob("*.tar.gz"))
        return source, Artifacts(lean(built, folder / "original.tar.gz"), folder)


@contextmanager
def stage() -> Iterator[tuple[Path, Path, Artifacts]]:
    """A temporary folder, the application's source, and artifacts of it."""
    with tempfile.TemporaryDirectory(prefix="fab-hammer-") as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        (folder / "home").mkdir()
        patch.setenv("HOME", str(folder / "home"))  # nothing of whoever runs this is seen or changed
        yield (folder, *build(folder))


def hammer(chosen: list[Cell], deployments: int, rollbacks: int, page: Path | None) -> bool:
    """Play them one after the other, and say how warm a first page is; whether all went well. ``page`` has each row as it comes."""
    outcomes: list[Outcome] = []
    with stage() as (folder, source, built):
        made = versions.artifacts(built, ("one", "two", "three"))
        for number, cell in enumerate(chosen):
            with ExitStack() as stack:
                site = world(stack, folder / f"cell{number}", source, cell)
                outcomes.append(cells.Hammer(site, cell, made).play(deployments, rollbacks))
            print(row(outcomes[-1]), *wrong(outcomes[-1]), sep="\n", flush=True)
            if page:
                publish(page, outcomes)
        with ExitStack() as stack:
            warm = warmth.sentence(world(stack, folder / "warmth", source, CELLS[0]), made)
    print(table(outcomes), "", warm, sep="\n")
    if page:
        publish(page, outcomes, f"Made on {time.strftime('%Y-%m-%d', time.gmtime())} with `make hammer` ({setting()}).\n\n{warm}")
    return all(outcome.good for outcome in outcomes)


def wrong(outcome: Outcome) -> list[str]:
    """A few examples of each thing that went wrong."""
    kinds = ("failed", "mixed", "late", "stale", "trouble")
    return [indent(f"{kind}: {text}") for kind in kinds for text in getattr(outcome, kind)[:SHOWN]]


def name(cell: Cell) -> str:
    return ", ".join(f"`{part}`" for part in cell.name.split(", "))


def row(outcome: Outcome) -> str:
    counts = (outcome.failed, outcome.mixed, outcome.late, outcome.stale, outcome.trouble)
    numbers = (outcome.moves, outcome.requests, *map(len, counts), f"{outcome.seconds:.0f} s")
    return f"| {name(outcome.cell)} | {' | '.join(map(str, numbers))} |"


def table(outcomes: list[Outcome], before: str = "") -> str:
    """All rows there are: of a cell that was not played now, the one of ``before``."""
    rows = {line.split(" | ")[0]: line for line in before.splitlines() if line.startswith("| `")}
    rows |= {row(outcome).split(" | ")[0]: row(outcome) for outcome in outcomes}
    shown = [rows[key] for cell in CELLS if (key := f"| {name(cell)}") in rows]
    head = "| nginx and PHP-FPM | switches | requests | failed | mixed | old release afterwards | lost assets | `fab` not 0 | took |"
    return "\n".join([head, "| --- |" + " --- |" * 8, *shown])


def setting() -> str:
    """What it ran on."""
    php = subprocess.run([fpm_program(), "-v"], text=True, stdout=subprocess.PIPE, check=True).stdout.split()[1]
    nginx = subprocess.run([process.program("nginx"), "-v"], text=True, stderr=subprocess.PIPE, check=True).stderr.split("/")[-1].strip()
    return f"PHP-FPM {php}, nginx {nginx}, Python {platform.python_version()}, {os.cpu_count()} processors"


def publish(page: Path, outcomes: list[Outcome], text: str = "") -> None:
    """Put the rows and ``text`` between the marks of ``page``, or leave the text that is there."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    old, _, after = rest.partition(END)
    text = text or old.rpartition(" |\n\n")[2].strip()
    page.write_text(f"{before}{BEGIN}{table(outcomes, old)}\n\n{text}\n{END}{after}", encoding="utf-8")


def lacking() -> list[str]:
    """What this machine would have to have."""
    return [name for name in NEEDED if process.find(name) is None] + [f"/usr/share/php/{name}" for name in composer_repo.missing()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deploys", type=int, default=20)
    parser.add_argument("--rollbacks", type=int, default=10)
    parser.add_argument("--cells", default="", help="numbers of some cells, such as 1,2; default: all")
    parser.add_argument("--write", type=Path, help="also put the table on this page")
    options = parser.parse_args()
    if missing := lacking():
        print(f"not installed: {', '.join(missing)}; scripts/system-packages.sh installs it as root on Debian", file=sys.stderr)
        return 2
    chosen = [CELLS[int(number) - 1] for number in options.cells.split(",")] if options.cells else CELLS
    return int(not hammer(chosen, options.deploys, options.rollbacks, options.write))


if __name__ == "__main__":
    sys.exit(main())
