"""Correlation of hourly returns, with what is known about how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True)
class CorrelationEstimate:
    """Correlation of every pair of symbols, and how it was come by. All square tables are symbols x symbols.

    Attributes
    ----------
    matrix : DataFrame
        Correlation in force: shrunk, the larger of long and short while a pair is broken; positive semi-definite over
        the known symbols, NaN throughout for a symbol without enough history.
    long, short : DataFrame
        Plain correlation of the last 30 days and of the last 3 days; NaN where too few returns are shared.
    counts : DataFrame
        Returns each pair shares in the long window.
    broken : DataFrame of bool
        Pairs whose correlation has just changed (structural break).
    deviation : Series
        Standard deviation of returns by symbol [fraction per bar]; NaN where unknown.
    notes : DataFrame
        symbol, bars, note: symbols whose history is short or missing, in words for the screen; empty if none.
    """

    matrix: pd.DataFrame
    long: pd.DataFrame
    short: pd.DataFrame
    counts: pd.DataFrame
    broken: pd.DataFrame
    deviation: pd.Series
    notes: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["symbol", "bars", "note"]))

    @property
    def covariance(self) -> pd.DataFrame:
        """Covariance of returns in force [fraction^2 per bar]."""
        scale = self.deviation.to_numpy(dtype="float64")
        return self.matrix * scale[:, None] * scale[None, :]
