"""PHP, asked by the tests what is right."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings

from ..conftest import lacking, need

# many questions go into one PHP process, and shrinking such a batch would take minutes
BATCHES = settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
SHARE = Path("/usr/share/php")


def ask(code: str, question: Any, *libraries: str) -> Any:
    """The answer of a piece of PHP that turns ``$ask`` into ``$answer``; skips when a library (below SHARE) is not there."""
    need("php")
    for library in libraries:
        if not (SHARE / library).is_file():
            lacking(f"not installed: {library}")
    loaded = "".join(f"require '{SHARE / library}';" for library in libraries)
    program = f"{loaded} $ask = json_decode(stream_get_contents(STDIN), true); {code} echo json_encode($answer, JSON_THROW_ON_ERROR);"
    done = subprocess.run(
        ["php", "-d", "display_errors=stderr", "-r", program], input=json.dumps(question), text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
