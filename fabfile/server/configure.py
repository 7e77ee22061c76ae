"""The release gets what outlives it: shared folders and files, and the environment."""

from __future__ import annotations

from ..engine import console, files, masks, redact, state, transfer
from ..engine.hosts import Host
from ..engine.scripts import source
from ..engine.tasks import on_host
from ..laravel import envcheck, envfile, envparse
from . import assets, common, firstenv

VIEWS = "storage/framework/views"
LINKED = "are the shared folders and files linked into this release"
SKELETON = ("storage/app/public", "storage/framework/cache/data", "storage/framework/sessions", VIEWS, "storage/logs", "bootstrap/cache")
# For each path, where its link leads and what it is.
LINK = f"""
{source("server/inside.sh")}
release=$1 common=$2
shift 2
while [ "$#" -gt 0 ]; do
(
set -- "$release" "$common" "$1" "$2" "$3"
{source("server/link.sh")}
)
shift 3
done
"""
# How many uploads there are before anything changes, for whoever verifies the deployment.
COUNT = """
count=$(find "$1/" -type f ! -name '.*' 2>/dev/null | head -n 20000 | wc -l)
printf '%s %s\\n' "$3" "$((count))" 2>/dev/null >"$2" || : # a full disk
"""
GROUP = f"""
{source("server/inside.sh")}
root=$1 group=$2
shift 2
for path; do
  [ ! -d "$root/$path" ] || (inside "$root" "$path" && chgrp "$group" . && chmod g+rwxs .)
done
"""

# A folder in its place, or a link to a disk that is not there today, is nothing to begin anew from.
READ = """
if [ -f "$1" ]; then cat -- "$1"; elif [ -e "$1" ] || [ -L "$1" ]; then echo "$1 is there but is no file" >&2; exit 1; fi
"""


@on_host(flow="4.1-shared", done="Shared resources linked")
def link_shared(c: Host, release: str = "") -> None:
    """Link the shared folders and files into the release, and the assets of pages that are open."""
    record = common.release_of(c, release, pending=True)
    folders = [path for path in c.settings.shared_folders if path != VIEWS]
    c.shell.do(COUNT, f"{c.site.shared}/storage/app/public", f"{c.site.own}/uploads", record.id, what="count the uploads")
    root = c.site.release(record.id)
    links = [*_links(folders, "folder"), *_links([path for path in c.settings.shared_files if path != ".env"], "file")]
    c.shell.do(LINK, root, c.site.shared, *links, what="share folders and files")
    files.directories(c.shell, *(f"{root}/{path}" for path in SKELETON))
    if c.settings.storage_link:
        files.symlink(c.shell, "../storage/app/public", f"{root}/public/storage")
    if c.settings.web_group:
        for place, paths in ((root, c.settings.writable), (c.site.shared, folders)):
            c.shell.do(GROUP, place, c.settings.web_group, *paths, what="give the web server's group its folders")
    c.shell.foresee(READ, f"{c.site.shared}/.env")
    assets.carry(c, state.look(c).current, record.id)
    c.shell.flush()
    views = f"; {VIEWS} stays the release's own" if VIEWS in c.settings.shared_folders else ""
    console.done(f"Shared resources linked: {', '.join(folders)}{views}")


def foresee(c: Host, release: str) -> None:
    """Let ``missing`` travel with the next trip."""
    c.shell.foresee(*_question(c, release))


def missing(c: Host, release: str) -> list[str]:
    """What is not linked into ``release`` yet."""
    return [] if c.shell.dry else c.shell.ask(*_question(c, release), what="check the links").out.split("\n")[:-1]


def _question(c: Host, release: str) -> tuple[str, ...]:
    wanted = [path for path in c.settings.shared_folders if path != VIEWS]
    return source("server/linked.sh"), c.site.release(release), *wanted, ".env"


def _links(paths: list[str], kind: str) -> list[str]:
    """What LINK takes for each path."""
    return [word for path in paths for word in (path, "../" * (path.count("/") + 2) + f"shared/{path}", kind)]


@on_host(flow="4.2-env", done="Environment configured")
def env(c: Host, release: str = "") -> None:
    """Put shared/.env there once, complete it, and link it into the release; never overwrites one."""
    record = common.release_of(c, release, pending=True)
    path = f"{c.site.shared}/.env"
    text = c.shell.ask(READ, path, what="read shared/.env").out
    if not envparse.values(text).get("APP_KEY"):
        firstenv.refuse_another(c, state.look(c).current)
    wanted = text or _first(c, record.id)
    if c.shell.dry and not wanted:
        console.done("Would make shared/.env from the release's .env.example, if it ships one")
        return
    if not envparse.values(wanted).get("APP_KEY"):
        wanted = envfile.set_value(wanted, "APP_KEY", envfile.new_app_key())
        console.done("APP_KEY generated")
    redact.remember(masks.secret_values(envparse.values(wanted)))
    if wanted != text:
        _write(c, path, wanted)
    c.shell.do('chmod "$1" "$2"', c.settings.env_mode, path, what="mode of shared/.env")
    if c.settings.web_group:
        c.shell.do('chgrp "$1" "$2"', c.settings.web_group, path, what="group of shared/.env")
    files.symlink(c.shell, "../../shared/.env", f"{c.site.release(record.id)}/.env")
    common.remember(c, LINKED, record.id, True)
    for problem in envcheck.problems(wanted):
        console.warn(f"shared/.env:{problem.line}: {problem.key}: {problem.text}{f' ({problem.hint})' if problem.hint else ''}")


def _first(c: Host, release: str) -> str:
    if file := firstenv.named(c) or firstenv.usual(c):
        console.done(f"Uploaded {file.name} as shared/.env{'' if c.settings.env_file else f' (found as {file}; env_file is not set)'}")
        return file.read_text(encoding="utf-8")
    example = c.shell.ask('[ ! -f "$1" ] || cat "$1"', f"{c.site.release(release)}/.env.example", what="read .env.example").out
    if not example and not c.shell.dry:
        raise firstenv.nothing(c)
    if not example:
        return ""
    console.warn("shared/.env was made from .env.example: fill in what this server needs (database, mail, …)")
    values = {"APP_ENV": "production", "APP_DEBUG": "false", "APP_URL": c.settings.url}
    return envfile.template(example, values | envfile.sqlite(example, c.site.shared))


def _write(c: Host, path: str, text: str) -> None:
    new = f"{c.site.run(c.run_id)}/env"
    transfer.send_text(c.shell, text, new)
    c.shell.do('chmod "$3" "$1"; mkdir -p -- "${2%/*}"; mv -f -- "$1" "$2"', new, path, c.settings.env_mode, what="write shared/.env")
