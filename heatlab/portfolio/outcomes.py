"""What came of a journal's entries, from prices, and what the entries of one kind were worth together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from heatlab._checks import check_choice, check_range, parameter_error
from heatlab.errors import MissingColumnsError
from heatlab.frames import from_ms, infer_timeframe, milliseconds, stamp_ms
from heatlab.portfolio.intervals import share_interval

Owner = tuple[str, str]
UNITS = {"h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
HORIZONS = ("1d", "3d", "7d")
DONE, PENDING, NO_MARKET, NO_SIDE, NO_PRICES = "done", "pending", "no market", "no side", "no prices"
NUMBERS = ("entry_price", "exit_price", "forward_return", "favourable", "adverse")
OUTCOME_COLUMNS = ["number", "horizon", "status", "opened_at", "closed_at", *NUMBERS]
GROUPS = {"kind": "no kind", "zone": "zone unknown", "symbol": "whole book", "rule": "no rule"}
"""What entries may be grouped by, and what to call the group of those that have none."""

REVIEW_COLUMNS = [
    "group", "count", "decided", "independent", "hits", "hit_rate", "hit_low", "hit_high", "mean_return", "mean_low",
    "mean_high", "mean_favourable", "mean_adverse", "verdict",
]  # fmt: skip
TOO_FEW, EARNS, LOSES, UNCLEAR = "too few to tell", "earns", "loses", "no clear effect"


def _length(name: str) -> int:
    """Milliseconds of a horizon."""
    found = re.fullmatch(r"([1-9]\d{0,3})([hdw])", str(name))
    if found is None:
        raise parameter_error("horizons", "OutcomeSettings", "lengths such as '12h', '3d' or '1w'", name)
    return int(found[1]) * UNITS[found[2]]


@dataclass(frozen=True, slots=True)
class OutcomeSettings:
    """How entries are scored.

    Parameters
    ----------
    horizons : tuple of str
        How long after the entry, such as "12h", "3d" or "1w".
    cost : float
        Round trip [fraction of notional] a return must exceed to be a hit, and which is taken off the mean. The
        default is two taker fees of 0.05 %.
    confidence : float
        Level of the intervals, in (0, 1).
    least : int
        Independent outcomes below which nothing is concluded.
    wait_bars : int
        Bars an entry or exit may have to wait for a price; beyond it the prices have a hole there.
    """

    horizons: tuple[str, ...] = HORIZONS
    cost: float = 0.001
    confidence: float = 0.95
    least: int = 20
    wait_bars: int = 3

    def __post_init__(self) -> None:
        """Check every setting."""
        if not self.horizons:
            raise parameter_error("horizons", "OutcomeSettings", "at least one length such as '3d'", self.horizons)
        for name in self.horizons:
            _length(name)
        check_range("cost", self.cost, 0, 1, caller="OutcomeSettings", closed="left")
        check_range("confidence", self.confidence, 0, 1, caller="OutcomeSettings", closed="neither")
        check_range("least", self.least, 2, 10_000, caller="OutcomeSettings")
        check_range("wait_bars", self.wait_bars, 1, 1_000, caller="OutcomeSettings")


DEFAULT = OutcomeSettings()


def entry_outcomes(
    entries: pd.DataFrame,
    candles: Mapping[Owner, pd.DataFrame],
    *,
    now: pd.Timestamp,
    settings: OutcomeSettings = DEFAULT,
) -> pd.DataFrame:
    """Score entries by what the price did next.

    The position is taken at the OPEN of the first bar that opens at or after the entry, so at a price nobody knew
    when it was written, and given up at the close of the last bar that ends within the horizon. Nothing after ``now``
    is looked at, and an outcome that is done does not change when later bars arrive.

    Parameters
    ----------
    entries : DataFrame
        Columns ``number, at, symbol, venue, side``; ``side`` is that of what was logged: of the position read, of the
        order proposed.
    candles : mapping of (venue, symbol) to DataFrame
        Canonical candles.
    now : Timestamp
    settings : OutcomeSettings

    Returns
    -------
    DataFrame
        One row per entry and horizon, ``OUTCOME_COLUMNS``: ``status`` is "done", "pending" (the horizon is not over,
        or its bars are not there yet), "no market", "no side" or "no prices"; ``forward_return``, ``favourable`` (best
        point, >= 0) and ``adverse`` (worst point, <= 0) are fractions of the entry price, signed by side, before
        costs; NaN unless done.

    Raises
    ------
    MissingColumnsError
        ``entries`` lacks a column.
    """
    _need(entries, ("number", "at", "symbol", "venue", "side"), "entry_outcomes")
    bars = {owner: _Bars(table, now) for owner, table in candles.items() if not table.empty}
    rows = []
    for entry in entries.to_dict("records"):
        for horizon in settings.horizons:
            found = _outcome(entry, bars.get((entry["venue"], entry["symbol"])), horizon, now, settings)
            rows.append({"number": entry["number"], "horizon": horizon, **found})
    table = pd.DataFrame(rows, columns=OUTCOME_COLUMNS)
    for name in ("opened_at", "closed_at"):
        table[name] = pd.to_datetime(table[name], utc=True).dt.as_unit("ms")
    return table.astype(dict.fromkeys(NUMBERS, "float64"))


class _Bars:
    """Columns of closed candles as arrays."""

    def __init__(self, candles: pd.DataFrame, now: pd.Timestamp) -> None:
        self.step = infer_timeframe(candles).milliseconds
        opens = milliseconds(candles.index)
        closed = opens + self.step <= stamp_ms(now)
        self.opens = opens[closed]
        self.open, self.high, self.low, self.close = (
            candles[name].to_numpy(dtype="float64")[closed] for name in ("open", "high", "low", "close")
        )


def _outcome(
    entry: Mapping[Any, Any], bars: _Bars | None, horizon: str, now: pd.Timestamp, settings: OutcomeSettings
) -> dict[str, Any]:
    if not entry["symbol"]:
        return {"status": NO_MARKET}
    if entry["side"] not in (-1, 1):
        return {"status": NO_SIDE}
    length = _length(horizon)
    if bars is None:
        return {"status": NO_PRICES if stamp_ms(now) >= stamp_ms(entry["at"]) + length else PENDING}
    span = _holding(bars, stamp_ms(entry["at"]), length, settings.wait_bars)
    return {"status": span} if isinstance(span, str) else _measured(bars, span, int(entry["side"]))


def _holding(bars: _Bars, at: int, length: int, wait: int) -> slice | str:
    """Bars held, or why there are none."""
    first = int(np.searchsorted(bars.opens, at))
    if first == len(bars.opens):
        return PENDING
    end = int(bars.opens[first]) + length
    last = int(np.searchsorted(bars.opens, end - bars.step, side="right"))
    late = bars.opens[first] - at > wait * bars.step
    short = last <= first or bars.opens[last - 1] + bars.step < end - wait * bars.step
    if bars.opens[-1] + bars.step < end:
        return NO_PRICES if late else PENDING
    return NO_PRICES if late or short else slice(first, last)


def _measured(bars: _Bars, held: slice, side: int) -> dict[str, Any]:
    price, last = bars.open[held.start], bars.close[held][-1]
    if not (np.isfinite(price) and np.isfinite(last)):
        return {"status": NO_PRICES}
    highest, lowest = np.fmax.reduce(bars.high[held]), np.fmin.reduce(bars.low[held])
    best, worst = (highest, lowest) if side > 0 else (lowest, highest)
    return {
        "status": DONE,
        "opened_at": from_ms(int(bars.opens[held.start])),
        "closed_at": from_ms(int(bars.opens[held.stop - 1]) + bars.step),
        "entry_price": price,
        "exit_price": last,
        "forward_return": side * (last / price - 1),
        "favourable": max(side * (best / price - 1), 0.0),
        "adverse": min(side * (worst / price - 1), 0.0),
    }


def is_hit(forward_return: pd.Series, *, settings: OutcomeSettings = DEFAULT) -> pd.Series:
    """Whether each return beats the cost; NaN where there is none."""
    return (forward_return > settings.cost).astype("float64").where(forward_return.notna())


def review(entries: pd.DataFrame, *, by: str = "kind", settings: OutcomeSettings = DEFAULT) -> pd.DataFrame:
    """Count, hit rate and mean P&L of entries by group, with intervals that admit how little they may know.

    Entries whose holding times overlap moved with the same market: they count as one independent outcome. The hit
    rate has a Wilson interval on that number, the mean a t interval with errors clustered by it.

    Parameters
    ----------
    entries : DataFrame
        Entries with their outcome over ONE horizon: ``opened_at``, ``closed_at``, ``forward_return``,
        ``favourable``, ``adverse`` and the column ``by``.
    by : {"kind", "zone", "symbol", "rule"}
    settings : OutcomeSettings

    Returns
    -------
    DataFrame
        ``REVIEW_COLUMNS``, most decided entries first. ``mean_return`` and its interval are after ``cost``;
        ``verdict`` is "too few to tell" below ``least`` independent outcomes, else "earns" or "loses" where the
        interval of the mean excludes zero, else "no clear effect". With many groups, one in twenty looks clear at
        95 % by chance.

    Raises
    ------
    ParameterError
        ``by`` is none of those.
    MissingColumnsError
        ``entries`` lacks a column.

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    Cameron and Miller, "A practitioner's guide to cluster-robust inference", J. Human Resources 50 (2015), eq. 6.
    """
    check_choice("by", by, GROUPS, caller="review")
    _need(entries, (by, "opened_at", "closed_at", "forward_return", "favourable", "adverse"), "review")
    names = entries[by].astype("object").where(entries[by].notna() & (entries[by] != ""), GROUPS[by])
    rows = [_group(str(name), table, settings) for name, table in entries.groupby(names, sort=True)]
    table = pd.DataFrame(rows, columns=REVIEW_COLUMNS)
    return table.sort_values(["decided", "count"], ascending=False, kind="stable", ignore_index=True)


def _group(name: str, entries: pd.DataFrame, settings: OutcomeSettings) -> dict[str, Any]:
    decided = entries[entries["forward_return"].notna()]
    returns = decided["forward_return"].to_numpy(dtype="float64") - settings.cost
    clusters = _overlaps(decided)
    count, independent = len(returns), len(np.unique(clusters))
    rate = float((returns > 0).mean()) if count else np.nan
    hit_low, hit_high = share_interval(rate * independent, independent, level=settings.confidence)
    mean = float(returns.mean()) if count else np.nan
    half = _half_width(returns, clusters, settings.confidence)
    return {
        "group": name,
        "count": len(entries),
        "decided": count,
        "independent": independent,
        "hits": int((returns > 0).sum()),
        "hit_rate": rate,
        "hit_low": hit_low,
        "hit_high": hit_high,
        "mean_return": mean,
        "mean_low": mean - half,
        "mean_high": mean + half,
        "mean_favourable": decided["favourable"].mean(),
        "mean_adverse": decided["adverse"].mean(),
        "verdict": _verdict(independent, mean - half, mean + half, settings),
    }


def _verdict(independent: int, low: float, high: float, settings: OutcomeSettings) -> str:
    if independent < settings.least or not np.isfinite(low):
        return TOO_FEW
    return EARNS if low > 0 else LOSES if high < 0 else UNCLEAR


def _overlaps(decided: pd.DataFrame) -> NDArray[np.int64]:
    """Label of each outcome, shape (n_entries,): one that opens while the first of a group is held joins that group."""
    opened = milliseconds(pd.DatetimeIndex(decided["opened_at"]))
    closed = milliseconds(pd.DatetimeIndex(decided["closed_at"]))
    labels = np.empty(len(opened), dtype=np.int64)
    label, until = -1, np.iinfo(np.int64).min
    for place in np.argsort(opened, kind="stable"):
        if opened[place] >= until:
            label, until = label + 1, closed[place]
        labels[place] = label
    return labels


def _half_width(returns: NDArray[np.float64], clusters: NDArray[np.int64], confidence: float) -> float:
    """Half the t interval of a mean whose errors are correlated inside clusters; NaN below two clusters."""
    groups = len(np.unique(clusters))
    if groups < 2:
        return np.nan
    sums = np.bincount(clusters, weights=returns - returns.mean())
    variance = groups / (groups - 1) * float(sums @ sums) / len(returns) ** 2
    return float(stdtrit(groups - 1, 0.5 + confidence / 2)) * float(np.sqrt(variance))


def _need(table: pd.DataFrame, columns: tuple[str, ...], caller: str) -> None:
    if missing := [name for name in columns if name not in table.columns]:
        raise MissingColumnsError(f"The entries of {caller} must have {list(columns)}. Missing {missing}.")
