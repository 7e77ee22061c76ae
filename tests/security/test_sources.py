"""What no source file of the product may contain, and what only one place may: read from the files themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fab import PROJECT

PRODUCT = PROJECT / "fabfile"
PYTHON = sorted(PRODUCT.rglob("*.py"))
SHELL = sorted(PRODUCT.rglob("*.sh"))
# What people copy from counts too.
EXAMPLES = [path for path in sorted((PROJECT / "docs/examples").rglob("*")) if path.is_file()] + [PROJECT / "deploy.toml"]


def relative(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def lines_with(pattern: str, files: list[Path]) -> list[str]:
    return [
        f"{relative(file)}: {line.strip()}"
        for file in files
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.search(pattern, line)
    ]


def calls() -> Iterator[tuple[str, ast.Call]]:
    for file in PYTHON:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield relative(file), node


@pytest.mark.parametrize(
    "pattern",
    [
        r"AutoAddPolicy|WarningPolicy",
        r"(?i)StrictHostKeyChecking[= ]*(no|off|accept-new)|UserKnownHostsFile[= ]*/dev/null",
        r"(?i)http\.sslVerify|GIT_SSL_NO_VERIFY|verify_peer'? *=> *false|allow_self_signed|--no-check-certificate|curl .*(-k|--insecure)\b",
        r"\b(sshpass|expect)\b.*-p",
        r"mysqldump.* -p|mysql .*-p['\"$]|--password=",
        r"set -[a-z]*x",
    ],
)
def test_is_nowhere(pattern: str) -> None:
    assert lines_with(pattern, [*PYTHON, *SHELL, *sorted(PRODUCT.rglob("*.php")), *EXAMPLES]) == []


def test_no_shell_script_reads_another_file_as_a_script() -> None:
    assert lines_with(r"(^|[;&|]) *(source|\.) +['\"$./a-z]", SHELL) == []


def test_fabrics_own_ways_to_run_things_are_not_used() -> None:
    """Neither c.run(env=…) nor c.cd() and c.prefix() quote, and put and get are not part of a dry run: all goes through Shell."""
    ways = {"run", "sudo", "local", "put", "get", "cd", "prefix", "shell", "forward_local"}
    found = [
        f"{file}:{call.lineno}"
        for file, call in calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ways
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in {"c", "context", "ctx", "connection", "host", "server"}
    ]
    assert found == []


def test_values_become_shell_in_one_place() -> None:
    quoting = {"quote", "join", "list2cmdline"}
    found = {
        file
        for file, call in calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in quoting
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in {"shlex", "pipes", "subprocess"}
    }
    # devuse.py writes a line for a person to copy, which is never run.
    assert found == {"fabfile/engine/quoting.py", "fabfile/laravel/devuse.py"}


def test_no_value_is_formatted_into_a_script() -> None:
    """A script is constant text; what an f-string may put into it is other scripts, never a path, a name or a setting."""
    scripts = {"source", "script_text", "php_script", "script", "php"}
    told = {"hook.command"}  # a command of the team's is a script
    bad = []
    for file, call in calls():
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in {"do", "ask", "work", "own"} or not call.args:
            continue
        for part in ast.walk(call.args[0]) if isinstance(call.args[0], ast.JoinedStr) else ():
            if not isinstance(part, ast.FormattedValue):
                continue
            text = ast.unparse(part.value)
            constant = isinstance(part.value, ast.Name) and (text.isupper() or text == "env")
            other = isinstance(part.value, ast.Call) and isinstance(part.value.func, ast.Name) and part.value.func.id in scripts
            if not (constant or other or text in told):
                bad.append(f"{file}:{call.lineno}: {text}")
    assert bad == []


def test_a_shell_is_started_only_where_conversations_begin() -> None:
    shells = [f"{file}" for file, call in calls() for word in call.keywords if word.arg == "shell" and ast.unparse(word.value) == "True"]
    assert shells == ["fabfile/engine/pipes.py"]
    assert [file for file, call in calls() if ast.unparse(call.func) in {"os.system", "os.popen", "eval", "exec"}] == []


# Everything that is removed with all that is in it, and whose it is.
REMOVED = {
    'fabfile/server/link.sh: rm -rf -- "$mine"': "a shared path in the release, whose content has been copied to shared",
    "fabfile/server/tidy.py: rm -rf -- .deploy/trash/*": "below the site's folder, where cd has to have succeeded",
    'fabfile/server/tidy.py: [ ! -d "$run" ] || [ "$run" = ".deploy/run/$3" ] || rm -rf -- "$run"': "run folders of dead runs",
    'fabfile/engine/lock.py: rm -rf -- "$1"': "the run folder of this run",
    'fabfile/info.py: [ ! -d "$run" ] || [ "$run" = "run/$2" ] || rm -rf -- "$run"': "run folders of dead runs, with the lock held",
    'fabfile/engine/lock.sh: rm -rf -- "${folder:?}/run/${run:?}"': "the run folder of this run",
    'fabfile/server/delivery.py: rm -rf -- "$1"': "a release that is not one yet, and the folder of uploads",
    'fabfile/server/uploading.py: rm -rf -- "$part"': "parts of other uploads, below the folder of uploads",
    'fabfile/server/delivery.py: rm -rf -- "$@"': "entries of a release that is not one yet",
    'fabfile/builder/workshop.py: rm -rf -- "$1/work" "$1/taken"': "below a folder with our mark",
    'fabfile/builder/source.py: rm -rf -- "$1"': "our copy of the repository, where it is none or not whole, below the same folder",
    'fabfile/builder/dependencies.py: rm -rf -- "$1"': "node_modules of the build",
    'fabfile/builder/dependencies.py: rm -rf -- "$1/vendor" "$2"': "vendor of the build, put back too early, and the folder for that",
    'fabfile/builder/cache.py: rm -rf -- "$1/work"': "below a folder with our mark",
    'fabfile/builder/cache.py: rm -rf -- "$old" "$old.manifest"': "what was built here and never deployed, by the form of its name",
    "fabfile/builder/spare.sh: rm -rf -- {} +": "what is older than an hour, in the cache, by the form of its name",
    'fabfile/builder/spare.sh: rm -rf -- "$old"': "spare folders for other lock files, by the form of their name",
    'fabfile/builder/spare.sh: rm -rf -- "$new"': "the spare folder that is made here",
    'fabfile/builder/restore.sh: rm -rf -- "$spare"': "a spare folder that was taken or is damaged",
    'fabfile/builder/restore.sh: rm -rf -- "$taken"': "what was put back while the build was cloned, if it says so",
    "fabfile/builder/collect.sh: rm -rf -- {} +": "git's own in the build's folder, where cd has to have succeeded",
    'fabfile/builder/collect.sh: rm -rf -- "./$path"': "entries of the build that do not ship",
}


def removals() -> set[str]:
    found = set()
    for line in lines_with(r"rm -(rf|fr|r)\b", [*PYTHON, *SHELL]):
        file, _, rest = line.partition(": ")
        commands = re.findall(r"(?:\[ ! -d [^;]*)?rm -(?:rf|fr|r)\b[^;']*", rest)
        found |= {f"{file}: {command.strip()}" for command in commands}
    return found


def test_what_is_removed_is_ours() -> None:
    """Whoever adds an rm -rf adds a line above that says whose files it removes."""
    assert removals() == set(REMOVED)
    assert [one for one in REMOVED if "-rf --" not in one] == []


def test_owners_are_never_changed_and_modes_only_of_a_fresh_release() -> None:
    assert lines_with(r"\bchown\b", [*PYTHON, *SHELL]) == []
    assert lines_with(r"\bch(mod|grp) -R", [*PYTHON, *SHELL]) == ['fabfile/engine/unpack.sh: chmod -R u+rwX,go+rX,go-w,ug-s,-t "$2"']


def test_no_other_program_carries_files_or_becomes_root() -> None:
    """Neither rsync, scp and sftp, which would need host keys and options of their own, nor sudo, which would need a password."""
    words = r"(^|[\s;&|('\"])(rsync|scp|sftp|sudo|su) +[-'\"$/]"
    assert lines_with(words, [*PYTHON, *SHELL]) == []
