"""What the code needs, and whether it will have it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from invoke.context import Context

from ..engine import console, project
from ..engine.errors import Failure
from ..engine.scripts import source
from ..engine.tasks import here
from ..laravel import devuse, frontend, lockfile, requirements, scan, versionlock

LOCK = "version-lock.toml"


@here(flow="1-analyze-deps", done="Analysis complete", help={"write": "--no-write: leave version-lock.toml as it is"})
def analyze(c: Context, write: bool = True) -> None:
    """Compare the code's needs with the versions, lock files and packages that are there."""
    root, found = project.root(), tools()
    console.say(
        "   " + (", ".join(f"{name} {text}" for name, text in found.items() if name != "extensions") or "no PHP, Composer or Node here")
    )
    if (root / "composer.lock").is_file():
        lock = lockfile.parse_lock((root / "composer.lock").read_text(encoding="utf-8"))
        _locks(root, lock)
        _runtime(root, lock, found)
        _code(root, lock)
    versions_file(root, found, write)
    console.done("Analysis complete")


def foresee() -> None:
    """Ask this machine's tools for their versions, which they are slow to say, while something else is done."""
    project.local().foresee(*_question())


def read_ahead() -> None:
    """Read the application's code while others are busy; what is wrong with it, ``analyze`` says."""
    with suppress(Failure, OSError, ValueError):
        root = project.root()
        devuse.analyze(root)
        scan.analyze(root, lockfile.framework_version(lockfile.parse_lock((root / "composer.lock").read_text(encoding="utf-8"))))


def _question() -> tuple[str, ...]:
    build, root = project.loaded().settings.build, project.root()
    node = ("node", "npm") if (root / "package.json").is_file() else ()  # slow to say it
    return source("engine/tools.sh"), str(root), build.php, build.composer, *node


def tools() -> dict[str, str]:
    """Tool → version on this machine, and ``extensions``."""
    out = project.local().ask(*_question(), what="ask for versions").out
    rows = dict(line.split(" ", 1) for line in out.splitlines() if " " in line)
    return {name: text if name == "extensions" else frontend.version(text) for name, text in rows.items()}


def _locks(root: Path, lock: lockfile.Lock) -> None:
    composer = (root / "composer.json").read_text(encoding="utf-8")
    if lockfile.stale(composer, lock):
        raise Failure("composer.lock is not up to date with composer.json", "composer update --lock, then commit composer.lock")


def _runtime(root: Path, lock: lockfile.Lock, found: dict[str, str]) -> None:
    """What the code asks of PHP against this machine's; the server's own PHP is checked there."""
    needed = requirements.required((root / "composer.json").read_text(encoding="utf-8"), lock)
    if "php" in found:
        for text in requirements.unmet(needed, found["php"], found.get("extensions", "").split()):
            console.say(f"   here: {text}", console.YELLOW)
    if found.get("composer", "2").startswith("1."):
        raise Failure(
            f"Composer is {found['composer']}, which cannot read this lock file as Composer 2 does", "set build.composer to a Composer 2"
        )


def _code(root: Path, lock: lockfile.Lock) -> None:
    for use in devuse.analyze(root):
        text = f"{use.file}:{use.line}: {use.name} is in {use.package}, a development package"
        if use.severity == "production":
            console.warn(f"{text}, but production runs this\n      fix: {devuse.fix_command(use.package)}")
        else:
            console.say(f"   {text}; fine unless production is seeded", console.DIM)
    for finding in scan.analyze(root, lockfile.framework_version(lock)):
        console.warn(f"{finding.file}:{finding.line}: {finding.text}")


def versions_file(root: Path, found: dict[str, str], write: bool) -> None:
    """Say what differs from version-lock.toml, and write it if it is missing or differs: data, never sourced."""
    php, composer, node, npm = (found.get(name, "") for name in versionlock.TOOLS)
    current = versionlock.VersionLock(php, composer, node, npm, tuple(found.get("extensions", "").lower().split()))
    known = versionlock.load((root / LOCK).read_text(encoding="utf-8")) if (root / LOCK).is_file() else None
    different = versionlock.mismatches(known, current) if known else ()
    for text in different:
        console.say(f"   {LOCK}: {text}", console.YELLOW)
    if write and (different or known is None) and not project.local().dry:
        (root / LOCK).write_text(versionlock.dump(current), encoding="utf-8")
        console.done(f"Versions written to {LOCK}")
