"""🔴 On the server: from an empty folder to a live release and back."""

from ..engine.guard import disarm
from . import discretion as discretion
from .backups import backup
from .caches import optimize
from .codecache import opcache
from .configure import env, link_shared
from .daemons import drain, workers
from .daemons import foresee as foresee_drain
from .integrity import by_hand, first_whole, verify
from .maintenance import down, up
from .migrating import migrate, review
from .probing import health, validate
from .readiness import check, foresee, setup
from .receive import create_release, upload
from .restoring import restore
from .switching import confirm, switch
from .tidy import cleanup, log
from .tidy import foresee as foresee_cleanup
from .verification import checklist, summary
from .verification import foresee as foresee_summary

TASKS = (
    *("check", "setup", "create_release", "upload", "link_shared", "env"),
    *("review", "backup", "down", "optimize", "migrate", "health", "switch"),
    *("opcache", "workers", "validate", "up", "drain", "cleanup", "log", "verify", "checklist", "restore"),
)

__all__ = ["TASKS", "backup", "check", "checklist", "cleanup", "confirm", "create_release", "disarm", "down", "drain", "env", "foresee"]
__all__ += ["foresee_cleanup", "foresee_drain", "foresee_summary", "health", "link_shared", "log", "migrate", "opcache", "optimize"]
__all__ += ["by_hand", "first_whole", "restore", "review", "setup", "summary", "switch", "up", "upload", "validate", "verify", "workers"]
