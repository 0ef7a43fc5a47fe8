"""Heat of many symbols over several timeframes from one table of fine closes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import heatlab.heat.kernels as kernels
from heatlab._checks import check_choice, check_range
from heatlab.domain import Side, Timeframe
from heatlab.errors import DataError
from heatlab.frames import TIMESTAMP
from heatlab.heat.momentum import COLUMNS
from heatlab.heat.settings import DEFAULT, HeatSettings, kernel_arguments
from heatlab.trend.combine import kernel_arguments as trend_arguments


@dataclass(frozen=True, slots=True)
class HeatBoard:
    """Heat of ``symbols`` over ``timeframes``.

    ``values[timeframe]`` has shape (6, n_symbols, n_bars), its rows named by
    :data:`heatlab.heat.momentum.COLUMNS`; ``index[timeframe]`` holds the open times of the bars.
    """

    symbols: tuple[str, ...]
    timeframes: tuple[str, ...]
    index: Mapping[str, pd.DatetimeIndex]
    values: Mapping[str, NDArray[np.float64]]

    def table(self, timeframe: str, column: str = "heat") -> pd.DataFrame:
        """One column of the board, bars down and symbols across.

        Raises
        ------
        ParameterError
            The board has no such timeframe or column.
        """
        check_choice("timeframe", timeframe, self.timeframes, caller="HeatBoard.table")
        check_choice("column", column, COLUMNS, caller="HeatBoard.table")
        values = self.values[timeframe][COLUMNS.index(column)]
        return pd.DataFrame(values.T, index=self.index[timeframe], columns=list(self.symbols))

    def latest(self, column: str = "heat") -> pd.DataFrame:
        """Last closed bar of every symbol (down) and timeframe (across); NaN where it is unknown."""
        check_choice("column", column, COLUMNS, caller="HeatBoard.latest")
        row = COLUMNS.index(column)
        unknown = np.full(len(self.symbols), np.nan)
        last = {name: part[row][:, -1] if part.shape[2] else unknown for name, part in self.values.items()}
        return pd.DataFrame(last, index=list(self.symbols))


def heat_board(
    closes: pd.DataFrame,
    *,
    timeframes: Sequence[str] = DEFAULT.timeframes,
    sides: Mapping[str, Side] | None = None,
    settings: HeatSettings = DEFAULT,
    workers: int | None = None,
) -> HeatBoard:
    """Heat of many symbols over several timeframes, from closes of short bars.

    The same as :func:`momentum_heat` on :func:`heatlab.frames.resample_candles` for every symbol and timeframe.

    Parameters
    ----------
    closes : DataFrame of shape (n_rows, n_symbols) [quote]
        Closes of short bars (for example 1m) on their open times, symbols across; NaN where unknown. The smallest
        step of the index is the length of a bar.
    timeframes : sequence of str
        Lengths of the wanted bars; multiples of the given length.
    sides : mapping of symbol to Side, optional
        Side to align with; long where not named.
    settings : HeatSettings
    workers : int, optional
        Threads, one per processor by default; the answer does not depend on it.

    Returns
    -------
    HeatBoard
        Only complete bars: one the data begin or end inside is left out. Bars with no known close are NaN.

    Raises
    ------
    DataError
        The index is not sorted and unique, or the given bars do not divide a wanted timeframe.
    """
    threads = workers if workers is not None else os.cpu_count() or 1
    check_range("workers", threads, 1, 1024, caller="heat_board")
    stamps = _stamps(closes)
    step = int(np.diff(stamps).min()) if stamps.size > 1 else 0
    prices = closes.to_numpy(dtype=np.float64)
    symbols = tuple(map(str, closes.columns))
    signs = [float((sides or {}).get(symbol, Side.LONG)) for symbol in symbols]
    arguments = trend_arguments(settings.forecast), kernel_arguments(settings)
    opens = {name: _opens(stamps, step, Timeframe.parse(name)) for name in timeframes}
    edges = {name: np.searchsorted(stamps, times) for name, times in opens.items()}
    values = {name: np.empty((len(COLUMNS), len(symbols), max(times.size - 1, 0))) for name, times in opens.items()}

    def fill(k: int) -> None:
        for name, times in opens.items():
            if times.size > 1:
                close = kernels.last_closes(prices, edges[name], k)
                kernels.heat_of_closes(close, times[:-1], signs[k], *arguments, values[name][:, k])

    if threads == 1:
        for k in range(len(symbols)):
            fill(k)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, range(len(symbols))))
    index = {name: _index(times[:-1]) for name, times in opens.items()}
    return HeatBoard(symbols, tuple(timeframes), index, values)


def _stamps(closes: pd.DataFrame) -> NDArray[np.int64]:
    index = closes.index
    if not isinstance(index, pd.DatetimeIndex) or str(index.tz) != "UTC":
        raise DataError(
            f"The index of the closes of heat_board must be a UTC DatetimeIndex. Got {type(index).__name__}."
        )
    stamps = np.array(index.as_unit("ms").asi8)
    if (np.diff(stamps) <= 0).any():
        row = int(np.flatnonzero(np.diff(stamps) <= 0)[0]) + 1
        raise DataError(
            f"The index of the closes of heat_board must be sorted and must not repeat. "
            f"Row {row} ({index[row]}) follows row {row - 1} ({index[row - 1]})."
        )
    return stamps


def _opens(stamps: NDArray[np.int64], step: int, timeframe: Timeframe) -> NDArray[np.int64]:
    """Open times of the complete bars and the end of the last; empty if there are none."""
    length = timeframe.milliseconds
    if stamps.size < 2:
        return np.empty(0, np.int64)
    if length % step:
        raise DataError(f"heat_board needs bars that divide the wanted timeframe {timeframe}. Got a step of {step} ms.")
    first = -((timeframe.origin_ms - stamps[0]) // length) * length + timeframe.origin_ms
    bars = max((stamps[-1] + step - first) // length, 0)
    return np.asarray(first + np.arange(bars + 1) * length, dtype=np.int64)


def _index(opens: NDArray[np.int64]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(opens.astype("datetime64[ms]"), name=TIMESTAMP).tz_localize("UTC")
