"""What a migration takes away is read from its PHP: what it does on its way up, in code and in SQL."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.laravel.destructive import verdict
from fabfile.laravel.verdict import Kind

CLASS = """<?php
return new class extends Migration {{
    public function up(): void
    {{
        {up}
    }}
    // Schema::drop('comments')
    public function down(): void
    {{
        if (true) {{ Schema::dropIfExists('users'); }}
        DB::statement('DROP TABLE users');
    }}
    private function later() {{ {later} }}
}};
"""

SAFE = (
    "Schema::create('users', function (Blueprint $table) { $table->id(); $table->string('drop')->nullable(); });",
    "Schema::table('users', fn ($t) => $t->string('rename'));",
    "Schema::table('users', fn ($t) => $t->dropIndex(['name']));",
    "Schema::table('users', fn ($t) => $t->renameIndex('a', 'b'));",
    "$drop = 'DROP TABLE users'; $this->note($drop);",
    "/* $table->dropColumn('name') */ # Schema::drop('x')",
    "drop('users');",
    "DB::table('users')->insert(['name' => 'change']);",
)
GONE = {
    "Schema::table('users', function ($t) { $t->dropColumn('name'); });": "dropColumn in line 5",
    "Schema::dropIfExists('users');": "dropIfExists in line 5",
    "Schema::connection('x')->drop('users');": "drop in line 5",
    "Schema::rename('users', 'people');": "rename in line 5",
    "\n$t->renameColumn('a', 'b');": "renameColumn in line 6",
    "$t?->STRING('name', 50)->Change();": "Change in line 5",
    "$t->dropSoftDeletes();": "dropSoftDeletes in line 5",
    "DB::table('users')->truncate();": "truncate in line 5",
    "DB::statement('drop table users');": "DROP in line 5",
    "DB::unprepared(<<<SQL\n    ALTER TABLE users\n        DROP name;\nSQL);": "DROP in line 5",
    '$sql = "TRUNCATE users"; DB::statement($sql);': "TRUNCATE in line 5",
    "DB::statement('ALTER TABLE users RENAME TO people');": "RENAME in line 5",
    "DB::statement('ALTER TABLE users MODIFY name CHAR(9)');": "MODIFY in line 5",
}
UNKNOWN = {
    "DB::statement('CREATE INDEX i ON users (name)');": "statement in line 5",
    "DB::statement('ALTER TABLE users DROP INDEX i');": "statement in line 5",
    "DB::unprepared(file_get_contents($file));": "unprepared in line 5",
    "DB::table('users')->where('id', 1)->delete();": "delete in line 5",
}


@pytest.mark.parametrize("up", SAFE)
def test_nothing_is_taken_away(up: str) -> None:
    assert str(verdict(CLASS.format(up=up, later=""))) == "safe"


@pytest.mark.parametrize(("kind", "up", "why"), [
    *(("destructive", up, why) for up, why in GONE.items()),
    *(("unknown", up, why) for up, why in UNKNOWN.items()),
])  # fmt: skip
def test_what_is_found_is_named_with_its_line(kind: str, up: str, why: str) -> None:
    assert str(verdict(CLASS.format(up=up, later=""))) == f"{kind}: {why}"
    assert verdict(CLASS.format(up="$this->later();", later=up)).kind == kind


def test_a_down_that_is_declared_only_hides_nothing() -> None:
    assert verdict("<?php class A { abstract function down(); function up() { Schema::drop('x'); } }").kind == "destructive"
    assert verdict("<?php class A { function down() { Schema::drop('x'); ").kind == "safe"


@given(st.text())
def test_any_text_has_a_verdict(text: str) -> None:
    assert verdict("<?php " + text).kind in get_args(Kind)
