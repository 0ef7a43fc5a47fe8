"""Value at risk the covariance model implies for plain books, against simpler models, day by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from heatlab.portfolio.intervals import share_interval
from heatlab.portfolio.risk_study.coverage_tests import coverage_test
from heatlab.portfolio.risk_study.walk import HOURS, WINDOW, YEAR, Day, Prices

Floats = NDArray[np.float64]
BOOKS = ("equal weight", "long and short", "inverse volatility")
OURS = "30-day covariance"
FAT, EWMA, HISTORY = "30-day covariance, fat tails", "EWMA 0.94", "historical simulation"
MODELS = (OURS, FAT, EWMA, HISTORY)
HORIZONS = {"1 d": HOURS, "1 h": 1}
LEVELS = (0.95, 0.99)
FREEDOM = 4.0
"""Degrees of freedom of the fat tails: fixed beforehand, near what daily returns of any market show."""
NORMAL = {level: float(ndtri(level)) for level in LEVELS}
FAT_TAIL = {level: float(stdtrit(FREEDOM, level) * np.sqrt((FREEDOM - 2) / FREEDOM)) for level in LEVELS}
"""Quantiles of a variable with variance 1."""

DECAY = 0.94 ** (1 / HOURS)
EWMA_WINDOW = 90 * HOURS
MIN_DAYS = 180
Period = tuple[str, pd.Timestamp, pd.Timestamp]
Case = tuple[str, str, str, float]
"""Book, model, horizon, level."""

TABLE = [
    "book", "model", "horizon", "level", "period", "count", "exceptions",
    "stated", "rate", "low", "high", "kupiec", "independence", "conditional", "verdict",
]  # fmt: skip


def book_weights(day: Day, past: Floats) -> dict[str, Floats]:
    """Weights of the books, absolute values summing to 1; shape (n_coins,) each.

    Parameters
    ----------
    day : Day
    past : array of shape (n_hours, n_coins)
        Hourly log returns of its coins before it.

    Notes
    -----
    "long and short" is long the half with the better last 30 days, short the other, in equal parts.
    """
    count = day.coins.size
    order = np.argsort(np.argsort(-np.nansum(past[-WINDOW:], axis=0), kind="stable"), kind="stable")
    sides = np.where(order < count // 2, 1.0 / (count // 2), -1.0 / (count - count // 2)) / 2
    inverse = 1.0 / np.sqrt(np.diag(day.covariance))
    return dict(zip(BOOKS, (np.full(count, 1.0 / count), sides, inverse / inverse.sum()), strict=True))


def day_exceptions(given: Prices, day: Day) -> dict[Case, NDArray[np.bool_]]:
    """Whether the losses of the day after one midnight went beyond the value at risk stated at it.

    Returns
    -------
    dict of (book, model, horizon, level) to array of bool
        One value for a horizon of a day, 24 for an hour. Empty where a price of the day is unknown; a model without
        enough history is left out.
    """
    ahead = given.returns[day.row : day.row + HOURS][:, day.coins]
    if not np.isfinite(ahead).all():
        return {}
    past = given.returns[max(day.row - YEAR, 0) : day.row][:, day.coins]
    books = book_weights(day, past)
    weights = np.stack(list(books.values()), axis=1)
    history = book_returns(past, weights)
    results = {"1 d": np.expm1(ahead.sum(axis=0, keepdims=True)) @ weights, "1 h": np.expm1(ahead) @ weights}
    found = {}
    for k, book in enumerate(books):
        sigma = float(np.sqrt(weights[:, k] @ day.covariance @ weights[:, k]))
        for (model, horizon, level), loss in stated_losses(sigma, history[:, k]).items():
            if np.isfinite(loss):
                found[book, model, horizon, level] = np.asarray(results[horizon][:, k] < -loss)
    return found


def stated_losses(sigma: float, history: Floats) -> dict[tuple[str, str, float], float]:
    """Value at risk [fraction of gross] by model, horizon and level; NaN where there is too little history.

    Parameters
    ----------
    sigma : float
        Hourly standard deviation of the book by the covariance model.
    history : array of shape (n_hours,)
        Hourly returns of today's weights up to now; the last hour ends at midnight. The covariance models and EWMA
        scale an hour to a day by the root of 24.
    """
    ewma = _ewma(history[-EWMA_WINDOW:])
    recent = history[-WINDOW:]
    samples = {"1 d": _daily(history), "1 h": recent[np.isfinite(recent)]}
    losses = {}
    for horizon, hours in HORIZONS.items():
        root, sample = float(np.sqrt(hours)), samples[horizon]
        for level in LEVELS:
            losses[OURS, horizon, level] = sigma * NORMAL[level] * root
            losses[FAT, horizon, level] = sigma * FAT_TAIL[level] * root
            losses[EWMA, horizon, level] = ewma * NORMAL[level] * root
            enough = sample.size >= MIN_DAYS
            losses[HISTORY, horizon, level] = float(-np.quantile(sample, 1 - level)) if enough else np.nan
    return losses


def coverage_table(
    exceptions: Mapping[Case, Sequence[tuple[pd.Timestamp, NDArray[np.bool_]]]], periods: Sequence[Period]
) -> pd.DataFrame:
    """Test by book, model, horizon, level and period.

    Parameters
    ----------
    exceptions : mapping of (book, model, horizon, level) to sequence of (day, exceptions of the day)
        In order of time.
    periods : sequence of (name, start, end)
        End excluded; a period without readings is left out.
    """
    found = []
    for (book, model, horizon, level), series in exceptions.items():
        for name, start, end in periods:
            inside = [hits for date, hits in series if start <= date < end]
            if inside:
                test = coverage_test(np.concatenate(inside), stated=1 - level)
                low, high = share_interval(test.exceptions, test.count)
                place = (book, model, horizon, level, name, test.count, test.exceptions, test.stated, test.rate)
                found.append((*place, low, high, test.kupiec, test.independence, test.conditional, test.verdict))
    return pd.DataFrame(found, columns=TABLE)


def book_returns(past: Floats, weights: Floats) -> Floats:
    """Hourly returns of today's weights; shape (n_hours, n_books).

    Coins without a price leave their weight to the others; NaN where less than half of the weight has one.
    """
    known = np.isfinite(past)
    gross = known.astype(np.float64) @ np.abs(weights)
    total = np.where(known, past, 0.0) @ weights
    mean = np.divide(total, gross, out=np.full(total.shape, np.nan), where=gross >= 0.5)
    return np.asarray(mean, dtype=np.float64)


def _ewma(returns: Floats) -> float:
    """Take the standard deviation per hour, weights falling by 0.94 a day (RiskMetrics 1996)."""
    weight = np.where(np.isfinite(returns), DECAY ** np.arange(returns.size)[::-1], 0.0)
    return float(np.sqrt(weight @ np.nan_to_num(returns) ** 2 / weight.sum())) if weight.sum() > 0 else float("nan")


def _daily(hourly: Floats) -> Floats:
    """Sum up to whole days that end now."""
    whole = hourly[hourly.size % HOURS :].reshape(-1, HOURS).sum(axis=1)
    return np.asarray(whole[np.isfinite(whole)], dtype=np.float64)
