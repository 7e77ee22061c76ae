"""What is deployed is what is committed and pushed."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from ..engine import console, project, settings
from ..engine.errors import Failure
from ..engine.logins import GIT, apart
from ..engine.tasks import here
from ..laravel import frontend
from . import committed

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
OURS = ("composer.lock", *frontend.LOCK_FILES, "deploy.toml", ".deployignore", "version-lock.toml")


@here(
    flow="4-git-prep",
    help={
        "branch": "the branch that will be deployed; default: the host's, else project.branch",
        "commit": "the id of the commit that will be, if it is another one than the branch's tip",
        "force": "only warn",
    },
)
def check(c: Context, branch: str = "", force: bool = False, commit: str = "") -> str:
    """Check that lock files are there and that everything is committed and pushed.

    Returns the commit at the branch's tip, where the build takes it from; empty where nobody knows.
    """
    branch = branch or project.branch(c)
    settings.check_ref(branch)
    problems, tip = committed.look(branch, commit or project.loaded().settings.project.commit)
    for problem, hint in problems:
        if not force:
            raise Failure(problem, f"{hint}; or --force")
        console.warn(problem)
    pushed = "" if project.repository() == str(project.root()) else " and pushed"  # where it is itself what is cloned
    console.done(f"Deployed as it is (--force): {branch}" if problems else f"Ready to deploy: {branch} is committed{pushed}")
    return tip


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
