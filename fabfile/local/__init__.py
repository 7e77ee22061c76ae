"""🟢 On this machine: what has to be right before anything is built."""

from .ahead import foresee
from .analysis import analyze, read_ahead
from .files import deployignore, env, init
from .git import check, commit, push
from .notice import notify

TASKS = ("init", "analyze", "deployignore", "env", "check", "commit", "push", "notify")

__all__ = ["analyze", "check", "commit", "deployignore", "env", "foresee", "init", "notify", "push", "read_ahead"]
