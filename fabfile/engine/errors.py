"""Errors that end a run: each has its exit code, says where it happened and what to type next."""

from __future__ import annotations

from invoke.exceptions import Exit

from .redact import harmless, mask

LIVE, USAGE, WARNINGS, FAILED, ROLLED_BACK, ROLLBACK_FAILED, LOCKED, INTERRUPTED = 0, 2, 3, 4, 5, 6, 7, 130


class Failure(Exit):
    """Something a person has to know about; ``code`` is the exit code, ``hint`` what to type or change next.

    Deriving from Invoke's ``Exit`` is what keeps ``fab`` from printing a traceback.
    """

    exit_code = FAILED

    def __init__(self, message: str, hint: str = "", code: int | None = None) -> None:
        self.text, self.hint, self.step = harmless(mask(message)), harmless(mask(hint)), ""
        super().__init__(self._message(), code=self.exit_code if code is None else code)

    def locate(self, step: str) -> None:
        """Say in which step it happened; the innermost one counts."""
        if not self.step:
            self.step, self.text = step, f"{step}: {self.text}"
            self.message = self._message()

    def advise(self, hint: str) -> None:
        """Say what to type next, where nothing else has."""
        if not self.hint:
            self.hint = hint
            self.message = self._message()

    def _message(self) -> str:
        return self.text + (f"\n  → {self.hint}" if self.hint else "")

    def __str__(self) -> str:
        return self.message or ""


class SettingsError(Failure):
    """deploy.toml, a flag or an argument cannot be used."""

    exit_code = USAGE


class Locked(Failure):
    """Another deployment holds the server's lock."""

    exit_code = LOCKED


class Unreachable(Failure):
    """No connection, or the connection went away."""


def excerpt(lines: list[str], head: int = 8, tail: int = 12) -> list[str]:
    """Both ends of what a command printed: npm says at first what is wrong, Composer and artisan at last."""
    left = len(lines) - head - tail
    return [*lines[:head], f"… {left} more lines …", *lines[-tail:]] if left > 1 else lines


class CommandFailed(Failure):
    """A command ended with another exit code than 0, or was stopped at its time limit."""

    def __init__(self, place: str, what: str, code: int, output: str, timeout: float = 0) -> None:
        how = f"stopped after its {timeout:g} seconds" if timeout else f"exit code {code}"
        shown = "".join(f"\n  | {line}" for line in excerpt(output.strip().splitlines()))
        super().__init__(f"{place}: {what} failed ({how}){shown}")
        self.place, self.status = place, code
