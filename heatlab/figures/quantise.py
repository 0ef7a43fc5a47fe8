"""Amounts as one byte each, and back: what keeps a heatmap update small on the wire."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatlab._checks import check_choice, parameter_error

LEVELS = 254


@dataclass(frozen=True, slots=True)
class ColourScale:
    """Range of amounts [quote] the levels 1 to 255 stand for; level 0 is anything below ``low``.

    ``kind`` is "log" or "linear".
    """

    low: float
    high: float
    kind: str = "log"

    def __post_init__(self) -> None:
        """Refuse ranges that cannot be inverted."""
        check_choice("kind", self.kind, ("log", "linear"), caller="ColourScale")
        if not 0 < self.low < self.high < np.inf:
            raise parameter_error("low, high", "ColourScale", "finite with 0 < low < high", (self.low, self.high))


EMPTY_SCALE = ColourScale(1.0, 10.0)


def fit_scale(amounts: NDArray[np.float64], *, kind: str = "log", decades: float = 2.2) -> ColourScale:
    """Choose the range from the amounts themselves: up to the 99.9th percentile of those above zero.

    Parameters
    ----------
    amounts : ndarray of any shape, [quote]
        NaN and zero are left out. With none above zero an arbitrary valid scale is returned.
    decades : float
        Most powers of ten a log scale spans; it starts at the lower quartile where that is higher.
    """
    above = amounts[np.isfinite(amounts) & (amounts > 0)]
    if above.size == 0:
        return ColourScale(EMPTY_SCALE.low, EMPTY_SCALE.high, kind)
    high = float(np.quantile(above, 0.999))
    floor = max(high / 10**decades, min(float(np.quantile(above, 0.25)), high / 4))
    low = floor if kind == "log" else high / 256
    return ColourScale(low, high, kind)


def quantise(amounts: NDArray[np.float64], scale: ColourScale) -> NDArray[np.uint8]:
    """Levels 0 to 255 of amounts [quote]; NaN and amounts below ``scale.low`` are 0, above ``scale.high`` 255."""
    values = np.nan_to_num(amounts, nan=0.0)
    shown = values >= scale.low
    safe = np.where(shown, values, scale.low)
    if scale.kind == "log":
        share = np.log(safe / scale.low) / np.log(scale.high / scale.low)
    else:
        share = (safe - scale.low) / (scale.high - scale.low)
    levels = 1 + np.rint(np.clip(share, 0, 1) * LEVELS)
    return np.where(shown, levels, 0).astype("uint8")


def dequantise(levels: NDArray[np.uint8], scale: ColourScale) -> NDArray[np.float64]:
    """Amounts [quote] the levels stand for; level 0 gives 0."""
    share = (levels.astype("float64") - 1) / LEVELS
    if scale.kind == "log":
        amounts = scale.low * (scale.high / scale.low) ** share
    else:
        amounts = scale.low + share * (scale.high - scale.low)
    return np.where(levels == 0, 0.0, amounts)


def scale_ticks(scale: ColourScale, *, count: int = 5) -> tuple[list[float], list[float]]:
    """Round amounts for a colour bar and the levels they sit at.

    Returns
    -------
    amounts, levels : list of float
        At most about ``count`` of each; amounts are 1, 2 or 5 times a power of ten on a log scale.
    """
    if scale.kind == "linear":
        step = _round_down((scale.high - scale.low) / (count - 1))
        amounts = [step * k for k in range(1, count * 3) if scale.low <= step * k <= scale.high]
    else:
        powers = range(int(np.floor(np.log10(scale.low))), int(np.ceil(np.log10(scale.high))) + 1)
        amounts = [m * 10.0**p for p in powers for m in (1, 2, 5) if scale.low <= m * 10.0**p <= scale.high]
        amounts = amounts[:: max(1, -(-len(amounts) // count))]
    return amounts, [float(_level(amount, scale)) for amount in amounts]


def _level(amount: float, scale: ColourScale) -> float:
    if scale.kind == "log":
        return float(1 + LEVELS * np.log(amount / scale.low) / np.log(scale.high / scale.low))
    return 1 + LEVELS * (amount - scale.low) / (scale.high - scale.low)


def _round_down(value: float) -> float:
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(m for m in (1, 2, 5) if m * power <= value * 1.0000001) * power)
