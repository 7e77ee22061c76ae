"""The worlds of the single faults: the sample application, deployed in a second or two."""

from tests.security.conftest import sample, sample_worlds
from tests.system.conftest import artifacts

__all__ = ["artifacts", "sample", "sample_worlds"]
