"""What a script says in lines of a key and a value."""

from __future__ import annotations

from collections import defaultdict


class Rows:
    """The values in ``text`` by key; a key may be there often, or alone on its line."""

    def __init__(self, text: str) -> None:
        self._found: dict[str, list[str]] = defaultdict(list)
        for line in text.split("\n"):  # not splitlines: a name may hold what Python calls the end of a line
            key, _, value = line.partition(" ")
            self._found[key].append(value)

    def all(self, key: str) -> tuple[str, ...]:
        return tuple(self._found[key])

    def first(self, key: str) -> str:
        """Empty where there is none."""
        return (self._found[key] or [""])[0]

    def number(self, key: str) -> int:
        """0 where there is none."""
        return int(self.first(key)) if self.first(key).isdigit() else 0

    def has(self, key: str) -> bool:
        return bool(self._found[key])
