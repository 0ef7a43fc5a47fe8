"""How many rows a caller may ask a source for."""

from __future__ import annotations

import operator
from typing import Any

from heatlab._checks import parameter_error

MOST = 10_000_000


def check_count(name: str, value: Any, *, caller: str) -> int:
    """Return ``value`` as an int; ParameterError unless it is a whole number from 1 to :data:`MOST`."""
    try:
        count = 0 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        count = 0
    if not 1 <= count <= MOST:
        raise parameter_error(name, caller, f"a whole number in [1, {MOST}]", value)
    return count
