"""Is the server ready, and does it have the folders that every deployment needs?"""

from __future__ import annotations

from ..engine import console, files, guard, project, schema
from ..engine.errors import Failure
from ..engine.hosts import Host
from ..engine.scripts import source
from ..engine.tasks import on_host
from ..laravel import lockfile, requirements
from . import common, discretion, firstenv
from .facts import ServerFacts, parse


@on_host(flow="3.2-connect", done="Server ready for deployment", mutates=False)
def check(c: Host) -> ServerFacts:
    """Check that the server is ready: disk, PHP, permissions; changes nothing."""
    facts = parse(c.shell.ask(*question(c.site.root, common.php(c)[0], c.settings), what="check the server").out)
    for problem in facts.problems(c.site.root, common.php(c)[0], c.settings.web_group):
        raise Failure(f"{c.name}: {problem.text}", problem.hint)
    _check_php(c, facts)
    if not facts.env:
        firstenv.refuse_another(c, facts.serves)
        firstenv.expect(c)
    for text in facts.full(c.settings.disk_limit):
        console.warn(f"{c.name}: {text} (disk_limit is {c.settings.disk_limit} %)")
    console.done(f"Server ready: PHP {facts.php}, {facts.free_kib >> 10} MiB free, disk {facts.used} % used")
    return facts


def question(root: str, php: str, host: schema.Host) -> tuple[str, ...]:
    """What is asked of a server: a script and its values."""
    public = host.public_html
    docroot = "" if public.mode == "none" else f"docroot() (\n{source('server/docroot.sh')}\n)\n"
    return f"{docroot}{source('server/check.sh')}", root, php, host.web_group, public.path, public.mode, *host.shared_folders


def foresee(c: Host) -> None:
    """Let what the first step asks travel with the trip before it."""
    discretion.foresee(c)
    c.shell.foresee(*question(c.site.root, common.php(c)[0], c.settings))


def _check_php(c: Host, facts: ServerFacts) -> None:
    """The server's PHP against deploy.toml and composer.lock: what platform_check.php would answer with error 500."""
    wanted, lock = project.loaded().settings.versions.php, project.folder() / "composer.lock"
    if wanted and facts.php.split(".")[: len(wanted.split("."))] != wanted.split("."):
        raise Failure(f"{c.name}: PHP is {facts.php}, versions.php asks for {wanted}", f"set hosts.{c.name}.php to the right one")
    if lock.is_file():
        composer = (project.folder() / "composer.json").read_text(encoding="utf-8")
        needed = requirements.required(composer, lockfile.parse_lock(lock.read_text(encoding="utf-8")))
        if lacking := requirements.unmet(needed, facts.php, facts.extensions):
            raise Failure(f"{c.name}: {'; '.join(lacking)}", "install it on the server, or set the host's php to one that has it")


@on_host()
def setup(c: Host) -> None:
    """Make the folders of the site; safe to repeat."""
    layout(c)
    console.done(f"{c.site.root}: releases, shared and backups are there")


def layout(c: Host) -> None:
    """Collect the commands that make the site's folders."""
    files.directories(c.shell, c.site.releases, c.site.shared, *(f"{c.site.shared}/{path}" for path in c.settings.shared_folders))
    files.directories(c.shell, c.site.backups, f"{c.site.own}/releases", mode="0700")
    guard.probe(c)
