"""Correlation of hourly returns over the last 30 days, with what is known about how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab._checks import check_range, parameter_error
from heatlab.domain import NAN
from heatlab.errors import DataError
from heatlab.frames import milliseconds
from heatlab.portfolio.correlation.breaks import LEAST_REFERENCE, STEPS, structural_breaks
from heatlab.portfolio.correlation.moments import correlation_of, moments, standardised
from heatlab.portfolio.correlation.notes import history_notes

Floats = NDArray[np.float64]
IDENTICAL = 1.0 - 1e-9
"""At or above this correlation two columns are the same instrument: shrinking would invent risk in a hedge."""
FEWEST_SHORT = 8
"""Bars the short window must have for a structural break to be looked for."""


@dataclass(frozen=True, slots=True)
class CorrelationSettings:
    """How the correlation is estimated.

    Parameters
    ----------
    window, short_window : str
        Length of history of the estimate, and of the last days it is compared with. Breaks are looked for only
        where the short window has 8 bars and the window three short ones.
    min_bars : int
        Returns a symbol must have in the window to be known, and two must share before their correlation is used.
    shrinkage : float in [0, 1], optional
        Share of the mean correlation mixed into every correlation. None estimates it: the more the correlations
        differ by chance alone, the more they are drawn together (:func:`shrinkage_intensity`). The default is a
        constant, so that a replayed hour equals the hour as it was shown, and a change of the matrix is a change of
        the market; on a month of hourly returns of 9 to 15 coins the estimate is from 0.1 to 0.7.
    false_alarms : float in (0, 0.5)
        Chance that a pair of constant correlation shows a structural break at one look.
    """

    window: str = "30D"
    short_window: str = "3D"
    min_bars: int = 48
    shrinkage: float | None = 0.1
    false_alarms: float = 0.01

    def __post_init__(self) -> None:
        """Check every setting."""
        caller = "CorrelationSettings"
        check_range("min_bars", self.min_bars, 3, 1_000_000, caller=caller)
        if self.shrinkage is not None:
            check_range("shrinkage", self.shrinkage, 0, 1, caller=caller)
        check_range("false_alarms", self.false_alarms, 0, 0.5, caller=caller, closed="neither")
        for name in ("window", "short_window"):
            _check_length(name, getattr(self, name))


def _check_length(name: str, value: str) -> None:
    try:
        length = pd.Timedelta(value)
    except ValueError:
        length = pd.Timedelta(0)
    if not length > pd.Timedelta(0):
        raise parameter_error(name, "CorrelationSettings", "a positive length of time such as '30D'", value)


DEFAULT = CorrelationSettings()


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
    effective : DataFrame
        Independent normal returns that would pin the long correlation down as well as the shared ones do: fewer than
        ``counts`` where tails are fat. Empty where not computed.
    shrinkage : float
        Share of the mean correlation mixed in.
    settings : CorrelationSettings
    """

    matrix: pd.DataFrame
    long: pd.DataFrame
    short: pd.DataFrame
    counts: pd.DataFrame
    broken: pd.DataFrame
    deviation: pd.Series
    notes: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["symbol", "bars", "note"]))
    effective: pd.DataFrame = field(default_factory=pd.DataFrame)
    shrinkage: float = NAN
    settings: CorrelationSettings = DEFAULT

    @property
    def covariance(self) -> pd.DataFrame:
        """Covariance of returns in force [fraction^2 per bar]."""
        scale = self.deviation.to_numpy(dtype="float64")
        return self.matrix * scale[:, None] * scale[None, :]


def estimate_correlation(closes: pd.DataFrame, *, settings: CorrelationSettings = DEFAULT) -> CorrelationEstimate:
    """Estimate the correlation of log returns over the last ``window`` of the table.

    Parameters
    ----------
    closes : DataFrame of shape (n_bars, n_symbols) [quote]
        Closes side by side as :func:`heatlab.frames.align` gives them (hourly is meant); NaN where unknown. A return
        needs closes of two neighbouring bars, a bar being the median step of the index.
    settings : CorrelationSettings

    Returns
    -------
    CorrelationEstimate
        Each pair uses the bars both have. A symbol with fewer than ``min_bars`` returns is NaN throughout the matrix
        in force; two known ones that share fewer, or of which one has not moved, get the mean correlation of the
        others. Breaks are looked for in up to ``window`` + 10 ``short_window`` of history, as far as the table goes.

    Raises
    ------
    DataError
        The index is not a strictly increasing time index, a symbol comes twice, or a close is not above zero.
    """
    check_closes(closes, "estimate_correlation")
    step = bar_length(closes)
    long, short = (max(int(pd.Timedelta(span) / step), 1) for span in (settings.window, settings.short_window))
    grid = _on_grid(closes, step, bars=long + STEPS * short)
    with np.errstate(invalid="ignore"):
        returns = np.diff(np.log(grid), axis=0)
    recent, last = returns[-(long - 1) :] if long > 1 else returns[:0], returns[-short:]
    rho, spread, count = correlation_of(moments(standardised(recent)), min_bars=settings.min_bars)
    latest = correlation_of(moments(standardised(last)), min_bars=max(short // 2, 3))[0]
    broken = np.zeros(rho.shape, dtype=bool)
    if short >= FEWEST_SHORT and long >= LEAST_REFERENCE * short:
        broken = structural_breaks(returns, short=short, long=long, false_alarms=settings.false_alarms)[0]
    known = np.isfinite(recent).sum(axis=0) >= settings.min_bars
    pairs = np.outer(known, known)
    in_force = np.where(broken, np.fmax(rho, latest), rho)
    share = shrinkage_intensity(rho, spread, count) if settings.shrinkage is None else settings.shrinkage
    matrix = np.full(rho.shape, np.nan)
    matrix[pairs] = _shrunk(in_force[np.ix_(known, known)], share).ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = np.where(np.isfinite(rho), np.minimum(count / spread, count), np.nan)

    def square(values: NDArray[np.generic]) -> pd.DataFrame:
        return pd.DataFrame(values, index=closes.columns, columns=closes.columns)

    return CorrelationEstimate(
        matrix=square(matrix),
        long=square(_with_ones(np.where(pairs, rho, np.nan), known)),
        short=square(_with_ones(np.where(pairs, latest, np.nan), known & np.isfinite(np.diag(latest)))),
        counts=square(count.astype(np.int64)),
        broken=square(broken & pairs),
        deviation=pd.Series(_deviation(recent, known), index=closes.columns, name="deviation"),
        notes=history_notes(grid[-long:], closes, known=known, counts=count, step=step, settings=settings),
        effective=square(np.where(pairs, effective, np.nan)),
        shrinkage=float(share),
        settings=settings,
    )


def shrinkage_intensity(rho: Floats, spread: Floats, count: Floats) -> float:
    """Best share of the mean correlation to mix into every correlation, in [0, 1].

    Ledoit and Wolf's answer for correlations, in the form of Schäfer and Strimmer (2005): the sum over pairs of the
    sampling variance of each correlation, over the sum of squared differences from their mean,
    ``sum var(r_ij) / sum (r_ij - mean)^2``. Nothing is tuned. 0 where there are fewer than two pairs.

    Parameters
    ----------
    rho, spread, count : arrays of shape (n, n)
        As :func:`heatlab.portfolio.correlation.moments.correlation_of` gives them.

    References
    ----------
    Ledoit, O. and Wolf, M. (2004). Honey, I shrunk the sample covariance matrix. Journal of Portfolio Management
    30(4). Schäfer, J. and Strimmer, K. (2005). Statistical Applications in Genetics and Molecular Biology 4(1), 32.
    """
    upper = np.triu_indices(len(rho), 1)
    r, s, n = rho[upper], spread[upper], count[upper]
    used = np.isfinite(r) & np.isfinite(s) & (r < IDENTICAL) & (n > 0)
    if used.sum() < 2:
        return 0.0
    by_chance = float(((1.0 - r[used] ** 2) ** 2 * s[used] / n[used]).sum())
    apart = float(((r[used] - r[used].mean()) ** 2).sum())
    return 1.0 if by_chance >= apart else by_chance / apart


def _shrunk(correlation: Floats, share: float) -> Floats:
    """Fill unknown pairs with the mean correlation, mix it into all, and lift negative eigenvalues to 0."""
    upper = correlation[np.triu_indices(len(correlation), 1)]
    pairs = upper[np.isfinite(upper) & (upper < IDENTICAL)]
    mean = float(pairs.mean()) if pairs.size else 0.0
    filled = np.where(np.isfinite(correlation), correlation, mean)
    mixed = np.where(filled >= IDENTICAL, filled, (1.0 - share) * filled + share * mean)
    np.fill_diagonal(mixed, 1.0)
    return _lifted(mixed)


def _lifted(matrix: Floats) -> Floats:
    """Return the matrix itself where it is positive definite, else the one with its negative eigenvalues at 0."""
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(matrix)
        lifted = (vectors * np.maximum(values, 0.0)) @ vectors.T
        scale = np.sqrt(np.diag(lifted))
        matrix = np.clip(lifted / np.outer(scale, scale), -1.0, 1.0)
        np.fill_diagonal(matrix, 1.0)
    return np.asarray(matrix, dtype=np.float64)


def _with_ones(values: Floats, known: NDArray[np.bool_]) -> Floats:
    np.fill_diagonal(values, np.where(known, 1.0, np.nan))
    return values


def _deviation(returns: Floats, known: NDArray[np.bool_]) -> Floats:
    here = np.isfinite(returns)
    count = here.sum(axis=0)
    centred = np.where(here, returns - np.where(here, returns, 0.0).sum(axis=0) / np.maximum(count, 1), 0.0)
    deviation = np.sqrt((centred**2).sum(axis=0) / np.maximum(count - 1, 1))
    return np.where(known, deviation, np.nan)


def bar_length(closes: pd.DataFrame) -> pd.Timedelta:
    """Median step of the index; an hour where there are fewer than two rows."""
    stamps = milliseconds(closes.index)
    return pd.Timedelta(milliseconds=int(np.median(np.diff(stamps))) if len(stamps) > 1 else 3_600_000)


def _on_grid(closes: pd.DataFrame, step: pd.Timedelta, *, bars: int) -> Floats:
    """Last closes on an even grid of time, so that a missing row is a missing bar; shape (at most bars, n)."""
    recent = closes.iloc[-bars:]
    if recent.empty:
        return np.empty((0, closes.shape[1]))
    stamps, length = milliseconds(recent.index), int(step.total_seconds() * 1000)
    back = (stamps[-1] - stamps) // length
    use = ((stamps[-1] - stamps) % length == 0) & (back < bars)
    grid = np.full((int(back[use].max()) + 1, closes.shape[1]), np.nan)
    grid[len(grid) - 1 - back[use]] = recent.to_numpy(dtype=np.float64)[use]
    return grid


def check_closes(closes: pd.DataFrame, where: str) -> None:
    """Raise DataError unless the table is what :func:`estimate_correlation` takes."""
    index = closes.index
    if not isinstance(index, pd.DatetimeIndex) or not (index.is_monotonic_increasing and index.is_unique):
        raise DataError(
            f"The closes of {where} must have a sorted DatetimeIndex without repeats. Got {type(index).__name__}."
        )
    if not closes.columns.is_unique:
        twice = closes.columns[closes.columns.duplicated()][0]
        raise DataError(f"The closes of {where} must have each symbol once. '{twice}' comes twice.")
    values = closes.to_numpy(dtype=np.float64)
    bad = np.argwhere(values <= 0)
    if bad.size:
        row, column = bad[0]
        raise DataError(
            f"The closes of {where} must be positive. Column '{closes.columns[column]}' has "
            f"{values[row, column]:g} at row {row} ({closes.index[row]})."
        )
