"""Zone of a single reading, without memory, and its name."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heatlab._checks import check_choice

LABELS = {1: "green", 0: "amber", -1: "red"}


def zone_of(heat: ArrayLike, green: ArrayLike, red: ArrayLike) -> NDArray[np.float64]:
    """Zone of heat readings against their thresholds, no hysteresis.

    Parameters
    ----------
    heat, green, red : array-like of one shape, in [0, 100]

    Returns
    -------
    array of the same shape: +1 at or above green, -1 below red, 0 between, NaN where heat or a threshold is unknown.
    """
    values, upper, lower = (np.asarray(part, dtype=np.float64) for part in (heat, green, red))
    zone = np.where(values >= upper, 1.0, np.where(values < lower, -1.0, 0.0))
    return np.where(np.isnan(values + upper + lower), np.nan, zone)


def zone_label(zone: float) -> str:
    """Word for a zone: "green", "amber", "red", or "unknown" for NaN.

    Raises
    ------
    ParameterError
        ``zone`` is neither +1, 0, -1 nor NaN.
    """
    if np.isnan(zone):
        return "unknown"
    check_choice("zone", zone, LABELS, caller="zone_label")
    return LABELS[int(zone)]
