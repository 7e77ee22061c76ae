"""What artisan pretends to run is read as each Laravel prints it, and only migrations that cannot do harm by it are asked."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.engine.scripts import source
from fabfile.laravel import destructive, locking, pretend, rawsql

from ..support import laravel
from ..support.postgresql import Postgres

NAMES = ("2025_01_01_000000_create_notes", "2025_01_02_000000_index_notes", "2025_01_03_000000_nothing")
CREATE, INDEX = "create table `notes` (`id` int not null)", "alter table `notes` add index `notes_a_index`(`a`)"
# Up to 9.20: Migrator::pretendToRun writes "<info>NAME:</info> QUERY", the class's name where it has one.
OLD = f"""CreateNotes: {CREATE}
2025_01_02_000000_index_notes: {INDEX}
2025_01_02_000000_index_notes: select
  1
"""
# Since 9.21: a TwoColumnDetail, then a BulletList.
NEW = f"""
   INFO  Running migrations.

  2025_01_01_000000_create_notes ...............................
  ⇂ {CREATE}
  2025_01_02_000000_index_notes
  ⇂ {INDEX}
  ⇂ select 1
  2025_01_03_000000_nothing ....................................

"""
COLOURS = NEW.replace("⇂", "\x1b[38;2;1;1;1m⇂\x1b[39m").replace("...", "\x1b[90m...\x1b[39m")
DOCTRINE = f"""CreateNotes: {CREATE}
2025_01_02_000000_index_notes: failed to dump queries. This may be due to changing database columns using Doctrine.
"""


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (OLD, {NAMES[0]: [CREATE], NAMES[1]: [INDEX, "select\n1"]}),
        (NEW, {NAMES[0]: [CREATE], NAMES[1]: [INDEX, "select 1"], NAMES[2]: []}),
        (COLOURS, {NAMES[0]: [CREATE], NAMES[1]: [INDEX, "select 1"], NAMES[2]: []}),
        (DOCTRINE, {NAMES[0]: [CREATE]}),
        ("", {}),
    ],
    ids=["8", "9", "colours", "doctrine", "nothing"],
)
def test_the_sql_of_each_migration(output: str, found: dict[str, list[str]]) -> None:
    assert pretend.statements(output, NAMES) == found


CLASS = """<?php
use Illuminate\\Database\\Migrations\\Migration;
use Illuminate\\Support\\Facades\\Schema;
return new class extends Migration {{
    protected $connection = 'mysql';
    public function up(): void {{ {up} }}
    public function down(): void {{ Storage::delete('all'); }}
    private function own(string $name): void {{}}
}};
"""
SCHEMA = (
    "Schema::table('users', function (Blueprint $table) { $table->foreignIdFor(User::class)->constrained(); });",
    "foreach (['a', 'b'] as $name) { if (! Schema::hasColumn('t', $name)) { $this->own($name); } }",
    "if (DB::connection()->getDriverName() === 'sqlite') { DB::statement('CREATE INDEX i ON t (a)'); }",
    "DB::table('users')->whereNull('a')->update(['a' => DB::raw('b')]);",
    "$x = array_map(fn ($y) => str_replace('a', 'b', $y), config('app.list')); throw new \\RuntimeException('x');",
)
MORE = {
    "Storage::move('a', 'b');": "Storage in line 6",
    "User::query()->update(['a' => 1]);": "User in line 6",
    "Artisan::call('db:seed');": "Artisan in line 6",
    "DB::connection('other')->statement('DELETE FROM t');": "connection in line 6",
    "DB::getPdo()->exec('DELETE FROM t');": "getPdo in line 6",
    "(new Importer)->run();": "Importer in line 6",
    "unlink('a');": "unlink in line 6",
    "$this->elsewhere();": "elsewhere in line 6",
    "require 'x.php';": "require in line 6",
    "require_once __DIR__ . '/x.php';": "require_once in line 6",
    "User::destroy(1);": "User in line 6",
    "$x = `ls`;": "`ls` in line 6",
}


@pytest.mark.parametrize("up", SCHEMA)
def test_what_speaks_to_the_schema_only_may_be_asked(up: str) -> None:
    assert pretend.more(CLASS.format(up=up)) == ""


@pytest.mark.parametrize(("up", "why"), MORE.items())
def test_what_does_more_is_not_asked(up: str, why: str) -> None:
    assert pretend.more(CLASS.format(up=up)) == why


@given(st.text(), st.text())
def test_any_text_is_read(php: str, output: str) -> None:
    pretend.more("<?php " + php)
    assert set(pretend.statements(output, NAMES)) <= set(NAMES)


def test_values_of_rows_and_passwords_are_not_shown() -> None:
    assert rawsql.shown("insert into `keys` (`a`)\n values ('s3cret')") == "insert into `keys` (`a`) values …"
    assert rawsql.shown("update keys set a = 's3cret'") == "update keys set …"
    assert "s3cret" not in rawsql.shown("create user a identified by 's3cret'")


@pytest.fixture(scope="module")
def app(laravel_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return laravel.installed(tmp_path_factory.mktemp("pretend") / "app", laravel_source)


@pytest.mark.system
def test_a_real_laravel(app: Path) -> None:
    up = "public function up() { Schema::table('notes', function ($t) { $t->string('colour')->default('red')->index(); }); }"
    text = "<?php\nuse Illuminate\\Support\\Facades\\Schema;\n%s extends Illuminate\\Database\\Migrations\\Migration {" + up + "}%s\n"
    bodies = {
        "2099_01_01_000000_colour_notes": text % ("class ColourNotes", ""),
        "2099_01_02_000000_again": text % ("return new class", ";"),
        "2099_01_03_000000_need": (text % ("return new class", ";")).replace("->default('red')->index()", ""),
    }
    for name, body in bodies.items():
        (app / f"database/migrations/{name}.php").write_text(body)
    found = pretend.statements(laravel.artisan(app, "migrate", "--pretend", "--force"), bodies)
    assert list(found) == list(bodies)
    *indexed, _ = found.values()
    assert all("create index" in sql[-1] for sql in indexed), found
    assert [destructive.of_sql(sql).kind for sql in found.values()] == ["safe", "safe", "destructive"], found


def told(app: Path, *tables: str) -> list[str]:
    command = ["php", "--", str(app), *tables]
    return subprocess.run(command, input=source("server/database.php"), check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()


@pytest.mark.system
def test_what_a_real_laravel_says_of_a_real_postgresql(app: Path, postgres: Postgres) -> None:
    login = {"CONNECTION": "pgsql", "HOST": postgres.folder, "DATABASE": "postgres", "USERNAME": "postgres", "PASSWORD": "super"}
    (app / ".env").write_text("".join(f"DB_{key}={value}\n" for key, value in login.items()))
    assert told(app)[:2] == [f"host={postgres.folder}", "driver=pgsql"]
    laravel.artisan(app, "migrate", "--force", "--path=database/migrations/2024_01_01_000000_create_notes_table.php")
    postgres.ask("INSERT INTO notes (text) SELECT 'x' FROM generate_series(1, 300); ANALYZE notes")
    (line,) = told(app, "notes", "nothing")
    assert line.split("\t")[:2] == ["notes", "300"]
    name = "2099_01_01_000000_colour_notes"
    sql = pretend.statements(laravel.artisan(app, "migrate", "--pretend", "--force", f"--path=database/migrations/{name}.php"), [name])
    said = locking.of_sql(sql[name])
    assert (said.why[-1], said.tables) == ("an index of notes in its SQL", ("notes",)), sql
