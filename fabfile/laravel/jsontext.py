"""JSON texts of a project, with an error a person can use."""

from __future__ import annotations

import json
from typing import Any

from ..engine.errors import Failure


def parse(text: str, name: str) -> dict[str, Any]:
    """The object in ``text``; ``name`` is the file it came from. Raises Failure when it is not a JSON object."""
    try:
        data = json.loads(text.removeprefix("\ufeff"))
    except ValueError as error:
        raise Failure(f"{name} is not valid JSON: {error}", f"repair {name}, then try again") from None
    if not isinstance(data, dict):
        raise Failure(f"{name} does not hold a JSON object", f"repair {name}, then try again")
    return data


def mapping(value: Any) -> dict[str, Any]:
    """``value`` if it is an object; PHP writes an empty one as ``[]``, which counts as empty too."""
    return value if isinstance(value, dict) else {}
