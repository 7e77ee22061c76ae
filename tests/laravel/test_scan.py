"""What a scan of the sources finds, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.laravel import scan
from fabfile.laravel.blade import to_php


@pytest.mark.parametrize(
    ("file", "php", "lines"),
    [
        ("app/A.php", "<?php\n$a = env('X');\n\\env('Y', 1);", [2, 3]),
        ("app/A.php", "<?php\n// env('X')\n$a = 'env(1)'; $b->env('X'); A::env('X'); function env($a) {}", []),
        ("config/app.php", "<?php return ['a' => env('X')];", []),
        ("resources/views/a.blade.php", to_php("\n\n{{ env('X') }} {{-- env('Y') --}}"), [3]),
    ],
)
def test_env_outside_config(file: str, php: str, lines: list[int]) -> None:
    assert [item.line for item in scan.env_outside_config({file: php})] == lines


ROUTES = """<?php
Route::get('/', function () { return 1; });
Route::middleware('auth')->get('/a', fn () => 2);
Route::get('/b', [HomeController::class, 'index']);
Route::middleware('auth')->group(function () {
    Route::post('/c', 'CController@store');
});
"""


@pytest.mark.parametrize(("framework", "lines"), [("7.30.6", [2, 3]), ("6.0.0", [2, 3]), ("8.0.0", []), ("12.1.0", []), ("", [])])
def test_closure_routes_matter_up_to_laravel_7(framework: str, lines: list[int]) -> None:
    assert [item.line for item in scan.closure_routes({"routes/web.php": ROUTES}, framework)] == lines


def test_a_project_is_walked(tmp_path: Path) -> None:
    for name, text in {
        "composer.json": "{}",
        "public/hot": "x",
        "routes/web.php": "<?php\nenv('A');",
        "vendor/a.php": "<?php env('B');",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert [(item.kind, item.file) for item in scan.analyze(tmp_path, "11.0.0")] == [("env", "routes/web.php"), ("hot", "public/hot")]
    (tmp_path / "routes/web.php").write_text("<?php\nconfig('A');")
    assert [item.kind for item in scan.analyze(tmp_path, "11.0.0")] == ["hot"], "it is read again when it has changed"
