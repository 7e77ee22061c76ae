"""Dev packages in production code are found by class, wherever the class is really used."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from fabfile.engine.errors import Failure
from fabfile.laravel import devuse, lockfile
from fabfile.laravel.blade import to_php
from fabfile.laravel.phpnames import references
from fabfile.laravel.phptokens import tokens

from ..conftest import need
from .php import ask

PACKAGES = {
    "packages": [{"name": "laravel/framework", "version": "v11.0.0", "autoload": {"psr-4": {"Illuminate\\": "src/"}}}],
    "packages-dev": [
        {"name": "fakerphp/faker", "version": "v1.23.0", "autoload": {"psr-4": {"Faker\\": "src/Faker/"}}},
        {
            "name": "barryvdh/laravel-debugbar",
            "version": "v3.9.0",
            "autoload": {"psr-4": {"Barryvdh\\Debugbar\\": "src/"}},
            "extra": {"laravel": {"aliases": {"Debugbar": "Barryvdh\\Debugbar\\Facades\\Debugbar"}}},
        },
        {"name": "laravel/telescope", "version": "v5.0.0", "autoload": {"psr-4": {"Laravel\\Telescope\\": "src/"}}},
        {"name": "spatie/laravel-ray", "version": "1.0.0", "autoload": {"psr-4": {"Spatie\\LaravelRay\\": "src/"}}},
        {"name": "phpunit/phpunit", "version": "10.0.0", "autoload": {"classmap": ["src/"]}},
        {"name": "acme/illuminate-dev", "version": "1.0.0", "autoload": {"psr-4": {"Illuminate\\": "dev/"}}},
    ],
}
LOCK = lockfile.parse_lock(json.dumps(PACKAGES))
FAKER, DEBUGBAR, TELESCOPE = "fakerphp/faker", "barryvdh/laravel-debugbar", "laravel/telescope"


def found(php: str, file: str = "app/A.php") -> list[tuple[str, int]]:
    return [
        (item.package, item.line) for item in devuse.find({file: "<?php\n" + php}, LOCK, '{"autoload": {"psr-4": {"App\\\\": "app/"}}}')
    ]


@pytest.mark.parametrize(
    ("php", "wanted"),
    [
        ("namespace App;\nuse Faker\\Factory;\nFactory::create();", [(FAKER, 4)]),
        ("use Faker\\Factory as F;\n\nnew F;", [(FAKER, 4)]),
        ("use Faker\\{Factory, Generator as G};\nfunction a(G $g) {}", [(FAKER, 3)]),
        ("use Faker;\nFaker\\Factory::create();", [(FAKER, 3)]),
        ("\\Faker\\Factory::create();", [(FAKER, 2)]),
        ("\\fAKER\\factory::create();", [(FAKER, 2)]),
        ("use Laravel\\{Telescope\\P as T};\nnew T;", [(TELESCOPE, 3)]),
        ("namespace Laravel;\nnew namespace\\Telescope\\P;", [(TELESCOPE, 3)]),
        ("namespace App { use Faker\\Factory; class A { use Factory; } }", [(FAKER, 2)]),
        ("use function Faker\\helper;\nhelper();", [(FAKER, 3)]),
        ("#[\\PHPUnit\\Framework\\Attributes\\Test]\nclass A {}", [("phpunit/phpunit", 2)]),
        ("Debugbar::info(1);", [(DEBUGBAR, 2)]),
        ("return [Laravel\\Telescope\\TelescopeServiceProvider::class];", [(TELESCOPE, 2)]),
        ("class P extends \\Laravel\\Telescope\\Provider {}", [(TELESCOPE, 2)]),
        ("ray($a);\nfake()->name();", [("spatie/laravel-ray", 2), (FAKER, 3)]),
        ("$this->faker->name();", [(FAKER, 2)]),
        ("if (isLocal() || x()) { \\Faker\\Factory::create(); }", [(FAKER, 2)]),
        ("if (app()->environment('production')) { \\Faker\\Factory::create(); }", [(FAKER, 2)]),
        # what is not a use
        ("use Faker\\Factory;", []),
        ("// \\Faker\\Factory::create();\n# fake()\n/* \\Faker\\Factory */", []),
        ("$a = '\\Faker\\Factory::create()';\n$b = \"\\\\Faker\\\\Factory\";", []),
        ("$a = <<<'X'\n  \\Faker\\Factory::create();\n  X;\n$b = 1;", []),
        ("$x->fake(); X::fake(); function fake() {}", []),
        ("namespace App;\nDebugbar::info(1);", []),
        ("namespace App;\nnew Faker\\Factory;", []),
        ("?> \\Faker\\Factory::create() <?php\n", []),
        ("if (class_exists(\\Faker\\Factory::class)) { \\Faker\\Factory::create(); }", []),
        ("use Faker\\Factory;\nif (! class_exists(Factory::class)) return;\nFactory::create();", []),
        ("if (class_exists('Faker\\\\Factory')) { new \\Faker\\Factory; }", []),
        ("if ($this->app->isLocal()) { $this->app->register(\\Laravel\\Telescope\\P::class); }", []),
        ("if ($this->app->environment('local', 'testing')) { new \\Laravel\\Telescope\\P; }", []),
        ("if (! app()->isProduction()) { new \\Laravel\\Telescope\\P; }", []),
        ("new \\Illuminate\\Support\\Collection;", []),
    ],
)
def test_uses_in_php(php: str, wanted: list[tuple[str, int]]) -> None:
    assert found(php) == wanted


@pytest.mark.parametrize(
    ("blade", "wanted"),
    [
        ("<p>\n{{ \\Faker\\Factory::create()->name }}", [(FAKER, 2)]),
        ("\n\n@php\n  fake();\n@endphp", [(FAKER, 4)]),
        ("\n@inject('faker', 'Faker\\Generator')", [(FAKER, 2)]),
        ("\n@if (\\Laravel\\Telescope\\Telescope::check(now()))", [(TELESCOPE, 2)]),
        ('\n<x-a :b="fake()->name()"/>\n{!! ray() !!}', [(FAKER, 2), ("spatie/laravel-ray", 3)]),
        ("{{-- {{ fake() }} --}} @{{ fake() }} <p>fake()</p> @verbatim {{ fake() }} @endverbatim", []),
    ],
)
def test_uses_in_blade(blade: str, wanted: list[tuple[str, int]]) -> None:
    findings = devuse.find({"resources/views/a.blade.php": to_php(blade)}, LOCK)
    assert [(item.package, item.line) for item in findings] == wanted


# the files of a new application, as far as they touch the subject (Laravel 8, 9-10, 11+)
SEEDERS = [
    "class DatabaseSeeder extends Seeder { public function run() {\n// \\App\\Models\\User::factory(10)->create();\n} }",
    "class DatabaseSeeder extends Seeder { public function run(): void {\n// User::factory(10)->create();\n} }",
    "use App\\Models\\User;\nclass DatabaseSeeder extends Seeder { public function run(): void { User::factory()->create(); } }",
]
FACTORIES = ["class UserFactory { function definition() { return ['a' => $this->faker->name()]; } }", "fake()->name();", "fake()->name();"]
USER = "namespace App\\Models;\nclass User { /** @use HasFactory<\\Database\\Factories\\UserFactory> */ use HasFactory, Notifiable; }"


@pytest.mark.parametrize(("seeder", "factory"), list(zip(SEEDERS, FACTORIES, strict=True)))
def test_a_new_application_has_nothing_in_production(seeder: str, factory: str) -> None:
    files = {"database/seeders/DatabaseSeeder.php": seeder, "database/factories/UserFactory.php": factory, "app/Models/User.php": USER}
    findings = devuse.find({file: "<?php\n" + text for file, text in files.items()}, LOCK)
    assert {item.severity for item in findings} == {"seeding"}
    assert "database/factories/UserFactory.php" in {item.file for item in findings}


@pytest.mark.parametrize(
    ("file", "php"),
    [
        ("app/Jobs/Demo.php", "use App\\Models\\User;\nUser::factory()->create();"),
        ("database/migrations/1_a.php", "\\App\\Models\\User::factory()->count(2)->create();"),
        ("database/migrations/1_a.php", "(new \\Database\\Seeders\\RoleSeeder)->run();"),
    ],
)
def test_production_code_that_reaches_a_factory(file: str, php: str) -> None:
    findings = devuse.find({file: "<?php\n" + php, "database/factories/UserFactory.php": "<?php\n$this->faker->name();"}, LOCK)
    assert "production" in {item.severity for item in findings}
    assert {item.package for item in findings} == {FAKER}


def test_the_fix_moves_the_package() -> None:
    assert devuse.fix_command(FAKER) == "composer remove --dev fakerphp/faker && composer require fakerphp/faker"
    assert devuse.fix_command(FAKER, "^1.9") == "composer remove --dev fakerphp/faker && composer require 'fakerphp/faker:^1.9'"


def test_a_real_project(tmp_path: Path) -> None:
    need("composer", "php")
    package = {
        "name": "acme/devtool",
        "version": "1.2.0",
        "autoload": {"psr-4": {"Acme\\Tool\\": "src"}},
        "dist": {"type": "path", "url": "tool"},
    }
    repositories = [{"packagist.org": False}, {"type": "package", "package": package}]
    (tmp_path / "tool/src").mkdir(parents=True)
    (tmp_path / "composer.json").write_text(
        json.dumps({"repositories": repositories, "require-dev": {"acme/devtool": "^1.0"}, "autoload": {"psr-4": {"Shop\\": "src/shop"}}})
    )
    env = {**os.environ, "COMPOSER_ALLOW_SUPERUSER": "1"}
    subprocess.run(["composer", "update", "--no-install", "-q", "-n"], cwd=tmp_path, env=env, check=True)
    for file in ("src/shop/A.php", "app/vendor/B.php", "tests/C.php", "bootstrap/cache/d.php"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("<?php\nnamespace Shop;\nuse Acme\\Tool\\Run;\nRun::now();\n")
    wanted = devuse.Finding("acme/devtool", "src/shop/A.php", 4, "Acme\\Tool\\Run", "production")
    assert devuse.analyze(tmp_path) == (wanted,)
    (tmp_path / "src/shop/A.php").write_text("<?php\nnamespace Shop;\n")
    (tmp_path / "src/shop/E.php").symlink_to("nowhere")
    assert devuse.analyze(tmp_path) == (), "it is read again when it has changed"


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"composer\.json cannot be read"):
        devuse.analyze(tmp_path)


NAMES_OF_PHP = """
$answer = array_map(function ($text) {
    $kinds = [T_VARIABLE, T_NAME_FULLY_QUALIFIED];
    $kept = array_filter(token_get_all($text), fn ($token) => is_array($token) && in_array($token[0], $kinds));
    return array_values(array_map(fn ($token) => [$token[1], $token[2]], $kept));
}, $ask);
"""
SOURCES = [
    "<?php $a; // $b\n# $c\n/* $d */ #[A] $e; '$f'; \\A\\B::c(); ?>\n$g <?= $h ?> <?php // $i ?> $j <?php $k;",
    "<?php\n$a = <<<X\nno var \\A\\B\n  X . '\\'$b' . $c; $d = <<<'Y'\n$e\n  Y . 1; /** $f */ \\C\\D();\r\n$g = `ls`;",
]


def test_the_tokens_are_phps() -> None:
    ours = [[[word.text, word.line] for word in tokens(text) if word.kind == "variable" or word.text[:1] == "\\"] for text in SOURCES]
    assert ours == ask(NAMES_OF_PHP, SOURCES)


def test_what_is_not_read_needs_nothing() -> None:
    """The framework's own files, if some packages were for development: those that may need one are read, and none is missed."""
    share = Path("/usr/share/php/Illuminate")
    if not share.is_dir():
        pytest.skip("php-laravel-framework is not installed")
    files = {str(file): file.read_text() for file in sorted((share / "Foundation").rglob("*.php"))}
    packages = [
        {"name": name, "version": "1.0.0", "autoload": {kind: {prefix: "src"}}, "extra": {"laravel": {"aliases": aliases}}}
        for name, kind, prefix, aliases in (
            ("symfony/process", "psr-4", "Symfony\\Component\\Process\\", {}),
            ("illuminate/queue", "psr-4", "Illuminate\\Queue\\", {"Str": "Illuminate\\Support\\Str"}),
            ("old/underscores", "psr-0", "Illuminate\\Foundation\\Te", {}),
        )
    ]
    lock = lockfile.parse_lock(json.dumps({"packages": [], "packages-dev": packages}))
    owners = devuse.Owners(lock)
    using = {file for file, text in files.items() if any(owners.dev_package(item) for item in references(text))}
    assert 10 < len(using) < len(files) / 2
    assert using <= {file for file, text in files.items() if owners.mentioned().search(text.lower())}
    assert {finding.file for finding in devuse.find(files, lock)} >= using


def test_every_file_of_the_framework_is_read() -> None:
    """Hundreds of real files: each import that is used resolves to a class that PHP would look for."""
    share = Path("/usr/share/php/Illuminate")
    if not share.is_dir():
        pytest.skip("php-laravel-framework is not installed")
    names = {item.name for file in sorted(share.rglob("*.php"))[:400] for item in references(file.read_text()) if item.kind == "class"}
    assert "Illuminate\\Contracts\\Auth\\Authenticatable" in names
    assert not [name for name in names if name.startswith("\\") or name.endswith("\\")]
