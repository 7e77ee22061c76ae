"""Before the switch the new release answers in the pool that will serve it, not only on the command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.deployment import World
from tests.support.php_web import NginxFpm

pytestmark = pytest.mark.system
# What works on the command line and not behind the web server.
BROKEN = "<?php\nif (PHP_SAPI !== 'cli') { throw new RuntimeException('only behind FPM'); }\n"


def test_a_release_that_only_the_pool_cannot_run_never_serves(make_world: Callable[..., World]) -> None:
    world = make_world(web="nginx", settings={"build": {"package_manager": "none"}})
    assert isinstance(world.web, NginxFpm)
    world.configure({"hosts": {"prod": {"fpm_socket": str(world.web.socket)}}})
    first = world.deploy()
    assert first.code == 0, first.text
    assert f"answers 200 from the new release in {world.web.socket}" in first.text
    assert "OPcache: nothing needed" in first.text
    serving = world.current()

    index = (world.clone / "public/index.php").read_text()
    world.commit({"public/index.php": index.replace("<?php\n", BROKEN, 1)})
    with world.load() as load:
        second = world.deploy()
    assert second.code == 4, second.text
    assert "server.health [6.3-health]" in second.text
    assert world.current() == serving
    assert not load.failed
