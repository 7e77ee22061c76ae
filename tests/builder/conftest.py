"""A world whose sample application is built in a moment."""

from tests.security.conftest import sample, sample_worlds

__all__ = ["sample", "sample_worlds"]
