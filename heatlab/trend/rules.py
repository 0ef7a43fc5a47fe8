"""The single rules, unscaled: crossover, breakout and the volatility they are measured in."""

from __future__ import annotations

import numpy as np
import pandas as pd

import heatlab.trend.kernels as kernels
from heatlab._checks import check_range


def price_volatility(close: pd.Series, *, span: int = 35) -> pd.Series:
    """Exponentially weighted standard deviation of price changes.

    Parameters
    ----------
    close : Series of shape (n_bars,) [quote]
        Bars without a close (NaN) are skipped.
    span : int [bars]

    Returns
    -------
    Series of shape (n_bars,) [quote per bar]; NaN until ten changes exist. Row t uses rows up to t only.
    """
    check_range("span", span, 2, 100_000, caller="price_volatility")
    return _like(close, kernels.price_volatility(_closes(close), float(span)))


def ewmac(close: pd.Series, *, fast: int, slow: int, volatility_span: int = 35) -> pd.Series:
    """Moving-average crossover ``(EMA_fast - EMA_slow) / price volatility`` (Carver, Systematic Trading).

    Parameters
    ----------
    close : Series of shape (n_bars,) [quote]
    fast, slow : int [bars]
        Spans, fast < slow.
    volatility_span : int [bars]

    Returns
    -------
    Series of shape (n_bars,), unit-free and unscaled; NaN until ``slow`` closes exist and where the price stands still.
    """
    check_range("slow", slow, 2, 100_000, caller="ewmac")
    check_range("fast", fast, 1, slow, caller="ewmac", closed="left")
    check_range("volatility_span", volatility_span, 2, 100_000, caller="ewmac")
    values = _closes(close)
    out = np.full(values.size, np.nan)
    kernels.ewmac(values, kernels.price_volatility(values, float(volatility_span)), fast, slow, out)
    return _like(close, out)


def breakout(close: pd.Series, *, lookback: int) -> pd.Series:
    """Place of the price in its recent range: ``40 * (price - middle) / range``, in [-20, 20].

    Parameters
    ----------
    close : Series of shape (n_bars,) [quote]
    lookback : int [bars]

    Returns
    -------
    Series of shape (n_bars,), unscaled; NaN until ``lookback`` closes exist and where the range is zero.
    Formula of pysystemtrade's ``breakout.py`` without its smoothing.
    """
    check_range("lookback", lookback, 2, 100_000, caller="breakout")
    values = _closes(close)
    out = np.full(values.size, np.nan)
    kernels.breakout(values, lookback, out)
    return _like(close, out)


def _closes(close: pd.Series) -> kernels.Floats:
    return np.ascontiguousarray(close.to_numpy(dtype=np.float64, na_value=np.nan))


def _like(close: pd.Series, values: kernels.Floats) -> pd.Series:
    return pd.Series(values, index=close.index, name=close.name)
