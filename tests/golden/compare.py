"""Compare what a case expects with what was computed, value by value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TINY = 1e-12
"""Absolute slack for values that are zero but for rounding."""


def differences(case: Mapping[str, Any], actual: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each expected value that is missing or off.

    ``rel_tol`` of a case is relative to the expected value, ``tol`` holds relative to it but at least absolutely.
    An adapter may add ``"_slack"`` to its result: an absolute tolerance that follows from the rounding of the inputs.
    """
    relative = float(case.get("rel_tol", 0.0))
    absolute = max(float(case.get("tol", 0.0)), float(actual.get("_slack", 0.0)), TINY)
    relative = max(relative, float(case.get("tol", 0.0)))
    for name, expected in case["expected"].items():
        if name not in actual:
            yield f"{name}: expected {expected!r}, no function computes it"
        else:
            yield from _compare(name, expected, actual[name], relative, absolute)


def _compare(name: str, expected: Any, actual: Any, relative: float, absolute: float) -> Iterator[str]:
    if isinstance(expected, Mapping):
        if not isinstance(actual, Mapping):
            yield f"{name}: expected {expected!r}, got {actual!r}"
            return
        for key, value in expected.items():
            if key in actual:
                yield from _compare(f"{name}.{key}", value, actual[key], relative, absolute)
            else:
                yield f"{name}.{key}: expected {value!r}, got nothing"
    elif isinstance(expected, Sequence) and not isinstance(expected, str):
        got = list(actual) if hasattr(actual, "__iter__") else [actual]
        if len(got) != len(expected):
            yield f"{name}: expected {len(expected)} values, got {len(got)}"
            return
        for place, (wanted, value) in enumerate(zip(expected, got, strict=True)):
            yield from _compare(f"{name}[{place}]", wanted, value, relative, absolute)
    elif not _same(expected, actual, relative, absolute):
        yield f"{name}: expected {expected!r}, got {actual!r}"


def _same(expected: Any, actual: Any, relative: float, absolute: float) -> bool:
    if expected is None or isinstance(expected, str | bool):
        missing = actual is None or (isinstance(actual, float) and math.isnan(actual))
        return missing if expected is None else bool(actual == expected)
    if actual is None or isinstance(actual, str):
        return False
    value = float(actual)
    if math.isinf(expected) or math.isinf(value):
        return value == float(expected)
    return abs(value - expected) <= max(relative * abs(expected), absolute)
