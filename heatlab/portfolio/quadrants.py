"""Conviction against size: which positions are meant, which are bets on the side, and which need a decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab._checks import check_positive, check_range, parameter_error
from heatlab.errors import MissingColumnsError
from heatlab.trend import FORECAST_CAP

Floats = NDArray[np.float64]
IDENTITY = ["symbol", "venue", "side"]
MEANT, SPECULATIVE, HEDGE, UNSURE = "high conviction, large", "speculative, small", "hedge", "unsure"
QUADRANTS = (UNSURE, MEANT, SPECULATIVE, HEDGE)
"""Names, in the order they are listed."""
COLUMNS = [*IDENTITY, "conviction", "size_share", "quadrant", "reason"]
ROUND_OFF = 1e-9


@dataclass(frozen=True, slots=True)
class QuadrantSettings:
    """Where conviction is high and where a position is large.

    Parameters
    ----------
    conviction : float in [-1, 1]
        Conviction from which it is high. 0.5 is a forecast of 10 along the position, the mean strength of the
        asset's own trends.
    large : float
        Size from which a position is large, in multiples of the equal share 1/n of the book.
    """

    conviction: float = 0.5
    large: float = 1.0

    def __post_init__(self) -> None:
        """Check every setting."""
        check_range("conviction", self.conviction, -1, 1, caller="QuadrantSettings")
        check_positive("large", self.large, caller="QuadrantSettings")


DEFAULT = QuadrantSettings()


def quadrants(
    positions: pd.DataFrame,
    overall: pd.DataFrame,
    concentration: pd.DataFrame,
    *,
    settings: QuadrantSettings = DEFAULT,
) -> pd.DataFrame:
    """Sort the positions of a book by what they are for; those that need a decision come first.

    Conviction is the combined forecast along the position over the strongest forecast there is,
    ``side * forecast / 20`` in [-1, 1], the forecast being the weighted mean over timeframes in ``overall``:
    1 = the trend could not speak more clearly for the position, 0 = it is silent, negative = it speaks against it.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions.
    overall : DataFrame
        ``symbol, venue, side, forecast`` as :func:`heatlab.heat.position_heat` returns it; matched by the first three.
    concentration : DataFrame
        As :func:`heatlab.portfolio.concentration_table` returns it, one row per position in order.
    settings : QuadrantSettings

    Returns
    -------
    DataFrame
        ``symbol, venue, side, conviction, size_share, quadrant, reason``; "unsure" first, largest first within a
        quadrant. ``attrs`` hold the limits in force: ``conviction`` and ``size_share`` (NaN for a book of unknown
        size).

        =========================== ===========================================================================
        "hedge"                     ``is_hedge`` of ``concentration``, whatever its conviction
        "unsure"                    unknown size, unknown conviction, or large without high conviction
        "high conviction, large"    both at or above their limits
        "speculative, small"        below the limit of size
        =========================== ===========================================================================

    Raises
    ------
    MissingColumnsError
        A table lacks a column.
    ParameterError
        ``concentration`` has another length than ``positions``.
    """
    _check(positions, overall, concentration)
    forecast = overall[[*IDENTITY, "forecast"]].drop_duplicates(IDENTITY)
    table = positions[IDENTITY].reset_index(drop=True)
    aligned = table.merge(forecast, on=IDENTITY, how="left")["forecast"] * table["side"] / FORECAST_CAP
    table["conviction"] = aligned.astype(np.float64)
    table["size_share"] = concentration["size_share"].to_numpy(dtype=np.float64)
    sized = int(table["size_share"].notna().sum())
    limit = settings.large / sized if sized else np.nan
    hedges = concentration["is_hedge"].to_numpy(dtype=bool)
    told = [
        _place(*row, limit=limit, settings=settings)
        for row in zip(table["conviction"], table["size_share"], hedges, strict=True)
    ]
    table["quadrant"] = pd.Series([name for name, _ in told], dtype="object")
    table["reason"] = pd.Series([reason for _, reason in told], dtype="object")
    order = table.assign(place=table["quadrant"].map(QUADRANTS.index), size=table["size_share"].fillna(np.inf))
    order = order.sort_values(["place", "size", *IDENTITY], ascending=[True, False, True, True, True], kind="stable")
    result = table.loc[order.index, COLUMNS].reset_index(drop=True)
    result.attrs = {"conviction": settings.conviction, "size_share": limit}
    return result


def _place(
    conviction: float, share: float, is_hedge: bool, *, limit: float, settings: QuadrantSettings
) -> tuple[str, str]:
    """Quadrant of one position, and the reason in words."""
    if is_hedge:
        return HEDGE, "offsets other positions" + ("" if np.isfinite(share) else "; its size is unknown")
    if not np.isfinite(share):
        return UNSURE, "size unknown: no quantity or no mark price"
    if not np.isfinite(conviction):
        return UNSURE, "conviction unknown: too little history for a forecast"
    large = share >= limit - ROUND_OFF
    if conviction >= settings.conviction - ROUND_OFF:
        return (
            (MEANT, "large, and the trend speaks for it") if large else (SPECULATIVE, "small, for all its conviction")
        )
    against = "and the trend speaks against it" if conviction < 0 else "without conviction"
    return (UNSURE, f"large, {against}") if large else (SPECULATIVE, f"small, {against}")


def _check(positions: pd.DataFrame, overall: pd.DataFrame, concentration: pd.DataFrame) -> None:
    tables: list[tuple[str, pd.DataFrame, list[str]]] = [
        ("positions", positions, IDENTITY),
        ("overall", overall, [*IDENTITY, "forecast"]),
        ("concentration", concentration, ["size_share", "is_hedge"]),
    ]
    for name, table, needed in tables:
        missing: list[Any] = [column for column in needed if column not in table.columns]
        if missing:
            raise MissingColumnsError(
                f"The {name} table of quadrants must have the columns {', '.join(needed)}. "
                f"Missing {', '.join(missing)}; got {', '.join(map(str, table.columns)) or 'none'}."
            )
    if len(concentration) != len(positions):
        allowed = f"one row per position ({len(positions)})"
        raise parameter_error("concentration", "quadrants", allowed, len(concentration))
