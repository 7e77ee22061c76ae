"""The chains: what one types."""

from __future__ import annotations

from . import backward, builder, closing, hooks, local, outcome, overview, server
from .closing import Deployment
from .engine import artifacts, console, options, project, state
from .engine.hosts import Host
from .engine.tasks import on_builder, on_host

COMMIT = {
    "branch": "what to deploy; default: the host's branch, else project.branch",
    "commit": "a full commit id, or a tag, instead of the branch's tip",
}


@on_host(
    quiet=True,
    mutates=False,
    help={**COMMIT, "artifact": "a tar.gz that is built already", "force": "deploy what is not clean or not pushed"},
)
def deploy(c: Host, branch: str = "", commit: str = "", artifact: str = "", force: bool = False) -> None:
    """Take a commit to a live release: build, transfer, prepare, switch, validate."""
    if not artifact:
        local.foresee(c, branch)
    steps = len(overview.chain(c.settings, built=not artifact))
    run = outcome.begin(c, "deploy", steps, None if artifact else ahead, branch=branch, commit=commit, artifact=artifact)
    try:
        c.builds = not artifact
        server.check(c)
        run.built = not artifact
        artifact = artifact or made(c, branch, commit, force)
        c.purpose["commit"] = artifacts.find(c, artifact).commit[:12]
        with c.shell.gathering():
            run.release = server.create_release(c, artifact=artifact)
            server.upload(c, release=run.release, artifact=artifact)
            server.link_shared(c, release=run.release)
            server.env(c, release=run.release)
        hooks.pre_release(c, release=run.release)
        hooks.mid_release(c, release=run.release)
        server.switch(c, release=run.release, watch=True)
    except BaseException as error:
        raise outcome.abandoned(c, run, error) from error
    try:
        hooks.post_release(c, release=run.release, stay_down=outcome.stays_down(c, run))
        server.foresee_cleanup(c)
        confirmed(c, run.release)
    except BaseException as error:
        raise gone_back(c, run, error) from error
    outcome.tidied(run, lambda: drained(c), lambda: cleaned(c, run.built), lambda: builder.cleanup(c) if run.built else None)
    outcome.live(c, run)


def ahead(c: Host) -> None:
    """What a build asks the server travels along, and until that is answered this machine reads the application's code."""
    builder.foresee(c)
    c.shell.hurry()
    local.read_ahead()


def made(c: Host, branch: str, commit: str, force: bool) -> str:
    """The artifact of a commit, which was checked here, built where the settings say."""
    local.analyze(c, write=False)
    branch = branch or c.settings.branch
    checked = local.check(c, branch=branch, force=force, commit=commit)
    return str(build(c, branch=branch, commit=commit or known(checked)))


def known(checked: str | None) -> str:
    """What is built where no commit was asked for, if that is known: what was ``checked``, unless a hook may push more before the build."""
    wanted = project.loaded().settings
    return wanted.project.commit or ("" if wanted.hooks.before_build else checked or "")


@on_builder(quiet=True, help=COMMIT)
def build(c: Host, branch: str = "", commit: str = "") -> str:
    """All of the build: a clean clone, dependencies, assets, one verified artifact."""
    hooks.around_build(c, "before_build")
    builder.prepare(c)
    builder.versions(c)
    cloned = builder.clone(c, branch=branch, commit=commit)
    builder.restore_cache(c)
    builder.install(c)
    builder.assets(c)
    builder.optimize(c)
    builder.validate(c)
    hooks.around_build(c, "after_build")
    artifact: artifacts.Artifact = builder.package(c)
    builder.leave()
    if options.current.dry_run:
        artifacts.plan(cloned)
    return artifact.path if artifact.place == "local" else ""


def confirmed(c: Host, release: str) -> None:
    """It stays; what ``drained`` only looks at travels along."""
    if not (c.running_on or c.settings.workers):
        server.foresee_drain(c)
    server.confirm(c, release)


def drained(c: Host) -> None:
    """No worker goes on with an earlier release's code; server.workers looked while it told them to end, and waits for those only."""
    if c.running_on:
        server.foresee_cleanup(c)  # it travels with the wait
    if c.running_on or not c.settings.workers:
        server.drain(c, wait=bool(c.running_on))


def cleaned(c: Host, built: bool) -> None:
    """Old releases go; what goes of a build, where the server built for itself, travels along."""
    if built:
        builder.foresee_cleanup(c)
    server.cleanup(c)


def gone_back(c: Host, run: Deployment, error: BaseException) -> BaseException:
    """After the switch: the previous release serves again, through the same steps; what to raise."""
    if not run.previous:
        return outcome.nothing_to_go_back_to(c, run, error)
    console.Chain.left()
    console.say(f"↩  {closing.why(error)}: going back to {run.previous}", console.RED)
    try:
        outcome.to_previous(c, run)
        server.disarm(c)
        hooks.back(c, run.previous, outcome.stays_down(c, run), forgiven=("server.opcache", "server.workers"))  # validate sees what serves
    except BaseException as second:  # noqa: BLE001 whatever it is, it decides the exit code and is told
        return outcome.stuck(c, run, error, second)
    return outcome.rolled_back(c, run, error)


@on_host(quiet=True, help={"to": "the release to go back to; default: the last one that was live and confirmed"})
def rollback(c: Host, to: str = "") -> None:
    """Serve an earlier release again: one rename and the same steps as after a deployment."""
    found, run = state.look(c), outcome.begin(c, "rollback", to=to)
    target = backward.target(c, found, to)
    run.release, run.previous = target.id, found.current
    try:
        backward.switch(c, target.id)
    except BaseException as error:
        raise outcome.abandoned(c, run, error) from error
    try:
        hooks.back(c, target.id, outcome.stays_down(c, run))
        confirmed(c, target.id)
    except BaseException as error:
        raise outcome.undone(c, run, error) from error
    outcome.tidied(run, lambda: drained(c), lambda: closing.insisted(run, lambda: backward.left_behind(c, found.live)))
    outcome.live(c, run)


@on_host(quiet=True, mutates=False)
def setup(c: Host) -> None:
    """Prepare a server: check it and make the site's folders; safe to repeat."""
    server.check(c)
    server.setup(c)
