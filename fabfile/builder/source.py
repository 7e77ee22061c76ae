"""A clean folder, the right tools, and exactly one commit."""

from __future__ import annotations

import re

from invoke.context import Context

from ..engine import console, project, settings
from ..engine.errors import Failure
from ..engine.logins import GIT, apart
from ..engine.scripts import source as script
from ..engine.tasks import on_builder
from .workshop import Workshop, clean, leave, tidy, workshop

RESOLVE = f"""
login=$3
{GIT}
remote ls-remote --exit-code -- "$1" "refs/heads/$2" "refs/tags/$2"
"""
# A commit by its id; where the remote does not hand out ids, all of its branches, and the id must be among them.
FETCH = f"""
login=$4
{GIT}
[ -d "$1" ] || git init -q --bare -- "$1"
cd "$1"
git cat-file -e "$3^{{commit}}" 2>/dev/null ||
  remote fetch -q --no-tags -- "$2" "$3" 2>/dev/null ||
  remote fetch -q --no-tags -- "$2" '+refs/heads/*:refs/heads/*'
git cat-file -e "$3^{{commit}}"
"""
CHECKOUT = """
git clone -q --shared --no-checkout -- "$1" "$2"
cd "$2"
git -c advice.detachedHead=false checkout -q --detach "$3"
[ ! -f .gitmodules ] || git submodule -q update --init --recursive --depth 1
git config laravel-fab.branch "$4"
"""


@on_builder(flow="1.1-prebuild", done="Build environment ready")
def prepare(c: Context) -> None:
    """Make a clean place to build in."""
    shop = workshop(c)
    clean(shop)
    shop.shell.flush()
    console.done(f"Build on {shop.shell.place}, in {shop.work}")


@on_builder(flow="9.2-cache", done="Cleanup complete")
def cleanup(c: Context) -> None:
    """Remove the build's work folder and older artifacts; caches stay."""
    try:
        tidy(workshop(c))
        leave()
    except Failure as error:
        console.warn(f"the build's folder could not be tidied: {error.text}")


@on_builder(flow="1.2-versions")
def versions(c: Context) -> None:
    """Compare PHP, Composer, Node and npm of the build with what is wanted."""
    shop, wanted = workshop(c), project.loaded().settings.versions
    out = shop.shell.ask(script("engine/tools.sh"), shop.base, shop.php, shop.composer, what="ask for versions").out
    found = parse_versions(out)
    for name in ("php", "composer", "node", "npm"):
        _compare(name, getattr(wanted, name), found.get(name, ""), needed=name == "composer" and shop.composer != "none")
    console.done("Version check complete: " + (", ".join(f"{name} {version}" for name, version in found.items()) or "no tools needed"))


def parse_versions(out: str) -> dict[str, str]:
    """Tool → version in what tools.sh printed."""
    rows = (line.partition(" ") for line in out.splitlines())
    return {name: match[0] for name, _, text in rows if name != "extensions" and (match := re.search(r"\d+\.\d+(\.\d+)?", text))}


def _compare(name: str, wanted: str, found: str, needed: bool) -> None:
    if not wanted or (not found and not needed):
        return
    if not found:
        raise Failure(f"{name} is not there to build with", f'install it, or set build.{name} to its path ("none": vendor/ is committed)')
    if found.split(".")[: len(wanted.split("."))] != wanted.split("."):
        raise Failure(
            f"{name} is {found}, versions.{name} asks for {wanted}", f"set build.{name} to the right one: it is called by its path"
        )


@on_builder(flow="1.3-clone", help={"commit": "a full commit id; default: the tip of the branch", "branch": "default: project.branch"})
def clone(c: Context, commit: str = "", branch: str = "") -> str:
    """Check exactly one commit out."""
    shop, (url, branch) = workshop(c), _where(c, branch)
    commit = commit or project.loaded().settings.project.commit or tip(url, branch)
    settings.check_commit(commit)
    limit, source = project.loaded().settings.build.timeout, apart(url)
    shop.shell.work(FETCH, shop.repo, source.url, commit, source.credential, timeout=limit, what=f"git fetch {commit[:12]}")
    shop.shell.work(CHECKOUT, shop.repo, shop.work, commit, branch, timeout=limit, what=f"git checkout {commit[:12]}")
    console.done(f"Repository cloned at commit: {commit[:12]} ({branch})")
    return commit


def _where(c: Context, branch: str) -> tuple[str, str]:
    branch = branch or project.host(c).settings.branch if project.loaded().hosts else branch
    branch = branch or project.loaded().settings.project.branch
    settings.check_ref(branch)
    return project.repository(), branch


def tip(url: str, branch: str) -> str:
    """The commit that ``branch`` (or a tag of that name) points at in ``url``, as this machine sees it."""
    source = apart(url)
    answer = project.local().ask(RESOLVE, source.url, branch, source.credential, check=False, what="git ls-remote")
    if answer.code:
        raise Failure(f"{url}: no branch or tag {branch!r}: {answer.err.strip()[-300:]}", "git push it, or name another with --branch")
    return answer.out.split()[0]


def commit_time(shop: Workshop) -> int:
    """When the checked-out commit was made, seconds since 1970: the artifact's files bear it."""
    out = shop.shell.ask('git -C "$1" log -1 --format=%ct 2>/dev/null || echo 0', shop.work, what="git log").out.strip()
    return int(out) if out.isdigit() else 0
