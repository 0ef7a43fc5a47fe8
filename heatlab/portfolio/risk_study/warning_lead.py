"""Whether the systemic warning came before the 30-day correlation rose: an event study against shifted dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.heat import HeatSettings, heat_board
from heatlab.portfolio.correlation.clusters import correlation_clusters
from heatlab.portfolio.intervals import share_interval
from heatlab.portfolio.risk_study.value_at_risk import Period
from heatlab.portfolio.risk_study.walk import HOURS, Day, Prices
from heatlab.portfolio.systemic import SystemicSettings, systemic_history

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
RENEW = 30
"""Days the clusters stay as they are."""
APART = 7
"""Days without an alert after which the next one is a new episode, and without a high correlation for a crossing."""
LEAD = 14
"""Days before a crossing in which a warning counts as in time."""
HIGH = 0.8
"""The correlation is high above this quantile of its own last year."""
YEAR_DAYS, LEAST_DAYS = 365, 180
BEFORE, AFTER = 14, 30
RISES = ((0, 7), (0, 30), (1, 7), (1, 30))
"""From and to, in midnights after the warning: from 0 the shock itself is still to enter the figure, from 1 it has."""
TABLE = ["period", "measure", "count", "value", "low", "high", "placebo", "p_value"]
PATH = ["day", "rise", "placebo", "low", "high"]


@dataclass(frozen=True, slots=True)
class Readings:
    """The warning hour by hour and the correlation day by day.

    Attributes
    ----------
    dates : DatetimeIndex
        Midnights.
    correlation : ndarray of shape (n_days,)
        Mean correlation over the 30 days before each.
    high : ndarray of shape (n_days,)
        What counts as high then: quantile of the year before; NaN in the first half year.
    alerts : ndarray of int
        Days (places in ``dates``) within which an episode of alerts began.
    readable, alerted : ndarray of shape (n_days,)
        Hours of the day with at least two clusters, and in alert.
    """

    dates: pd.DatetimeIndex
    correlation: Floats
    high: Floats
    alerts: Ints
    readable: Ints
    alerted: Ints


def readings(
    given: Prices, walked: Sequence[Day], *, cut: float, settings: SystemicSettings, heat: HeatSettings
) -> Readings:
    """Read the warning for a book long every coin, clusters renewed every 30 days from what was known then."""
    board = heat_board(given.closes, timeframes=("1h",), settings=heat)
    zone = board.table("1h", "zone").reindex(given.closes.index).to_numpy(dtype=np.float64)
    red = pd.DataFrame(np.where(np.isnan(zone), np.nan, zone == -1), index=given.closes.index)
    level = np.zeros(len(red), dtype=np.int64)
    for k in range(0, len(walked), RENEW):
        start = walked[k].row
        end = walked[k + RENEW].row if k + RENEW < len(walked) else len(red)
        first = max(start - settings.history - settings.window, 0)
        found = systemic_history(red.iloc[first:end], _labels(walked[k], red.shape[1], cut), settings=settings)
        now = found.iloc[start - first :]
        alert = (now["p_value"] <= settings.alert) & (now["together"] >= 2)
        level[start:end] = np.where(now["p_value"].notna(), 1 + alert, 0)
    dates = pd.DatetimeIndex([day.date for day in walked])
    rows = np.array([day.row for day in walked], dtype=np.int64)
    mean = np.array([day.mean_correlation for day in walked])
    per_day = level[np.minimum(rows[:, None] + np.arange(HOURS), len(level) - 1)]
    return Readings(
        dates,
        mean,
        _high(mean),
        _episodes(np.flatnonzero(level == 2), rows),
        (per_day > 0).sum(axis=1),
        (per_day == 2).sum(axis=1),
    )


def warning_table(read: Readings, periods: Sequence[Period]) -> pd.DataFrame:
    """Hit rate, false alarms, lead and rise of the correlation by period, each against all shifts of the dates."""
    rows: list[tuple[object, ...]] = []
    for name, start, end in periods:
        inside = np.flatnonzero((read.dates >= start) & (read.dates < end))
        if inside.size:
            rows += [(name, *row) for row in _period_rows(read, int(inside[0]), int(inside[-1]) + 1)]
    return pd.DataFrame(rows, columns=TABLE)


def warning_path(read: Readings) -> pd.DataFrame:
    """Mean path of the correlation around the warnings, less its value at them, with the middle 95 % of shifts.

    Returns
    -------
    DataFrame
        day (0 = the last midnight before the warning), rise, placebo, low, high.
    """
    days = np.arange(-BEFORE, AFTER + 1)
    if not read.alerts.size:
        return pd.DataFrame(columns=PATH, dtype="float64")
    moves = np.array([_rises(read.correlation, int(day)) for day in days])
    ours = _mean_at(moves, read.alerts[None, :])[:, 0]
    shifted = _mean_at(moves, _shifts(read.alerts, read.correlation.size))
    low, high = np.nanquantile(shifted, [0.025, 0.975], axis=1)
    return pd.DataFrame({"day": days, "rise": ours, "placebo": np.nanmean(shifted, axis=1), "low": low, "high": high})


def crossings(correlation: Floats, high: Floats) -> Ints:
    """Days on which the correlation rises above its high mark after a week at or below it."""
    above = np.where(np.isnan(high), False, correlation > high)
    known = ~np.isnan(high)
    found = [
        t for t in np.flatnonzero(above) if t >= APART and known[t - APART : t].all() and not above[t - APART : t].any()
    ]
    return np.array(found, dtype=np.int64)


def _labels(day: Day, columns: int, cut: float) -> list[int]:
    names = [str(k) for k in day.coins]
    found = correlation_clusters(pd.DataFrame(day.correlation, index=names, columns=names), cut=cut)
    labels = np.zeros(columns, dtype=np.int64)
    labels[day.coins] = found.to_numpy()
    return [int(label) for label in labels]


def _high(correlation: Floats) -> Floats:
    past = pd.Series(correlation).shift(1).rolling(YEAR_DAYS, min_periods=LEAST_DAYS)
    return past.quantile(HIGH).to_numpy(dtype=np.float64)


def _episodes(hours: Ints, rows: Ints) -> Ints:
    """Days (places) within which an alert began after a week without one."""
    if not hours.size:
        return hours
    first = np.r_[True, np.diff(hours) > APART * HOURS]
    days = np.searchsorted(rows, hours[first], side="right") - 1
    return np.unique(days[days >= 0])


def _period_rows(read: Readings, start: int, end: int) -> list[tuple[object, ...]]:
    correlation, high = read.correlation[start:end], read.high[start:end]
    alerts = read.alerts[(read.alerts >= start) & (read.alerts < end)] - start
    readable, alerted = int(read.readable[start:end].sum()), int(read.alerted[start:end].sum())
    rows: list[tuple[object, ...]] = [
        _share("hours with two clusters or more", readable, (end - start) * HOURS),
        _share("of those, hours in alert", alerted, readable),
    ]
    crossed = crossings(correlation, high)
    shifts = _shifts(alerts, end - start)
    rows.append(_hit_rate(crossed, alerts, shifts))
    rows.append(_false_alarms(crossed, alerts, shifts, ~(correlation > high) & ~np.isnan(high)))
    leads = [float(t - before.max()) for t in crossed if (before := alerts[(alerts < t) & (alerts >= t - LEAD)]).size]
    middle = float(np.median(leads)) if leads else np.nan
    rows.append(("median lead of warnings in time [d]", len(leads), middle, np.nan, np.nan, np.nan, np.nan))
    rows += [_rise(correlation, alerts, shifts, *span) for span in RISES]
    return rows


def _share(measure: str, hits: int, count: int) -> tuple[object, ...]:
    value = hits / count if count else np.nan
    return (measure, count, value, np.nan, np.nan, np.nan, np.nan)


def _hit_rate(crossed: Ints, alerts: Ints, shifts: Ints) -> tuple[object, ...]:
    """Share of crossings with a warning in the days before."""
    count = crossed.size
    hits = _in_time(crossed, alerts)
    by_chance = np.array([_in_time(crossed, row) for row in shifts]) if count else np.empty(0)
    low, high = share_interval(hits, count)
    chance = float(by_chance.mean()) / count if by_chance.size else np.nan
    p_value = float((by_chance >= hits).mean()) if by_chance.size else np.nan
    return (
        "crossings warned of in the 14 d before",
        count,
        hits / count if count else np.nan,
        low,
        high,
        chance,
        p_value,
    )


def _in_time(crossed: Ints, alerts: Ints) -> int:
    ahead = crossed[:, None] - alerts[None, :]
    return int(((ahead > 0) & (ahead <= LEAD)).any(axis=1).sum())


def _false_alarms(crossed: Ints, alerts: Ints, shifts: Ints, calm: NDArray[np.bool_]) -> tuple[object, ...]:
    """Share of warnings, given while the correlation was not high, that no crossing followed."""
    false, count = _false(crossed, alerts, calm)
    by_chance = [_false(crossed, row, calm) for row in shifts]
    shares = np.array([wrong / given for wrong, given in by_chance if given])
    low, high = share_interval(false, count)
    value = false / count if count else np.nan
    chance = float(shares.mean()) if shares.size else np.nan
    p_value = float((shares <= value + 1e-12).mean()) if shares.size and count else np.nan
    return ("false alarms: no crossing in the 14 d after", count, value, low, high, chance, p_value)


def _false(crossed: Ints, alerts: Ints, calm: NDArray[np.bool_]) -> tuple[int, int]:
    given = alerts[calm[alerts]]
    ahead = crossed[None, :] - given[:, None]
    right = ((ahead > 0) & (ahead <= LEAD)).any(axis=1) if given.size else np.zeros(0, dtype=bool)
    return int((~right).sum()), int(given.size)


def _rise(correlation: Floats, alerts: Ints, shifts: Ints, start: int, end: int) -> tuple[object, ...]:
    """Mean rise of the correlation after the warnings; the interval is that of the mean over them."""
    moves = _rises(correlation, end) - _rises(correlation, start)
    own = moves[alerts][np.isfinite(moves[alerts])]
    name = f"rise of the correlation, day {start} to {end}"
    if own.size < 2:
        return (name, int(own.size), float(own.mean()) if own.size else np.nan, np.nan, np.nan, np.nan, np.nan)
    half = 1.96 * float(own.std(ddof=1)) / np.sqrt(own.size)
    shifted = _mean_at(moves[None, :], shifts)[0]
    value = float(own.mean())
    p_value = float((shifted >= value - 1e-12).mean())
    return (name, int(own.size), value, value - half, value + half, float(np.nanmean(shifted)), p_value)


def _rises(correlation: Floats, days: int) -> Floats:
    """Change of the correlation from each day to ``days`` later (earlier if negative); NaN beyond the ends."""
    moved = np.full(correlation.size, np.nan)
    if days >= 0:
        moved[: correlation.size - days] = correlation[days:] - correlation[: correlation.size - days]
    else:
        moved[-days:] = correlation[:days] - correlation[-days:]
    return moved


def _shifts(alerts: Ints, count: int) -> Ints:
    """Every circular shift of the dates, the real one first; shape (count, n_alerts)."""
    return np.asarray((alerts[None, :] + np.arange(count)[:, None]) % max(count, 1), dtype=np.int64)


def _mean_at(moves: Floats, places: Ints) -> Floats:
    """Mean of each row of ``moves`` over each row of ``places``; shape (n_moves, n_places)."""
    picked = moves[:, places]
    known = np.isfinite(picked)
    total = np.where(known, picked, 0.0).sum(axis=2)
    mean = np.divide(total, known.sum(axis=2), out=np.full(total.shape, np.nan), where=known.any(axis=2))
    return np.asarray(mean, dtype=np.float64)
