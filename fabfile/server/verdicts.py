"""What would pending migrations take from the release that still serves, and whom would they keep waiting?"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field

from ..engine import console, state
from ..engine.errors import Failure
from ..engine.hosts import Host
from ..laravel import blueprints, destructive, locking, pretend, rawsql
from ..laravel.verdict import NO_FILE, Verdict, worst
from . import common, connection, database

READ = """
cd "$1/database/migrations" 2>/dev/null || exit 0
mark=$2
shift 2
for name; do [ ! -f "$name.php" ] || { printf '\\n%s %s\\n' "$mark" "$name"; cat "$name.php"; }; done
"""
PRETEND = "php artisan migrate --pretend"
PATIENCE = 120  # seconds for an estimate
SHOWN = 25  # statements of one migration
COLOURS = {"destructive": (console.RED,), "locking": (console.YELLOW,), "unknown": (console.YELLOW,), "safe": ()}


@dataclass(frozen=True)
class Plan:
    """What pending migrations would do: a verdict for each, its SQL where artisan told, and why not where it did not."""

    verdicts: dict[str, Verdict]
    sql: dict[str, list[str]] = field(default_factory=dict)
    untold: dict[str, str] = field(default_factory=dict)


def of(c: Host, release: str, names: tuple[str, ...]) -> Plan:
    """The plan for these migrations of ``release``, from their files and from what artisan pretends to run."""
    plan = common.remembered(c, f"plan of {release}", names)
    return plan if isinstance(plan, Plan) else common.remember(c, f"plan of {release}", names, _made(c, release, names))


def _made(c: Host, release: str, names: tuple[str, ...]) -> Plan:
    mark = secrets.token_hex(16)
    said = c.shell.ask(READ, c.site.release(release), mark, *names, what="read the pending migrations").out
    texts = dict(part.partition("\n")[::2] for part in said.split(f"\n{mark} ")[1:])
    untold = {name: f"it does more than change the schema: {more}" for name, text in texts.items() if (more := pretend.more(text))}
    if isinstance(names, database.Unborn):  # which would make the table (MigrateCommand::prepareDatabase)
        untold |= dict.fromkeys(names, f"{PRETEND} is not for a database without migrations")
    sql = _pretended(c, release, [name for name in names if name in texts and name not in untold], untold)
    new = {table for text in texts.values() for table in blueprints.created(text)}
    return Plan({name: _verdict(texts.get(name), sql.get(name, []), new) for name in names}, sql, untold)


def _pretended(c: Host, release: str, names: list[str], untold: dict[str, str]) -> dict[str, list[str]]:
    """What artisan says these would run; where it cannot, why is added to ``untold``."""
    if not names:
        return {}
    paths = [f"--path=database/migrations/{name}.php" for name in names]
    limit = min(PATIENCE, c.settings.command_timeout)
    answer = common.artisan(c, release, "migrate", "--pretend", "--force", *paths, check=False, timeout=limit, what=PRETEND)
    sql = pretend.statements(answer.out, names) if not answer.code else {}
    why = (answer.err.strip() or answer.out.strip()).splitlines() if answer.code else []
    reason = f"{PRETEND} failed: {' '.join(' '.join(why).split())[:300]}" if answer.code else f"{PRETEND} did not say"
    untold.update({name: reason for name in names if name not in sql})
    return sql


def _verdict(text: str | None, sql: list[str], new: Collection[str]) -> Verdict:
    """The worst that the file and its SQL say; what is more than the schema is not known to be safe."""
    files = [NO_FILE] if text is None else [destructive.verdict(text, new), locking.verdict(text)]
    if text and (more := pretend.more(text)):
        files.append(Verdict("unknown", (more,)))
    return worst(*files, destructive.of_sql(sql, new), locking.of_sql(sql))


def show(c: Host, release: str, plan: Plan) -> None:
    """A line for each migration, and below it the SQL it would run."""
    sizes = connection.sizes(c, release, [table for verdict in plan.verdicts.values() for table in verdict.tables])
    if plan.sql:
        console.say("   the SQL is an estimate: no query was run for it, so what depends on data is not in it")
    for name, verdict in plan.verdicts.items():
        large = "; ".join(f"{table} has {sizes[table]}" for table in verdict.tables if table in sizes)
        console.say(f"   {name}: {verdict}{f' ({large})' if large else ''}", *COLOURS[verdict.kind])
        statements = plan.sql.get(name, [])
        for statement in statements[:SHOWN]:
            console.say(f"      {rawsql.shown(statement)}")
        if len(statements) > SHOWN:
            console.say(f"      … and {len(statements) - SHOWN} more")
        if name in plan.untold:
            console.say(f"      its SQL is not known: {plan.untold[name]}")


def insist(c: Host, plan: Plan) -> bool:
    """Whether one is destructive. Raises Failure where the settings do not allow that."""
    bad = {name: verdict for name, verdict in plan.verdicts.items() if verdict.kind == "destructive"}
    if bad and not c.settings.allow_destructive:
        lines = "".join(f"\n  {name}: {', '.join(verdict.why)}" for name, verdict in bad.items())
        raise Failure(
            f"{c.name}: pending migrations would break what {_user(c)} may still do:{lines}\n  no migration was run",
            "deploy code that does without it first, the migration later; if you mean it: --set allow_destructive=true",
        )
    return bool(bad)


def _user(c: Host) -> str:
    return "the release that serves" if state.look(c).current else "whoever uses this database, which has migrations already,"


def nothing_to_lose(c: Host, names: tuple[str, ...]) -> bool:
    """Whether nobody could miss anything: no release of this site serves, and no migration ever ran in its database, which
    another site may use as well."""
    return not state.look(c).current and isinstance(names, database.Unborn)
