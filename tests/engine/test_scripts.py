"""What is sent of a script: all of it but its comments."""

from __future__ import annotations

import re
import subprocess

import pytest

from fabfile.engine.scripts import BARE, ROOT, source
from tests.conftest import need

FILES = sorted(str(path.relative_to(ROOT)) for suffix in ("sh", "php") for path in ROOT.glob(f"*/*.{suffix}"))


@pytest.mark.parametrize("name", FILES)
def test_only_lines_that_are_comments_stay_here(name: str) -> None:
    """The rest is as it was, in its order; and no line of what is sent is for a reader alone."""
    written, sent = (ROOT / name).read_text(encoding="utf-8").splitlines(), source(name).splitlines()
    comment = re.compile(r"\s*(#( |$)|//( (?!laravel-fab)|$)|/\*\* .*\*/$)")
    assert [line for line in written if not comment.match(line)] == sent


def test_what_a_file_is_known_by_travels_with_it() -> None:
    """server/which.sh takes away only what begins like this."""
    assert source("server/which.php").splitlines()[1].startswith("// laravel-fab asks")


def test_there_are_scripts() -> None:
    assert len(FILES) > 50


def test_php_without_its_configuration_can_do_what_our_scripts_need_and_says_nothing_of_what_it_lacks() -> None:
    need("php")
    code = 'echo json_encode([php_ini_loaded_file(), php_ini_scanned_files(), extension_loaded("curl")]);'
    said = subprocess.run(["php", *BARE, "-r", code], capture_output=True, text=True, check=True)
    assert (said.stdout, said.stderr) == ("[false,false,false]", "")
