"""Covariance of hourly returns over the last 30 days: the correlation in force times the deviations."""

from __future__ import annotations

import pandas as pd

from heatlab.portfolio.correlation.estimate import DEFAULT, CorrelationSettings, estimate_correlation


def covariance(closes: pd.DataFrame, *, settings: CorrelationSettings = DEFAULT) -> pd.DataFrame:
    """Covariance of log returns per bar over the last ``window`` of the table.

    Parameters
    ----------
    closes : DataFrame of shape (n_bars, n_columns) [quote]
        As :func:`heatlab.portfolio.correlation.estimate.estimate_correlation` takes them, but a column may come more
        than once; columns of one name are the same instrument.
    settings : CorrelationSettings

    Returns
    -------
    DataFrame of shape (n_columns, n_columns) [fraction^2 per bar]
        Symmetric and positive semi-definite over the known columns. A column with fewer than ``min_bars`` returns
        has NaN throughout; two columns that share fewer get the mean correlation of the others.

    Raises
    ------
    DataError
        As :func:`heatlab.portfolio.correlation.estimate.estimate_correlation`.
    """
    once = closes.loc[:, ~closes.columns.duplicated()]
    estimated = estimate_correlation(once, settings=settings).covariance
    place = once.columns.get_indexer(closes.columns)
    return pd.DataFrame(estimated.to_numpy()[place[:, None], place], index=closes.columns, columns=closes.columns)
