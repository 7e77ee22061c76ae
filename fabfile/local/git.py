"""What is deployed is what is committed and pushed."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from ..engine import console, masks, project, settings
from ..engine.counted import counted
from ..engine.errors import Failure
from ..engine.logins import GIT, apart
from ..engine.tasks import here
from ..laravel import envparse, frontend

STATUS = 'cd "$1" 2>/dev/null && git rev-parse --verify -q HEAD && git status --porcelain=v1 --untracked-files=no || :'
PUSHED = f"""
login=$4
{GIT}
tip=$(remote ls-remote -- "$2" "refs/heads/$3") # a pipe would hide that it failed
printf 'remote %s\\n' "${{tip%%[[:space:]]*}}"
printf 'here '; git -C "$1" rev-parse --verify -q --end-of-options "refs/heads/$3" || echo
"""
COMMIT = """
cd "$1"
shift
[ $# -gt 0 ] || exit 0 # without names git would mean everything
git add -- "$@"
changed=$(git -c core.quotePath=false diff --cached --name-only --relative -- "$@")
[ -n "$changed" ] || exit 0
git commit -q -m "Update lock files and deployment settings" -- "$@"
printf '%s\n' "$changed"
git rev-parse --short=12 HEAD
"""
PUSH = f"""
login=$4
{GIT}
cd "$1"
remote push -q -- "$2" "HEAD:refs/heads/$3"
git rev-parse HEAD
"""
HERE = 'git -C "$1" symbolic-ref -q --short HEAD || :'  # nothing where HEAD is on no branch, as in CI
INSIDE = 'git -C "$1" rev-parse --git-dir >/dev/null 2>&1'
TRACKED = "git -C \"$1\" -c core.quotePath=false ls-files -- ':(glob)**/.env' ':(glob)**/.env.*'"
# Not only what is new: a lock file that .gitignore names is left out of every build just as well.
OUTSIDE = 'cd "$1"; shift; git ls-files --others -- "$@"'
REMOVE = "git rm --cached {0}, add it to .gitignore, and change what it gave away"
OURS = ("composer.lock", *frontend.LOCK_FILES, "deploy.toml", ".deployignore", "version-lock.toml")


@here(
    flow="4-git-prep", help={"branch": "the branch that will be deployed; default: the host's, else project.branch", "force": "only warn"}
)
def check(c: Context, branch: str = "", force: bool = False) -> None:
    """Check that lock files are there and that everything is committed and pushed."""
    branch = branch or project.branch(c)
    settings.check_ref(branch)
    found = problems(branch)
    for problem, hint in found:
        if not force:
            raise Failure(problem, f"{hint}; or --force")
        console.warn(problem)
    pushed = "" if project.repository() == str(project.root()) else " and pushed"  # where it is itself what is cloned
    console.done(f"Deployed as it is (--force): {branch}" if found else f"Ready to deploy: {branch} is committed{pushed}")


def problems(branch: str) -> list[tuple[str, str]]:
    """What of this machine's project would not be in a deployment of ``branch``, and what to do about each."""
    root, wanted = project.root(), project.loaded().settings
    found = []
    if wanted.build.composer != "none" and (root / "composer.json").is_file() and not (root / "composer.lock").is_file():
        found.append(("composer.lock is missing", "composer install, then commit it"))
    if wanted.front_end and (root / "package.json").is_file() and not any((root / name).is_file() for name in frontend.LOCK_FILES):
        found.append(("package.json has no lock file beside it", frontend.NO_LOCK))
    head, *changed = project.local().ask(STATUS, str(root), what="git status").out.splitlines() or [""]
    if not head and not wanted.project.repository:
        return [*found, (f"{root} is no git repository with a commit", "git init, git add, git commit; or set project.repository")]
    if not head:
        console.say("   not a git repository: only the remote's state counts")
        return found + _unpushed(str(root), branch)
    found += [(f"{name} is not in git: no build would have it", f"git add -f {name}, then git commit") for name in _outside(root)]
    found += [(f"{name} is in git, and its secrets in every clone", REMOVE.format(name)) for name in _secrets(root)]
    if changed:
        names = ", ".join(line[3:] for line in changed[:5])
        found.append((f"not committed: {counted(len(changed), 'changed file')}: {names}", "git commit"))
    return found + _unpushed(str(root), branch)


def _outside(root: Path) -> list[str]:
    """The lock files here that git does not know; without them a build would choose versions of its own, or have no front end."""
    names = (*(() if project.loaded().settings.build.composer == "none" else ("composer.lock",)), *frontend.LOCK_FILES)
    return project.local().ask(OUTSIDE, str(root), *names, what="git ls-files").out.splitlines()


def _secrets(root: Path) -> list[str]:
    """The environment files that git knows and that hold more than placeholders; those for tests may be there."""
    names = project.local().ask(TRACKED, str(root), what="git ls-files").out.split("\n")
    real = [name for name in names if name and not name.endswith((".example", ".testing", ".ci", ".encrypted")) and (root / name).is_file()]
    return [name for name in real if masks.secret_values(envparse.values((root / name).read_text(encoding="utf-8", errors="replace")))]


def _unpushed(root: str, branch: str) -> list[tuple[str, str]]:
    """The local branch's tip must be the remote's; another branch than the checked-out one is not ours to judge."""
    source = apart(project.repository())
    answer = project.local().ask(PUSHED, root, source.url, branch, source.credential, check=False, what="git ls-remote")
    if answer.code:
        return [(f"{project.repository()} cannot be read from here: {answer.err.strip()[-500:]}", "see whether git ls-remote can")]
    tips = dict(line.split(" ", 1) for line in answer.out.splitlines() if " " in line)
    remote, local = tips["remote"], tips["here"]
    if not remote:
        return [(f"branch {branch!r} is not in {project.repository()}", "git push")]
    if local not in ("", remote):
        return [(f"{branch} here is {local[:12]}, there it is {remote[:12]}", "git push (or git pull)")]
    return []


@here(flow="4-git-prep")
def commit(c: Context) -> None:
    """Commit the lock files and the deployment's settings, and nothing else."""
    root = _repository()
    there = [name for name in OURS if (root / name).is_file()]
    said = project.local().work(COMMIT, str(root), *there, what="git commit").out.splitlines()
    names = [name for name in there if name in said]  # among what git's hooks say
    console.done(f"Committed {', '.join(names)}; at {said[-1]}" if names else "Nothing to commit")


def _repository() -> Path:
    """The application's folder. Raises Failure where git knows nothing of it."""
    root = project.root()
    if project.local().ask(INSIDE, str(root), check=False, what="git rev-parse").code:
        raise Failure(f"{root} is not in a git repository", "git init makes it one")
    return root


@here(flow="4-git-prep")
def push(c: Context) -> None:
    """Push the checked-out commit to the branch that is deployed to the host; refused while another branch is checked out."""
    root, branch = str(_repository()), project.branch(c)
    here = project.local().ask(HERE, root, what="git symbolic-ref").out.strip()
    if here not in ("", branch):
        raise Failure(
            f"{here} is checked out, but what is deployed{f' to {name}' if (name := project.named(c)) else ''} is {branch}",
            f"git checkout {branch}; or name the host that {here} is deployed to with --host",
        )
    source = apart(project.repository())
    head = project.local().work(PUSH, root, source.url, branch, source.credential, what="git push").out.strip()
    console.done(f"Deployment commit: {head or 'unknown'}")
