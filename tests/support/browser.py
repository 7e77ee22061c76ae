"""Headless Chromium, for pages that people will look at."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from . import process

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = "no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update disable-sync".split()
# Puts the page into a frame of the given width and writes what the script makes of its document.
FRAME = """<!doctype html><meta charset="utf-8"><iframe style="border:0;width:%spx;height:1000px" srcdoc="%s"></iframe><pre></pre>
<script>
document.querySelector('iframe').onload = ({target}) => {
  const page = target.contentDocument, measure = %s
  document.querySelector('pre').textContent = JSON.stringify(measure(page))
}
</script>"""


def program() -> str | None:
    """Return the browser's path, None where there is none."""
    return next((path for name in NAMES if (path := process.find(name))), None)


def measured(page: str, script: str, width: int, folder: Path) -> Any:
    """Return what ``script``, a function of JavaScript, says of the page's document in a window of this width."""
    browser, file = program(), folder / f"frame-{width}.html"
    assert browser
    file.write_text(FRAME % (width, html.escape(page), script), encoding="utf-8")
    flags = [f"--{name}" for name in QUIET]
    command = [browser, "--headless", *flags, f"--user-data-dir={folder}/profile", "--dump-dom", file.as_uri()]
    done = subprocess.run(command, check=True, timeout=120, text=True, capture_output=True)
    found = re.search(r"<pre>(.+?)</pre>", done.stdout, re.DOTALL)
    assert found, done.stderr
    return json.loads(html.unescape(found[1]))
