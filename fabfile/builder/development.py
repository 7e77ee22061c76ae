"""Whether production needs development packages: the code of the commit that is built says so, wherever that is."""

from __future__ import annotations

import functools
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

from ..engine import console, project, transfer
from ..engine.errors import Failure
from ..laravel import devuse, sources
from . import looking
from .workshop import Workshop

HEAD = ".git/HEAD"  # of a build it is a commit's id
# Which commit is checked out here, and what differs from it that counts.
HERE = """
cd "$1" 2>/dev/null && git rev-parse --verify -q HEAD && git status --porcelain=v1 -- composer.json composer.lock '*.php' || :
"""
CODE = f"""
cd "$1"
umask 077
{{
  ls -d ./composer.json ./composer.lock 2>/dev/null || :
  find . '(' {" -o ".join(f"-name {name}" for name in sorted(sources.SKIPPED))} ')' -prune -o -type f -name '*.php' -print
}} | tar -czf "$2" -T -
"""


def foresee(shop: Workshop) -> bool:
    """What is likely, before anything is cloned; what will be asked to be sure of it is on its way from now on."""
    if project.loaded().settings.build.dev == "auto":
        project.local().foresee(HERE, str(project.root()))
        project.local().hurry()
        looking.foresee(shop, paths=(HEAD,))
    return likely()


def likely() -> bool:
    """Whether what is checked out here uses packages of require-dev in production (or the settings say so)."""
    wanted = project.loaded().settings.build.dev
    if wanted == "auto":
        with suppress(Failure):  # it need not be what is built
            return bool(_uses(project.root()))
    return wanted == "always"


def needed(shop: Workshop) -> bool:
    """The same of the commit that is built."""
    wanted = project.loaded().settings.build.dev
    return _needed(shop, _commit(shop)) if wanted == "auto" else wanted == "always"


def _commit(shop: Workshop) -> str:
    if shop.shell.dry:
        return ""
    return sources.read(head) if shop.local and (head := Path(shop.work, HEAD)).is_file() else looking.read(shop, HEAD).strip()


@functools.cache
def _needed(shop: Workshop, commit: str) -> bool:
    found = _uses(Path(shop.work)) if shop.local else _uses(project.root()) if shop.shell.dry or _is_here(commit) else _fetched(shop)
    for package in sorted(found):
        use = found[package]
        text = f"{package} is in require-dev but {use.file}:{use.line} uses it in production: {devuse.fix_command(package)}"
        console.warn(text)
    return bool(found)


def _uses(tree: Path) -> dict[str, devuse.Finding]:
    """Development package → its first use in production."""
    if not (tree / "composer.lock").is_file():
        return {}
    return {finding.package: finding for finding in reversed(devuse.analyze(tree)) if finding.severity == "production"}


def _is_here(commit: str) -> bool:
    """Whether the code of ``commit`` is what is checked out on this machine."""
    return project.local().ask(HERE, str(project.root()), what="git status").out.splitlines() == [commit]


def _fetched(shop: Workshop) -> dict[str, devuse.Finding]:
    """The same of what is cloned elsewhere, which is not checked out here: its code is brought here."""
    path = f"{shop.base}/code.tar.gz"
    shop.shell.ask(CODE, shop.work, path, what="pack the code")
    with tempfile.TemporaryDirectory() as folder:
        file, tree = Path(folder, "code.tar.gz"), Path(folder, "code")
        transfer.fetch(shop.shell, path, file, "code")
        _unpack(file, tree)
        shop.shell.do('rm -f -- "$1"', path, what="remove the packed code")
        return _uses(tree)


def _unpack(file: Path, tree: Path) -> None:
    """Plain files, and those below ``tree``."""
    with tarfile.open(file) as tar:
        for member in tar:
            target, data = (tree / member.name).resolve(), tar.extractfile(member)
            if data and member.isfile() and target.is_relative_to(tree.resolve()):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data.read())
