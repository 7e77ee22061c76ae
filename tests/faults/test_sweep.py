"""A sample of the sweep: other cases each time, the same for the same FAB_SEED. ``make sweep`` runs them all."""

from __future__ import annotations

import os
import random

import pytest

from tests.conftest import need

from .stage import FLOWS
from .sweep import cases, indent, staged

CASES = 5
pytestmark = [pytest.mark.slow, pytest.mark.system]


def test_whatever_dies_the_site_serves_and_the_next_deployment_works() -> None:
    need("sshd", "ssh-keygen", "php", "flock")
    seed = int(os.environ.get("FAB_SEED") or random.randrange(10**6))
    print(f"FAB_SEED={seed}")
    with staged() as stage:
        every = cases({flow: stage.commands(flow) for flow in FLOWS}, stage.small_disk)
        for case in random.Random(seed).sample(every, CASES):
            outcome = stage.play(*case)
            assert not outcome.broken, f"FAB_SEED={seed} {case}: {outcome.broken}\n{indent(outcome.text)}"
