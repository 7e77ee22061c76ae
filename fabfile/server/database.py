"""Which migrations a release has and the database has not."""

from __future__ import annotations

from ..engine import state
from ..engine.errors import Failure
from ..engine.hosts import Host
from ..laravel import envfile, migrations
from . import common, connection

FILES = 'cd "$1/database/migrations" 2>/dev/null && ls || :'


class Unborn(tuple[str, ...]):
    """All migrations of a release, where the database has no table of those that ran."""

    __slots__ = ()


def pending(c: Host, release: str) -> tuple[str, ...]:
    """The migrations that ``release`` has and the database has not; all of them where no migration ever ran.

    That there are none is remembered under our lock; that some are left is asked again.
    """
    return () if settled(c, release) else ask(c, release)


def settled(c: Host, release: str) -> bool:
    """Whether it is known that none is pending."""
    return bool(common.remembered(c, question(release)) == ())


def waiting(c: Host, release: str) -> tuple[str, ...]:
    """As ``pending``, for a step on the way to the migrations: what was asked under our lock before is not asked again."""
    names = common.remembered(c, question(release))
    return names if isinstance(names, tuple) else ask(c, release)


def ask(c: Host, release: str) -> tuple[str, ...]:
    """As ``pending``, asked now."""
    return common.remember(c, question(release), None, _asked(c, release))


def question(release: str) -> str:
    return f"migrations pending in {release}"


def _asked(c: Host, release: str) -> tuple[str, ...]:
    answer = common.artisan(c, release, "migrate:status", check=False)
    if c.shell.dry and not answer.out:
        return ()
    said = answer.out + answer.err
    if new := migrations.no_file(said):
        _check_new_file(c, release)
    elif answer.code and not migrations.no_table(said):
        database = "Connection.php" in said  # where a QueryException comes from
        hint = "check DB_* in shared/.env" if database else "mend the application, or shared/.env"
        raise Failure(f"{c.name}: the migrations' status cannot be read:\n{said.strip()[-1500:]}", hint)
    if new or migrations.no_table(said):
        names = c.shell.ask(FILES, c.site.release(release), what="list migrations").out
        return Unborn(name.removesuffix(".php") for name in names.split("\n") if name.endswith(".php"))
    return migrations.pending(answer.out)


def _check_new_file(c: Host, release: str) -> None:
    """``migrate --force`` makes a SQLite file that is missing (MigrateCommand): right for a first deployment, at a path that lasts."""
    path = connection.values(connection.read(c, release)).get("database", "")
    if f"/releases/{release}/" in path:
        raise Failure(
            f"{c.name}: the SQLite database would be {path}: inside the release, and lost with it",
            f"DB_DATABASE={c.site.shared}/{envfile.SQLITE} in shared/.env",
        )
    if state.look(c).current:
        raise Failure(f"{c.name}: there is no SQLite database {path}", "check DB_DATABASE in shared/.env; an empty file begins a new one")
