"""🟡 Where the application is built: this machine, a builder VM, or the server itself."""

from .artifact import optimize, package, validate
from .dependencies import assets, install, restore_cache
from .source import cleanup, clone, foresee_cleanup, prepare, versions
from .workshop import foresee, leave

TASKS = ("prepare", "versions", "clone", "restore_cache", "install", "assets", "optimize", "validate", "package", "cleanup")

__all__ = ["assets", "cleanup", "clone", "foresee", "foresee_cleanup", "install", "leave", "optimize", "package", "prepare"]
__all__ += ["restore_cache", "validate", "versions"]
