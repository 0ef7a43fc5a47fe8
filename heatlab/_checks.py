"""Parameter checks with one message shape: what, where, allowed, got."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Any

from heatlab.errors import ParameterError


def parameter_error(name: str, caller: str, allowed: str, got: Any) -> ParameterError:
    """Build the one message every parameter error uses."""
    return ParameterError(f"The '{name}' parameter of {caller} must be {allowed}. Got {got!r} instead.")


def check_range(
    name: str,
    value: float,
    low: float,
    high: float,
    *,
    caller: str,
    closed: str = "both",
) -> None:
    """Raise ParameterError unless ``value`` is a finite number within the interval.

    Parameters
    ----------
    closed : {"both", "left", "right", "neither"}
        Which ends belong to the interval.
    """
    left = "[" if closed in ("both", "left") else "("
    right = "]" if closed in ("both", "right") else ")"
    allowed = f"in {left}{low:g}, {high:g}{right}"
    if isinstance(value, bool) or not _is_number(value):
        raise parameter_error(name, caller, allowed, value)
    above = value >= low if left == "[" else value > low
    below = value <= high if right == "]" else value < high
    if not (above and below):
        raise parameter_error(name, caller, allowed, value)


def check_positive(name: str, value: float, *, caller: str) -> None:
    """Raise ParameterError unless ``value`` is a finite number above zero."""
    if isinstance(value, bool) or not _is_number(value) or not value > 0 or math.isinf(value):
        raise parameter_error(name, caller, "a positive finite number", value)


def check_choice(name: str, value: Any, choices: Iterable[Any], *, caller: str) -> None:
    """Raise ParameterError unless ``value`` is one of ``choices``; the message lists them."""
    allowed: Collection[Any] = tuple(choices)
    if value not in allowed:
        raise parameter_error(name, caller, f"one of {', '.join(repr(choice) for choice in allowed)}", value)


def _is_number(value: Any) -> bool:
    try:
        return not math.isnan(float(value))
    except (TypeError, ValueError):
        return False
