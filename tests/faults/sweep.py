"""Every fault at every command of every flow: ``python -m tests.faults.sweep [--sample N] [--kind K] [--write PAGE]``.

Prints a line for each case that broke something and a table at the end, which also replaces what is on PAGE; exit code 1 if
anything broke.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .stage import FLOWS, Outcome, Stage

# kind → what happens at command N, and its name in the fault matrix
KINDS = {
    "kill-before": ("W1", "the client is killed (SIGKILL) before the command"),
    "kill-after": ("W1", "the client is killed (SIGKILL) after the command"),
    "black-hole": ("W2", "the network swallows everything from the command on"),
    "session": ("W3", "the server's session process is killed at the command"),
    "fail": ("W4", "the command fails (exit 1)"),
    "hang": ("W5", "the command hangs until its time limit"),
    "disk-full": ("W6", "the disk is full from the command on"),
    "interrupt": ("W8", "Ctrl-C at the command"),
    "moment": ("W8", "SIGKILL, SIGINT or SIGTERM at a moment of its own, whatever runs then"),
}
MOMENTS = 100
DISK = 24 << 20
LEGEND = (
    "Exit codes: 0, 3 live; 4, 5 the old release serves, or a first one is in place but not confirmed; 6 the way back is\n"
    "up to the server; 130 interrupted before anything began; negative: killed by that signal."
)
BEGIN, END = "<!-- sweep -->\n", "<!-- /sweep -->\n"
Case = tuple[str, str, int]


@contextmanager
def staged() -> Iterator[Stage]:
    """A stage in a temporary folder; as root with a small filesystem of its own for the site."""
    folder = Path(tempfile.mkdtemp(prefix="fab-sweep-"))
    site, mounted = folder / "site", False
    try:
        site.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(site)]
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        stage = Stage(folder)
        stage.small_disk = mounted
        try:
            yield stage
        finally:
            stage.close()
    finally:
        if mounted:
            subprocess.run(["umount", "-l", site], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def cases(counts: dict[str, int], small_disk: bool) -> list[Case]:
    """Each kind at each command, and the moments, which know no commands."""
    kinds = [kind for kind in KINDS if kind != "moment" and (kind != "disk-full" or small_disk)]
    every = [(flow, kind, at) for flow, count in counts.items() for kind in kinds for at in range(1, count + 1)]
    flows = [*counts]
    return every + [(flows[number % len(flows)], "moment", number) for number in range(MOMENTS)]


def work(number: int, jobs: int, seed: int, sample: int, kinds: list[str], answers: multiprocessing.Queue[object]) -> None:
    """Play every ``jobs``-th case of these ``kinds`` on a stage of our own."""
    with staged() as stage:
        counts = {flow: stage.commands(flow) for flow in FLOWS}
        chosen = [case for case in cases(counts, stage.small_disk) if case[1] in kinds]
        random.Random(seed).shuffle(chosen)
        for case in chosen[: sample or None][number::jobs]:
            try:
                outcome = stage.play(*case)
            except Exception as error:  # noqa: BLE001 the sweep goes on and says so
                outcome = Outcome(-1, [f"the case could not be played: {error}"])
            answers.put((case, outcome))
    answers.put(counts)


def sweep(jobs: int, seed: int, sample: int, kinds: list[str]) -> tuple[dict[Case, Outcome], dict[str, int]]:
    """All outcomes, and how many commands each flow has."""
    answers: multiprocessing.Queue[object] = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(number, jobs, seed, sample, kinds, answers)) for number in range(jobs)]
    for worker in workers:
        worker.start()
    found: dict[Case, Outcome] = {}
    counts: dict[str, int] = {}
    ended = 0
    while ended < jobs:
        answer = answers.get()
        if isinstance(answer, dict):
            counts, ended = answer, ended + 1
            continue
        case, outcome = answer  # type: ignore[misc]
        found[case] = outcome
        if outcome.broken:
            print(f"BROKEN {case}: exit code {outcome.code}: {'; '.join(outcome.broken)}\n{indent(outcome.text)}", flush=True)
        elif len(found) % 20 == 0:
            print(f"{len(found)} cases, {sum(bool(each.broken) for each in found.values())} broken", flush=True)
    return found, counts


def indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-12:])


def matrix(found: dict[Case, Outcome], counts: dict[str, int]) -> str:
    """The result as a table in Markdown."""
    rows = ["| fault | flow | cases | survived | broken | exit codes |", "| --- | --- | --- | --- | --- | --- |"]
    for kind, (name, text) in KINDS.items():
        for flow in FLOWS:
            if not (mine := {case: outcome for case, outcome in found.items() if case[:2] == (flow, kind)}):
                continue
            broken = sum(bool(outcome.broken) for outcome in mine.values())
            codes = Counter(outcome.code for outcome in mine.values())
            shown = ", ".join(f"{code}: {count}" for code, count in sorted(codes.items()))
            rows.append(f"| {name} {text} | {flow} | {len(mine)} | {len(mine) - broken} | {broken} | {shown} |")
    total, broken = len(found), sum(bool(outcome.broken) for outcome in found.values())
    commands = ", ".join(f"{flow} {count}" for flow, count in counts.items())
    return "\n".join([*rows, "", f"{total} cases, {total - broken} survived, {broken} broken. Commands: {commands}."])


def section(table: str, seed: int, arguments: list[str]) -> str:
    """All that stands between the marks of a page: how it was made, what the codes mean, the table. The same run makes the same text."""
    command = " ".join(["python -m tests.faults.sweep", *arguments])
    return f"Made in one run of `{command}`, seed {seed}. {LEGEND}\n\n{table}\n"


def publish(page: Path, text: str) -> None:
    """Replace what stands between the marks of ``page``."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(f"{before}{BEGIN}{text}{END}{rest.partition(END)[2]}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=0, help="only so many cases; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", action="append", choices=KINDS, help="only these faults")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", type=Path, help="also put the table on this page")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background inherits that it is ignored
    print(f"seed {options.seed}", flush=True)
    start = time.monotonic()
    found, counts = sweep(options.jobs, options.seed, options.sample, options.kind or [*KINDS])
    table = matrix(found, counts)
    seconds = time.monotonic() - start
    print(f"{table}\n{seconds:.0f} s, {seconds * options.jobs / max(len(found), 1):.1f} s a case and job")
    if options.write:
        publish(options.write, section(table, options.seed, sys.argv[1:]))
    return int(any(outcome.broken for outcome in found.values()))


if __name__ == "__main__":
    sys.exit(main())
