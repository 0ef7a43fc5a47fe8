"""What to say of symbols whose history is short, broken or missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from heatlab.portfolio.correlation.estimate import CorrelationSettings

Floats = NDArray[np.float64]
NOTE_COLUMNS = ["symbol", "bars", "note"]
NEARLY_ALL = 0.95
STALE_BARS = 3


def history_notes(
    grid: Floats,
    closes: pd.DataFrame,
    *,
    known: NDArray[np.bool_],
    counts: Floats,
    step: pd.Timedelta,
    settings: CorrelationSettings,
) -> pd.DataFrame:
    """List symbols of which less than the whole window is known.

    Parameters
    ----------
    grid : array of shape (n_bars, n_symbols) [quote]
        Closes of the window, bar by bar; NaN where missing.
    closes : DataFrame
        The whole table; its index and columns are read.
    known : array of bool of shape (n_symbols,)
        Symbols with enough returns.
    counts : array of shape (n_symbols, n_symbols)
        Returns each pair shares.
    step : Timedelta
        Length of a bar.
    settings : CorrelationSettings

    Returns
    -------
    DataFrame
        ``symbol, bars`` (returns in the window), ``note``; one row per symbol with something to say.
    """
    rows = []
    wanted = max(int(pd.Timedelta(settings.window) / step) - 1, 1)
    for k, symbol in enumerate(closes.columns):
        here = np.isfinite(grid[:, k])
        bars = int((here[1:] & here[:-1]).sum())
        text = [
            _length_note(bars, wanted, closes.iloc[:, k].first_valid_index(), closes.index, step, settings),
            _end_note(here, step),
        ]
        if known[k]:
            text += [_still_note(grid[:, k]), _apart_note(k, closes.columns, known, counts, settings)]
        words = "; ".join(part for part in text if part)
        if words:
            rows.append({"symbol": symbol, "bars": bars, "note": words})
    return pd.DataFrame(rows, columns=NOTE_COLUMNS).astype({"bars": "int64"})


def _length_note(
    bars: int,
    wanted: int,
    first: Any,
    index: pd.Index,
    step: pd.Timedelta,
    settings: CorrelationSettings,
) -> str:
    if first is None:
        return "no history: left out of correlation, clusters and shares of risk"
    fresh = first > index[-1] - pd.Timedelta(settings.window) + step
    since = f"new listing, first close {first:%Y-%m-%d %H:%M}" if fresh and first > index[0] else ""
    if bars < settings.min_bars:
        why = since or "gaps or an early end"
        return f"only {bars} of the {settings.min_bars} returns needed ({why}): left out until there are enough"
    if bars >= NEARLY_ALL * wanted:
        return ""
    why = since or ("the table is short" if first <= index[0] and fresh else "gaps")
    return f"{bars} of {wanted} returns ({why}): correlations are less sure, see their intervals"


def _end_note(here: NDArray[np.bool_], step: pd.Timedelta) -> str:
    if not here.any():
        return ""
    silent = len(here) - 1 - int(np.flatnonzero(here)[-1])
    hours = silent * step / pd.Timedelta(hours=1)
    return f"no close for the last {hours:g} h: correlation is of the time before" if silent > STALE_BARS else ""


def _still_note(prices: Floats) -> str:
    known = prices[np.isfinite(prices)]
    still = known.size and known.min() == known.max()
    return "the price has not moved: the mean correlation of the others stands in" if still else ""


def _apart_note(
    k: int, symbols: pd.Index, known: NDArray[np.bool_], counts: Floats, settings: CorrelationSettings
) -> str:
    few = [str(symbols[int(j)]) for j in np.flatnonzero(known & (counts[k] < settings.min_bars)) if j != k]
    if not few:
        return ""
    named = ", ".join(few[:3]) + (f" and {len(few) - 3} more" if len(few) > 3 else "")
    return f"shares under {settings.min_bars} returns with {named}: the mean correlation of the others stands in"
