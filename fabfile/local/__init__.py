"""🟢 On this machine: what has to be right before anything is built."""

from .analysis import analyze, foresee
from .files import deployignore, env, init
from .git import check, commit, push
from .notice import notify

TASKS = ("init", "analyze", "deployignore", "env", "check", "commit", "push", "notify")

__all__ = ["analyze", "check", "commit", "deployignore", "env", "foresee", "init", "notify", "push"]
