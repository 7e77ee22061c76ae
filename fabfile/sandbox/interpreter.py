"""Find a PHP for the sandbox: the machine's own, else the static one that a Python package carries."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from ..engine.errors import Failure

PACKAGE = "static-php-py"
OLDEST = 80100


def provide(folder: Path) -> Path:
    """Put ``php`` into ``folder`` (on the sandbox's PATH) and return it; raise Failure if there is none to put there."""
    php = folder / "php"
    own = shutil.which("php")
    if own and _usable(own):
        _replace(php, lambda new: new.symlink_to(own))
    elif static := _static():
        # Its wheel does not mark the file as executable, and site-packages may be read-only.
        _replace(php, lambda new: _copy(static, new))
    else:
        raise Failure(
            f"The sandbox needs PHP {OLDEST // 10000}.{OLDEST // 100 % 100} or newer, and there is none on PATH.",
            f"Install it (apt-get install php-cli, brew install php), or `pip install {PACKAGE}==0.1.0`, which carries one.",
        )
    return php


def _usable(php: str) -> bool:
    """Whether ``php`` runs and is new enough for the sample application."""
    found = subprocess.run([php, "-r", "echo PHP_VERSION_ID;"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return found.returncode == 0 and found.stdout.isdigit() and int(found.stdout) >= OLDEST


def _static() -> Path | None:
    """The PHP binary of the package, or None if it is not installed."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return None
    found = (Path(str(file.locate())) for file in files if file.name == "php")
    return next((path for path in found if path.is_file()), None)


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o755)


def _replace(php: Path, make: Callable[[Path], None]) -> None:
    """Make the file beside its place and rename it: an old one may be running."""
    new = php.with_suffix(".new")
    new.unlink(missing_ok=True)
    make(new)
    new.replace(php)
