"""The files a project needs once: deploy.toml, .deployignore, the first .env of a server."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from ..engine import console, project
from ..engine.errors import SettingsError
from ..engine.inherit import SANDBOX
from ..engine.layout import Site
from ..engine.tasks import here, in_folder
from ..laravel import detect, envfile, ignore
from . import takeover
from .template import deploy_toml

FLOW = "Admin-Local/Deployment/deployment-config.json"
COVERED = 'git -C "$1" check-ignore -q -- "$2"'
FORCE = {"force": "replace a file that is there"}


@in_folder(flow="0-init-vars", help={**FORCE, "source": "a deployment-config.json to take over"})
def init(c: Context, source: str = "", force: bool = False) -> None:
    """Look at the application in this folder and write a deploy.toml for it."""
    root = Path.cwd()
    found = detect.detect(root)
    if not found.laravel:
        console.warn(f"{root} does not look like a Laravel application (no artisan, no laravel/framework)")
    file = Path(source) if source else root / FLOW
    if source and not file.is_file():
        raise SettingsError(f"--source: there is no file {file}")
    imported = takeover.imported(file, root) if file.is_file() else {}
    text = deploy_toml(found, imported)
    takeover.check(root / "deploy.toml", text, file if imported else None)
    _write(root / "deploy.toml", text, force)
    if imported:
        console.done(f"Taken over from {file}")
    console.say("   next: fill in [hosts.prod], then fab local.env --host=prod, fab setup --host=prod and fab deploy --host=prod")


@here(flow="2-deploy-ignore", help=FORCE)
def deployignore(c: Context, force: bool = False) -> None:
    """Write a .deployignore: what is built but not shipped."""
    _write(project.root() / ".deployignore", ignore.default_deployignore(), force)


@here(flow="3-env-setup", help=FORCE)
def env(c: Context, force: bool = False) -> None:
    """Write the first .env of a host from .env.example, to fill in: only this user can read it, and git ignores it."""
    root, name = project.root(), project.host_name(c)
    host = project.sandbox() if name == SANDBOX and not project.local().dry else project.entry(name)
    example = root / ".env.example"
    if not example.is_file():
        raise SettingsError(f"there is no {example}", "every Laravel application has one: copy it from your .env, without its values")
    file = project.beside(host.env_file) if host.env_file else root / f".env.{name}"
    values = {"APP_ENV": "production", "APP_DEBUG": "false", "APP_URL": host.url, "LOG_LEVEL": "error"}
    text = example.read_text(encoding="utf-8")
    values |= {"APP_KEY": envfile.new_app_key()} | envfile.sqlite(text, Site(host.path).shared)
    _write(file, envfile.template(text, values), force, mode=0o600)
    _ignored(root, file)


def _ignored(root: Path, file: Path) -> None:
    """Git must not see it: a line is added where no rule says so already, or git is not there to be asked."""
    rules, line = root / ".gitignore", f"/{file.relative_to(root).as_posix()}" if file.is_relative_to(root) else ""
    known = rules.read_text(encoding="utf-8") if rules.is_file() else ""
    if not line or line in known.splitlines() or project.local().ask(COVERED, root, file, check=False, what="git check-ignore").code == 0:
        return
    if project.local().dry:
        console.would("local", f"add {line} to {rules}")
        return
    rules.write_text(f"{known.rstrip()}\n{line}\n".lstrip(), encoding="utf-8")
    console.done(f"{line} added to .gitignore, which has to be committed")


def _write(file: Path, text: str, force: bool, mode: int = 0o644) -> None:
    if file.exists() and not force:
        raise SettingsError(f"{file} is there already", "--force replaces it")
    if project.local().dry:
        console.would("local", f"write {file}")
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode)
    file.chmod(mode)
    file.write_text(text, encoding="utf-8")
    console.done(f"Created: {file}")
