"""The worlds of the security tests: the sample application, deployed in a second or two."""

from tests.security.conftest import sample, sample_worlds

__all__ = ["sample", "sample_worlds"]
