"""A clean folder, the right tools, and exactly one commit."""

from __future__ import annotations

import re

from invoke.context import Context

from ..engine import console, project, settings
from ..engine.errors import Failure
from ..engine.logins import GIT, apart
from ..engine.tasks import on_builder
from . import dependencies, looking
from .cache import AHEAD, foresee_tidy, tidy
from .workshop import TOOLS, clean, leave, tools, workshop

HEX = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SHORT = re.compile(r"[0-9a-f]{6,39}")
# A branch, or a tag of that name; of an annotated tag the commit, which ls-remote says after the tag itself.
RESOLVE = f"""
login=$3
{GIT}
remote ls-remote --exit-code -- "$1" "refs/heads/$2" "refs/tags/$2" "refs/tags/$2^{{}}"
"""
# A commit by its id; where the remote does not hand out ids, all of its branches, and the id must be among them. What came whole, which
# git renames into place as one pack, has a ref from then on, that later fetches build upon; a commit that is merely there may be all
# that a fetch brought which was killed. What git tidies up after a fetch ends with it: later on it would hold the lock.
CLONE = f"""
{AHEAD}
login=$4
{GIT}
from() {{ remote -c fetch.unpackLimit=1 -c gc.autoDetach=false -c maintenance.autoDetach=false fetch -q --no-tags "$@"; }}
trap wait EXIT
checks=''
if [ "$#" -gt 6 ]; then
  (shift 6; checked "$@") &
  checks=$!
fi
(
GIT_DIR=$1 kept=refs/kept/$3
export GIT_DIR
! git rev-parse -q --verify "$kept^{{tree}}" >/dev/null 2>&1 || exit 0
git rev-parse 2>/dev/null || {{ rm -rf -- "$1"; git init -q --bare; }}
[ ! -f "$1/$kept" ] || rm -f -- "$1/$kept"
from -- "$2" "$3:$kept" 2>/dev/null || {{
  from --prune -- "$2" '+refs/heads/*:refs/heads/*'
  [ -n "$(git for-each-ref --count=1 --contains "$3" refs/heads)" ]
  git update-ref "$kept" "$3"
}}
set -- "$kept" "$1"/refs/kept/*
[ "$#" -lt 10 ] ||
  git for-each-ref --sort=-committerdate --format='delete %(refname)' refs/kept | grep -Fv "$1" | tail -n +5 | git update-ref --stdin
)
(
rmdir -- "$5"
git init -q -- "$5"
cd "$5"
printf '%s\n' "$1/objects" >.git/objects/info/alternates
git config remote.origin.url "$2"
git config laravel-fab.branch "$6"
whole() {{ git -c advice.detachedHead=false checkout -q --detach "$1" && [ -z "$(git ls-files --deleted)" ]; }}
whole "$3" || {{ rm -rf -- "$1"; echo "$3 could not be checked out whole; the next build fetches all of it again" >&2; exit 1; }}
[ ! -f .gitmodules ] || git submodule -q update --init --recursive --depth 1
) &
cloned=$!
if [ -n "$checks" ]; then
  wait "$checks" || :
  (repo=$1 commit=$3; shift 6; ahead "$repo" "$commit" "$@") &
  wait "$!" || :
fi
wait "$cloned"
"""


@on_builder(flow="1.1-prebuild", done="Build environment ready")
def prepare(c: Context) -> None:
    """Make a clean place to build in."""
    shop = workshop(c)
    clean(shop)
    if not shop.told:
        shop.shell.foresee(TOOLS, *tools(shop))
    if shop.place != "server":  # there it travels with the clone
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


def foresee_cleanup(c: Context) -> None:
    """Let ``cleanup`` travel with the next trip to a server that builds for itself."""
    if project.loaded().settings.build.place == "server" and not project.host(c).shell.dry:
        foresee_tidy(workshop(c))


@on_builder(flow="1.2-versions")
def versions(c: Context) -> None:
    """Compare PHP, Composer, Node and npm of the build with what is wanted."""
    shop, wanted = workshop(c), project.loaded().settings.versions
    found = parse_versions(shop.told[0] if shop.told else shop.shell.ask(TOOLS, *tools(shop), what="ask for versions", steady=True).out)
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


@on_builder(flow="1.3-clone", help={"commit": "a full id or a tag; default: the tip of the branch", "branch": "default: project.branch"})
def clone(c: Context, commit: str = "", branch: str = "") -> str:
    """Check exactly one commit out."""
    shop, (url, branch) = workshop(c), _where(c, branch)
    commit = _commit(url, branch, commit or project.loaded().settings.project.commit)
    limit, source = project.loaded().settings.build.timeout, apart(url)
    clean(shop)
    looking.foresee(shop, looking.TOP, paths=looking.FRONT_END)
    ahead = () if shop.local else dependencies.foresee(shop)
    values = (shop.repo, source.url, commit, source.credential, shop.work, branch)
    shop.shell.work(CLONE, *values, *ahead, timeout=limit, what=f"git clone {commit[:12]}")
    console.done(f"Repository cloned at commit: {commit[:12]} ({branch})")
    return commit


def _commit(url: str, branch: str, wanted: str) -> str:
    """The id of the commit that is ``wanted``, by its id or as a tag, or of the branch's tip."""
    if wanted:
        settings.check_commit(wanted)
    return wanted if HEX.fullmatch(wanted) else tip(url, wanted or branch)


def _where(c: Context, branch: str) -> tuple[str, str]:
    branch = branch or project.host(c).settings.branch if project.loaded().hosts else branch
    branch = branch or project.loaded().settings.project.branch
    settings.check_ref(branch)
    return project.repository(), branch


def _unknown(url: str, name: str, why: str) -> Failure:
    """What to say of a branch, tag or commit that is not there."""
    if SHORT.fullmatch(name) and not why:
        return Failure(f"{url}: no branch or tag {name!r}; a commit is named by its whole id", f"git rev-parse {name} says it")
    return Failure(f"{url}: no branch or tag {name!r}{': ' if why else ''}{why}", "git push it, or name another with --branch")


def tip(url: str, branch: str) -> str:
    """The commit that ``branch`` (or a tag of that name) points at in ``url``, as this machine sees it."""
    source = apart(url)
    answer = project.local().ask(RESOLVE, source.url, branch, source.credential, check=False, what="git ls-remote")
    if answer.code:
        raise _unknown(url, branch, answer.err.strip()[-300:])
    found = {name: id for id, name in map(str.split, answer.out.splitlines())}
    return next(found[name] for name in (f"refs/heads/{branch}", f"refs/tags/{branch}^{{}}", f"refs/tags/{branch}") if name in found)
