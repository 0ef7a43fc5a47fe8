"""How strongly each symbol moves with the benchmark, in all hours and in the hours in which the benchmark falls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab._checks import check_choice, check_range, parameter_error
from heatlab.portfolio.correlation.estimate import check_closes

Floats = NDArray[np.float64]
BENCHMARK = "BTC/USDT:USDT"
COLUMNS = (
    "symbol",
    "beta",
    "downside_beta",
    "bars",
    "downside_bars",
    "r_squared",
    "standard_error",
    "downside_error",
    "note",
)


@dataclass(frozen=True, slots=True)
class BetaSettings:
    """How beta is estimated.

    Parameters
    ----------
    window : str
        Length of history used.
    min_bars : int
        Returns a symbol must share with the benchmark; below it beta is unknown.
    min_downside_bars : int
        The same for the hours in which the benchmark falls.
    """

    window: str = "90D"
    min_bars: int = 240
    min_downside_bars: int = 100

    def __post_init__(self) -> None:
        """Check every setting."""
        caller = "BetaSettings"
        check_range("min_bars", self.min_bars, 3, 1_000_000, caller=caller)
        check_range("min_downside_bars", self.min_downside_bars, 3, 1_000_000, caller=caller)
        try:
            length = pd.Timedelta(self.window)
        except ValueError:
            length = pd.Timedelta(0)
        if not length > pd.Timedelta(0):
            raise parameter_error("window", caller, "a positive length of time such as '90D'", self.window)


DEFAULT = BetaSettings()


@dataclass(frozen=True, slots=True)
class _Slope:
    """Least squares of every column on the benchmark, each field of shape (n_symbols,)."""

    slope: Floats
    error: Floats
    r_squared: Floats
    count: Floats


def betas(
    closes: pd.DataFrame, *, benchmark: str | pd.Series = BENCHMARK, settings: BetaSettings = DEFAULT
) -> pd.DataFrame:
    """Beta and downside beta of every symbol against the benchmark.

    ``beta = cov(r, b) / var(b)`` over simple returns per bar (least squares with intercept). The downside beta is the
    same slope over the bars in which the benchmark falls, ``b < 0`` (Bawa and Lindenberg 1977; Ang, Chen and Xing
    2006, with a threshold of zero). Nothing is shrunk. Errors are White's (1980), which allow for changing volatility.

    Parameters
    ----------
    closes : DataFrame of shape (n_bars, n_symbols) [quote]
        Hourly closes, one column per symbol; NaN where unknown. A return needs two neighbouring bars.
    benchmark : str or Series
        A column of ``closes``, or closes of a benchmark that is not among them; its name is then its symbol.
    settings : BetaSettings

    Returns
    -------
    DataFrame
        symbol, beta, downside_beta, bars, downside_bars, r_squared [fraction], standard_error, downside_error, note;
        a row per column in its order, then one for a benchmark given as a Series of another name. Unknown is NaN, and
        the note says why; the benchmark has beta 1.

    Raises
    ------
    ParameterError
        ``benchmark`` names no column.
    DataError
        The index is not a sorted time index, or a close is not above zero.
    """
    wide, name = _with_benchmark(closes, benchmark)
    check_closes(wide, "betas")
    recent = wide[wide.index > wide.index[-1] - pd.Timedelta(settings.window)] if len(wide) else wide
    returns = _returns(recent)
    market = returns[:, list(wide.columns).index(name)]
    both = np.isfinite(returns) & np.isfinite(market)[:, None]
    everything = _slopes(returns, market, both)
    falling = _slopes(returns, market, both & (market < 0)[:, None])
    return _table(list(wide.columns), name, everything, falling, settings)


def _with_benchmark(closes: pd.DataFrame, benchmark: str | pd.Series) -> tuple[pd.DataFrame, str]:
    if isinstance(benchmark, str):
        check_choice("benchmark", benchmark, tuple(closes.columns), caller="betas")
        return closes, benchmark
    name = str(benchmark.name)
    if name in closes.columns:
        return closes, name
    return closes.join(benchmark.rename(name), how="outer" if closes.empty else "left"), name


def _returns(closes: pd.DataFrame) -> Floats:
    """Compute simple returns of neighbouring bars, NaN across a gap; shape (n_bars - 1, n_symbols)."""
    values = closes.to_numpy(dtype=np.float64)
    if len(values) < 2:
        return np.empty((0, values.shape[1]))
    steps = np.diff(pd.DatetimeIndex(closes.index).as_unit("ms").asi8)
    returns = values[1:] / values[:-1] - 1.0
    returns[steps != steps.min()] = np.nan
    return np.asarray(returns, dtype=np.float64)


def _slopes(returns: Floats, market: Floats, used: NDArray[np.bool_]) -> _Slope:
    weight = used.astype(np.float64)
    count = weight.sum(axis=0)
    y = np.where(used, returns, 0.0)
    x = np.where(used, market[:, None], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        dx, dy = (np.where(used, z - z.sum(axis=0) / count, 0.0) for z in (x, y))
        spread, joint, total = (dx**2).sum(axis=0), (dx * dy).sum(axis=0), (dy**2).sum(axis=0)
        slope = np.where(spread > 0, joint / spread, np.nan)
        left = np.where(used, dy - slope * dx, 0.0)
        error = np.where(spread > 0, np.sqrt((dx**2 * left**2).sum(axis=0)) / spread, np.nan)
        fit = np.where((spread > 0) & (total > 0), joint**2 / (spread * total), np.nan)
    return _Slope(slope, error, fit, count)


def _table(symbols: list[str], name: str, every: _Slope, down: _Slope, settings: BetaSettings) -> pd.DataFrame:
    own = np.array([symbol == name for symbol in symbols])
    enough = every.count >= settings.min_bars
    falls = enough & (down.count >= settings.min_downside_bars)
    one, none = np.ones(len(symbols)), np.zeros(len(symbols))
    notes = [
        _note(symbol == name, int(bars), int(falling), settings)
        for symbol, bars, falling in zip(symbols, every.count, down.count, strict=True)
    ]
    return pd.DataFrame(
        {
            "symbol": symbols,
            "beta": np.where(own, one, np.where(enough, every.slope, np.nan)),
            "downside_beta": np.where(own, one, np.where(falls, down.slope, np.nan)),
            "bars": every.count.astype(np.int64),
            "downside_bars": down.count.astype(np.int64),
            "r_squared": np.where(own, one, np.where(enough, every.r_squared, np.nan)),
            "standard_error": np.where(own, none, np.where(enough, every.error, np.nan)),
            "downside_error": np.where(own, none, np.where(falls, down.error, np.nan)),
            "note": notes,
        },
        columns=list(COLUMNS),
    )


def _note(benchmark: bool, bars: int, falling: int, settings: BetaSettings) -> str:
    if benchmark:
        return "the benchmark"
    if bars < settings.min_bars:
        return f"beta unknown: {bars} hourly returns shared with the benchmark, {settings.min_bars} needed"
    if falling < settings.min_downside_bars:
        return f"downside beta unknown: {falling} falling hours, {settings.min_downside_bars} needed; beta is used"
    return ""
