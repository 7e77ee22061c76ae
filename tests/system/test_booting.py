"""The first boot of a release, on the command line, with PHP itself and as much of Laravel as it asks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fabfile.server import booting
from tests.conftest import need

# Its database refuses so many times.
REFUSING = """<?php
namespace Illuminate\\Container { abstract class Container {
    public static $made;
    public static function getInstance() { return self::$made; }
} }
namespace {
    return Illuminate\\Container\\Container::$made = new class { // the container, and what it makes
        public int $refuses = %d;
        public function isBooted() { return true; }
        public function make($name) { return $this; }
        public function bound($name) { return true; }
        public function get($key) { return 'mysql'; }
        public function connection($name) { return $this; }
        public function getPdo() { if ($this->refuses-- > 0) { throw new Exception('too many connections'); } }
    };
}
"""
ARTISAN = """#!/usr/bin/env php
<?php
require 'app.php';
fwrite(fopen('php://stdout', 'w'), implode(' ', $argv) . ' of ' . basename(__DIR__) . " as {$_SERVER['SCRIPT_NAME']}\\n");
exit(%d);
"""


def booted(folder: Path, app: str, status: int = 0) -> tuple[int, str, str]:
    """How booted.php ends in ``folder``, whose artisan loads ``app`` and ends with ``status``, and both its streams."""
    need("php")
    folder = folder / "release"
    folder.mkdir()
    (folder / "app.php").write_text(app)
    (folder / "artisan").write_text(ARTISAN % status)
    words = ["sh", "-c", booting.RUN, "sh", str(folder), "php", "--", "artisan", "list", "--no-ansi"]
    done = subprocess.run(words, check=False, text=True, capture_output=True)
    return done.returncode, done.stdout, done.stderr


SAID = "artisan list --no-ansi of release as artisan\n"


@pytest.mark.parametrize(("times", "then"), [(0, "yes"), (2, "yes"), (3, "too many connections")])
@pytest.mark.parametrize("status", [0, 3])
def test_a_database_may_refuse_twice(times: int, then: str, status: int, tmp_path: Path) -> None:
    """The exit status is artisan's own, whatever the database says."""
    assert booted(tmp_path, REFUSING % times, status) == (status, f"{SAID}\nlaravel-fab reaches mysql: {then}\n", "")


NO_LARAVEL = {
    "nothing": "<?php",
    "another container": "<?php namespace Illuminate\\Container; class Container { static function getInstance() { return new self; } }",
    "one that did not boot": REFUSING.replace("return true; }", "return false; }", 1) % 0,
}


@pytest.mark.parametrize("app", NO_LARAVEL.values(), ids=NO_LARAVEL.keys())
def test_what_is_no_laravel_is_not_asked_for_a_database(app: str, tmp_path: Path) -> None:
    assert booted(tmp_path, app) == (0, SAID, "")


def test_what_does_not_boot_is_not_asked_for_a_database(tmp_path: Path) -> None:
    code, out, err = booted(tmp_path, "<?php throw new Exception('no config');")
    assert (code, "reaches" in out, "no config" in out + err) == (255, False, True)
