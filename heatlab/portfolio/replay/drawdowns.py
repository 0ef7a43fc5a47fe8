"""The worst falls of a book, what its map looked like before them, and whether that differed from any other hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from heatlab._checks import check_range, parameter_error
from heatlab.domain import NAN
from heatlab.portfolio.replay.record import Doubles, Replay, fall

COLUMNS = ["start", "trough", "end", "depth"]
STATE = [
    "book_heat",
    "green",
    "amber",
    "red",
    "effective_bets",
    "volatility",
    "largest",
    "largest_share",
    "largest_cluster_share",
]


def worst_drawdowns(value: pd.Series, *, most: int = 5) -> pd.DataFrame:
    """Deepest falls from a high to a later low that do not overlap in time, deepest first.

    The deepest is the maximum drawdown. The next is the deepest within what is left before its start or after its
    low, and so on: a book that stays under water for a year still shows each leg down.

    Parameters
    ----------
    value : Series with a time index
        Value or profit [quote]; NaN is skipped.
    most : int
        Most falls listed.

    Returns
    -------
    DataFrame
        ``start`` (the high), ``trough`` (the low), ``end`` (first time back at the height of the start; NaT while it
        is not), ``depth`` [quote, < 0]. Known only in hindsight, unlike the states at ``start``.

    Raises
    ------
    ParameterError
        ``most`` is not in [1, 1000].
    """
    check_range("most", most, 1, 1000, caller="worst_drawdowns")
    known = value.dropna()
    path = known.to_numpy(dtype=np.float64)
    open_parts, found = [_fall_within(path, 0, path.size)], list[tuple[int, int, float]]()
    while len(found) < most:
        open_parts = [part for part in open_parts if part[0] < 0]
        if not open_parts:
            break
        deepest = min(open_parts)
        open_parts.remove(deepest)
        depth, start, trough, low, high = deepest
        found.append((start, trough, depth))
        open_parts += [_fall_within(path, low, start + 1), _fall_within(path, trough, high)]
    rows = [(known.index[a], known.index[b], _recovered(known, path, a, b), depth) for a, b, depth in found]
    table = pd.DataFrame(rows, columns=COLUMNS)
    for name in COLUMNS[:3]:
        table[name] = pd.to_datetime(table[name], utc=True).dt.as_unit("ms")
    return table.astype({"depth": np.float64})


def _fall_within(path: Doubles, low: int, high: int) -> tuple[float, int, int, int, int]:
    """Deepest fall within rows low to high: depth, rows of its high and its low, and the bounds."""
    part = path[low:high]
    if part.size < 2:
        return 0.0, low, low, low, high
    trough = int(np.argmin(fall(part)))
    start = trough - int(np.argmax(part[: trough + 1][::-1]))
    return float(part[trough] - part[start]), low + start, low + trough, low, high


def _recovered(known: pd.Series, path: Doubles, start: int, trough: int) -> Any:
    back = np.flatnonzero(path[trough:] >= path[start])
    return known.index[trough + back[0]] if back.size else pd.NaT


def states_before(replay: Replay, drawdowns: pd.DataFrame) -> pd.DataFrame:
    """Look up what the map showed at the start of each drawdown, the hour before it fell.

    Returns
    -------
    DataFrame
        ``drawdowns`` with ``book_heat``, ``green``, ``amber``, ``red`` (readings in each zone), ``effective_bets``,
        ``volatility`` [quote per day], ``largest`` (position with the largest share of risk), ``largest_share`` and
        ``largest_cluster_share`` [fraction]. All of it was known at ``start``.
    """
    rows = [_state(replay, replay.at(start)) for start in drawdowns["start"]]
    found = pd.DataFrame(rows, columns=STATE, index=drawdowns.index)
    return pd.concat([drawdowns, found], axis=1)


def _state(replay: Replay, row: int) -> list[object]:
    counts = replay.zone_counts(row)
    shares = replay.contributions[row].astype(np.float64)
    known = np.isfinite(shares).any()
    top = int(np.nanargmax(np.abs(shares))) if known else -1
    clusters = replay.cluster_shares[row].astype(np.float64)
    return [
        float(replay.book_heat[row]),
        *(counts[name] for name in ("green", "amber", "red")),
        float(replay.effective_bets[row]),
        float(replay.volatility[row]),
        str(replay.positions["symbol"].iloc[top]) if known else "",
        float(shares[top]) if known else NAN,
        float(np.nanmax(clusters)) if np.isfinite(clusters).any() else NAN,
    ]


@dataclass(frozen=True, slots=True)
class HeatBefore:
    """Heat of the book before its drawdowns against all hours.

    Attributes
    ----------
    before, overall : float
        Mean book heat in the hours before the drawdowns' starts, and in all hours.
    difference, low, high : float
        ``before - overall`` and the ends of its interval.
    confidence : float
    hours, drawdowns : int
        Hours before, and the drawdowns they belong to.
    quantiles_before, quantiles_overall : tuple of float
        5th, 25th, 50th, 75th and 95th percentile of the two.
    words : str
        What follows, in a sentence.
    """

    before: float = NAN
    overall: float = NAN
    difference: float = NAN
    low: float = NAN
    high: float = NAN
    confidence: float = 0.95
    hours: int = 0
    drawdowns: int = 0
    quantiles_before: tuple[float, ...] = (NAN,) * 5
    quantiles_overall: tuple[float, ...] = (NAN,) * 5
    words: str = "Too little is known to compare."

    @property
    def differs(self) -> bool:
        """Whether the interval leaves out 0."""
        return bool(self.low > 0 or self.high < 0)


def heat_before(
    replay: Replay,
    drawdowns: pd.DataFrame,
    *,
    window: str = "24h",
    block: str = "14D",
    draws: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> HeatBefore:
    """Compare book heat in the ``window`` up to each drawdown's start with all hours.

    The interval is that of a moving-block bootstrap (Künsch 1989): heat and the mark "before a drawdown" are drawn
    together in blocks of ``block``, so that slow swings of both stay in. Drawdowns are few, so it is wide; and their
    starts are highs, picked in hindsight, so a book that follows trends will often be hot there.

    Parameters
    ----------
    replay : Replay
    drawdowns : DataFrame
        As :func:`worst_drawdowns` returns it.
    window, block : str
        Lengths of time.
    draws : int
        Bootstrap samples.
    confidence : float
        Of the interval, in (0, 1).
    seed : int
        Of the bootstrap.

    Returns
    -------
    HeatBefore
        NaN and a sentence that says so where there are fewer than two drawdowns, or less than four blocks of hours.

    Raises
    ------
    ParameterError
        A setting lies outside its range.
    """
    check_range("draws", draws, 100, 1_000_000, caller="heat_before")
    check_range("confidence", confidence, 0, 1, caller="heat_before", closed="neither")
    length = int(_length("block", block) / pd.Timedelta("1h"))
    marked = _marked(replay, drawdowns, _length("window", window))
    known = np.isfinite(replay.book_heat)
    heat, marked = replay.book_heat[known], marked[known]
    events = len(drawdowns)
    if events < 2 or not marked.any() or heat.size < 4 * max(length, 1):
        return HeatBefore(overall=float(heat.mean()) if heat.size else NAN, confidence=confidence, drawdowns=events)
    gaps = _bootstrap(heat, marked, max(length, 1), draws, seed)
    low, high = (float(end) for end in np.nanquantile(gaps, [(1 - confidence) / 2, (1 + confidence) / 2]))
    before, overall = float(heat[marked].mean()), float(heat.mean())
    levels = [0.05, 0.25, 0.5, 0.75, 0.95]
    return HeatBefore(
        before=before,
        overall=overall,
        difference=before - overall,
        low=low,
        high=high,
        confidence=confidence,
        hours=int(marked.sum()),
        drawdowns=events,
        quantiles_before=tuple(map(float, np.quantile(heat[marked], levels))),
        quantiles_overall=tuple(map(float, np.quantile(heat, levels))),
        words=_words(before, overall, low, high, confidence, events),
    )


def _marked(replay: Replay, drawdowns: pd.DataFrame, window: pd.Timedelta) -> np.ndarray:
    marked = np.zeros(len(replay), bool)
    for start in drawdowns["start"]:
        marked |= np.asarray((replay.times > start - window) & (replay.times <= start))
    return marked


def _bootstrap(heat: Doubles, marked: np.ndarray, length: int, draws: int, seed: int) -> Doubles:
    """Differences of means of resampled hours, shape (draws,); NaN where no marked hour was drawn."""
    blocks = -(-heat.size // length)
    starts = np.random.default_rng(seed).integers(0, heat.size - length + 1, (draws, blocks))
    sums = np.stack([np.convolve(part, np.ones(length), "valid") for part in (heat, heat * marked, marked * 1.0)])
    whole, inside, count = sums[:, starts].sum(axis=2)
    empty = count < 0.5
    return np.where(empty, np.nan, inside / np.where(empty, 1.0, count) - whole / (blocks * length))


def _words(before: float, overall: float, low: float, high: float, confidence: float, events: int) -> str:
    span = f"{before - overall:+.1f} points, {confidence:.0%} interval {low:+.1f} to {high:+.1f}"
    start = f"Book heat before the {events} worst drawdowns averaged {before:.1f}, over all hours {overall:.1f} ({span}"
    if low <= 0 <= high:
        return f"{start}): not distinguishable. Heat gave no warning here that luck could not."
    if high < 0:
        return f"{start}): it was lower before them. Few events: take it as a hint."
    return f"{start}): it was higher before them. Starts are highs picked in hindsight, where a rising book is hot."


def _length(name: str, text: str) -> pd.Timedelta:
    try:
        length = pd.Timedelta(text)
    except ValueError:
        length = pd.Timedelta(0)
    if not length > pd.Timedelta(0):
        raise parameter_error(name, "heat_before", "a positive length of time such as '24h'", text)
    return length
