"""Whether what will be deployed is what is committed and pushed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from ..engine import console, masks, project
from ..engine.counted import counted
from ..engine.errors import Failure, SettingsError
from ..engine.logins import GIT, apart
from ..engine.nearest import did_you_mean
from ..engine.rows import Rows
from ..laravel import envparse, frontend

STATUS = """
cd "$1" 2>/dev/null && git rev-parse --verify -q HEAD && git rev-parse --show-prefix && git status --porcelain=v1 --untracked-files=no || :
"""
PUSHED = f"""
login=$4
{GIT}
tip=$(remote ls-remote -- "$2" "refs/heads/$3") # a pipe would hide that it failed
printf 'remote %s\\n' "${{tip%%[[:space:]]*}}"
printf 'here '; git -C "$1" rev-parse --verify -q --end-of-options "refs/heads/$3" || echo
[ -n "$tip" ] || remote ls-remote -- "$2" 'refs/heads/*' "refs/tags/$3" | sed 's/^[^[:blank:]]*[[:blank:]]*/there /'
"""
LACKS = 'cd "$1"; ! git rev-parse --git-dir >/dev/null 2>&1 || git cat-file -e "$2^{commit}" 2>/dev/null || echo lacks'
TRACKED = "git -C \"$1\" -c core.quotePath=false ls-files -- ':(glob)**/.env' ':(glob)**/.env.*'"
# Not only what is new: a lock file that .gitignore names is left out of every build just as well.
OUTSIDE = 'cd "$1"; shift; git ls-files --others -- "$@"'
REMOVE = "git rm --cached {0}, add it to .gitignore, and change what it gave away"
ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
Problem = tuple[str, str]  # what it is, and what to do about it


class Found(NamedTuple):
    """What would not be in a deployment, and the commit at the branch's tip where the build takes it from; empty: nobody knows."""

    problems: list[Problem]
    tip: str = ""


def foresee(branch: str) -> None:
    """Have this machine look, and ask the other side, which may take a while, while something else is done."""
    local, root = project.local(), str(project.root())
    local.foresee(STATUS, root)
    local.foresee(OUTSIDE, root, *_lock_files())
    local.foresee(TRACKED, root)
    local.foresee(PUSHED, *_pushed(root, branch), beside=True)


def look(branch: str, commit: str = "") -> Found:
    """What of this machine's project would not be in a deployment of ``branch``, or of a ``commit`` that is named. Raises Failure
    for what no build could come of, whatever is forced."""
    root, wanted = project.root(), project.loaded().settings
    found = []
    if wanted.build.composer != "none" and (root / "composer.json").is_file() and not (root / "composer.lock").is_file():
        found.append(("composer.lock is missing", "composer install, then commit it"))
    if wanted.front_end and (root / "package.json").is_file() and not any((root / name).is_file() for name in frontend.LOCK_FILES):
        found.append(("package.json has no lock file beside it", frontend.NO_LOCK))
    head, inside, *changed = project.local().ask(STATUS, str(root), what="git status").out.splitlines() or ["", ""]
    if not head and not wanted.project.repository:
        return Found([*found, (f"{root} is no git repository with a commit", "git init, git add, git commit; or set project.repository")])
    if head:
        found += _here(root, changed)
    else:
        console.say("   not a git repository: only the remote's state counts")
    if inside and not wanted.project.repository:
        text = f"{root} is not the top of its git repository but {inside} in it: that top is what a build takes for the application"
        raise SettingsError(text, "set project.repository to a repository that holds the application alone; git subtree split makes one")
    _insist_on(commit)
    there = _there(str(root), branch, commit)
    return Found(found + there.problems, there.tip)


def _here(root: Path, changed: list[str]) -> list[Problem]:
    """What git knows here and should not, does not and should, and what is ``changed``."""
    found = [(f"{name} is not in git: no build would have it", f"git add -f {name}, then git commit") for name in _outside(root)]
    found += [(f"{name} is in git, and its secrets in every clone", REMOVE.format(name)) for name in _secrets(root)]
    if changed:
        names = ", ".join(line[3:] for line in changed[:5])
        found.append((f"not committed: {counted(len(changed), 'changed file')}: {names}", "git commit"))
    return found


def _lock_files() -> tuple[str, ...]:
    return (*(() if project.loaded().settings.build.composer == "none" else ("composer.lock",)), *frontend.LOCK_FILES)


def _outside(root: Path) -> list[str]:
    """The lock files here that git does not know; without them a build would choose versions of its own, or have no front end."""
    return project.local().ask(OUTSIDE, str(root), *_lock_files(), what="git ls-files").out.splitlines()


def _secrets(root: Path) -> list[str]:
    """The environment files that git knows and that hold more than placeholders; those for tests may be there."""
    names = project.local().ask(TRACKED, str(root), what="git ls-files").out.split("\n")
    real = [name for name in names if name and not name.endswith((".example", ".testing", ".ci", ".encrypted")) and (root / name).is_file()]
    return [name for name in real if masks.secret_values(envparse.values((root / name).read_text(encoding="utf-8", errors="replace")))]


def _pushed(root: str, branch: str) -> tuple[str, ...]:
    source = apart(project.repository())
    return root, source.url, branch, source.credential


def _insist_on(commit: str) -> None:
    """Raises SettingsError for the id of a commit that is not in a repository of this machine; of others only fetching it would tell."""
    place = project.repository().removeprefix("file://")
    if not (ID.fullmatch(commit) and place.startswith("/") and Path(place).is_dir()):
        return
    if project.local().ask(LACKS, place, commit, what="git cat-file").out:
        raise SettingsError(
            f"there is no commit {commit} in {place}", "git push it, or name another with --commit: git log says which there are"
        )


def _there(root: str, branch: str, commit: str) -> Found:
    """The local branch's tip must be the remote's; another branch than the checked-out one is not ours to judge."""
    answer = project.local().ask(PUSHED, *_pushed(root, branch), check=False, what="git ls-remote")
    if answer.code:
        return Found([(f"{project.repository()} cannot be read from here: {answer.err.strip()[-500:]}", "see whether git ls-remote can")])
    said = Rows(answer.out)
    remote, local, names = said.first("remote"), said.first("here"), said.all("there")
    if not remote:
        text = f"branch {branch!r} is not in {project.repository()}"
        if commit or f"refs/tags/{branch}" in names:  # --force can build that
            return Found([(text, "git push")])
        heads = [name.removeprefix("refs/heads/") for name in names]
        raise Failure(text + did_you_mean(branch, heads), "git push it, or name another with --branch")
    differs = [(f"{branch} here is {local[:12]}, there it is {remote[:12]}", "git push (or git pull)")]
    return Found([] if local in ("", remote) else differs, remote)
