"""Positions of different clusters that turn red together, beyond what independent moves explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab._checks import check_range, parameter_error
from heatlab.domain import NAN, Side
from heatlab.frames import align
from heatlab.heat import HeatSettings, heat_board

Floats = NDArray[np.float64]
Key = tuple[str, str, str]
BARS = 2160
STALE_BARS = 3
SHOWN = 5


@dataclass(frozen=True, slots=True)
class SystemicWarning:
    """Whether clusters turn red together now, and how likely that is by chance.

    Attributes
    ----------
    level : str
        "alert", "watch", "none", or "unknown" where the history is too short or there is one cluster.
    p_value : float
        Chance of so many clusters red together if they moved on their own; NaN where unknown.
    together, expected : float
        Clusters with a position that turned red in the window; how many are expected by chance.
    clusters : int
        Clusters that could.
    symbols : tuple of str
        Those that turned red.
    since : Timestamp
        Since when; NaT where there is nothing.
    words : str
        One sentence for the screen.
    """

    level: str = "unknown"
    p_value: float = NAN
    together: float = NAN
    expected: float = NAN
    clusters: int = 0
    symbols: tuple[str, ...] = ()
    since: pd.Timestamp | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class SystemicSettings:
    """When clusters count as red together.

    Parameters
    ----------
    window : int
        Bars within which positions must turn red to have done so together.
    alert, watch : float
        Largest p-value of each level. One reading in ``1/alert`` is an alert by chance alone, and readings of
        neighbouring bars repeat each other.
    min_history : int
        Bars a cluster must be known for before it counts.
    history : int
        Bars the usual frequency of turning red is taken from.
    """

    window: int = 24
    alert: float = 0.01
    watch: float = 0.05
    min_history: int = 720
    history: int = BARS

    def __post_init__(self) -> None:
        """Check every setting."""
        caller = "SystemicSettings"
        check_range("window", self.window, 1, 100_000, caller=caller)
        check_range("watch", self.watch, 0, 1, caller=caller)
        check_range("alert", self.alert, 0, self.watch, caller=caller)
        check_range("min_history", self.min_history, 2 * self.window, 10_000_000, caller=caller)
        check_range("history", self.history, self.min_history, 10_000_000, caller=caller)


DEFAULT = SystemicSettings()


def systemic_warning(
    red: pd.DataFrame,
    clusters: pd.Series | Sequence[int],
    *,
    now: pd.Timestamp | None = None,
    settings: SystemicSettings = DEFAULT,
) -> SystemicWarning:
    """Whether positions of different clusters have turned red together, and how likely that is by chance.

    The statistic is the number of different clusters with a position that turned red within the window. Under the
    null each cluster's history is turned round by a random number of bars of its own (a circular shift), which keeps
    how often and in what runs it turns red and breaks only what it shares with the others. At one instant the shifts
    give independent draws from each cluster's history, so the p-value over ALL of them is exact: the upper tail of a
    Poisson binomial distribution. What is observed is one of the shifts, so it is never 0 and needs no seed.

    Parameters
    ----------
    red : DataFrame of shape (n_bars, n_positions)
        1 (or True) where the position's zone is red, 0 where it is not, NaN where unknown; columns name the symbols,
        which may repeat. As :func:`red_history` returns it.
    clusters : Series of label by symbol, or a sequence with one label per column
        Label 0, and symbols without one, are left out: their history is too short for a cluster.
    now : Timestamp, optional
        Bars that close after it are left out. Without it all bars count and none is old.
    settings : SystemicSettings

    Returns
    -------
    SystemicWarning
        Level "unknown", with the reason in words, for fewer than two clusters with enough history, and where the
        last bar closed more than three bars before ``now``.

    Raises
    ------
    ParameterError
        There is not one label per column.
    """
    labels = _labels(red, clusters)
    red = _closed(red, now).tail(settings.history + settings.window)
    if not (labels > 0).any():
        return SystemicWarning(words="No position has enough history to belong to a cluster.")
    if _is_old(red, now):
        return SystemicWarning(words=f"The zones are old: their last bar is of {red.index[-1]:%Y-%m-%d %H:%M} UTC.")
    turned = _turned(red.to_numpy(dtype=np.float64), settings.window)
    row = _table(turned, labels, settings, last=True)
    together, expected, count, p_value = (float(value[-1]) for value in row) if len(red) else (NAN, NAN, 0.0, NAN)
    if not np.isfinite(p_value):
        return _unknown(turned, labels, settings)
    recent = turned[-1] > 0
    symbols = tuple(dict.fromkeys(str(red.columns[int(k)]) for k in np.flatnonzero(recent & (labels > 0))))
    since = _since(red, recent & (labels > 0), settings.window)
    level = _level(p_value, together, settings)
    words = _words(level, p_value, together, int(count), symbols, settings.window, _step(red))
    return SystemicWarning(level, p_value, together, expected, int(count), symbols, since, words)


def systemic_history(
    red: pd.DataFrame, clusters: pd.Series | Sequence[int], *, settings: SystemicSettings = DEFAULT
) -> pd.DataFrame:
    """Read every bar as if it were the last, each from the bars up to it.

    Parameters and errors as :func:`systemic_warning`.

    Returns
    -------
    DataFrame
        Index of ``red``; columns ``together``, ``expected``, ``clusters`` (that could) and ``p_value``; NaN where
        fewer than two clusters have enough history. Row t uses rows up to t only.
    """
    labels = _labels(red, clusters)
    turned = _turned(red.to_numpy(dtype=np.float64), settings.window)
    names = ("together", "expected", "clusters", "p_value")
    return pd.DataFrame(dict(zip(names, _table(turned, labels, settings), strict=True)), index=red.index)


def red_history(
    positions: pd.DataFrame,
    candles: Mapping[Key, pd.DataFrame],
    *,
    timeframe: str = "1h",
    bars: int = BARS,
    settings: HeatSettings | None = None,
) -> pd.DataFrame:
    """Where the zone of each position was red, bar by bar.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions; ``symbol``, ``venue`` and ``side`` are read.
    candles : mapping of (venue, symbol, timeframe) to DataFrame
        Closed bars; all of them are used, so that the zones are those shown elsewhere.
    timeframe : str
    bars : int
        How many bars, at the end, are returned.
    settings : HeatSettings, optional

    Returns
    -------
    DataFrame of shape (at most bars, n_positions)
        1 red, 0 not red, NaN unknown; columns are the symbols in the order of the positions.
    """
    used = settings or HeatSettings()
    sides = [Side.parse(side) for side in positions["side"]]
    owners = list(zip(positions["venue"], positions["symbol"], sides, strict=True))
    names = [f"{venue} {symbol} {side.label}" for venue, symbol, side in owners]
    unique = dict(zip(names, owners, strict=True))
    tables = {name: candles.get((venue, symbol, timeframe)) for name, (venue, symbol, _) in unique.items()}
    known = {name: table for name, table in tables.items() if table is not None and not table.empty}
    columns = list(positions["symbol"].astype(str))
    if not known:
        return pd.DataFrame(np.empty((0, len(columns))), index=pd.DatetimeIndex([], tz="UTC"), columns=columns)
    closes = align(known)
    board = heat_board(
        closes, timeframes=(timeframe,), sides={name: unique[name][2] for name in known}, settings=used, workers=1
    )
    zone = board.table(timeframe, "zone").tail(bars).reindex(columns=names).to_numpy(dtype=np.float64)
    red = np.where(np.isnan(zone), np.nan, (zone == -1).astype(np.float64))
    return pd.DataFrame(red, index=board.index[timeframe][-bars:], columns=columns)


def _labels(red: pd.DataFrame, clusters: pd.Series | Sequence[int]) -> NDArray[np.int64]:
    if isinstance(clusters, pd.Series):
        found = pd.Series(clusters.to_numpy(), index=clusters.index.astype(str))
        values = found[~found.index.duplicated()].reindex(red.columns.astype(str)).fillna(0)
        return values.to_numpy(dtype=np.int64)
    labels = np.asarray(clusters, dtype=np.int64)
    if labels.shape != (red.shape[1],):
        allowed = f"one label per column ({red.shape[1]})"
        raise parameter_error("clusters", "systemic_warning", allowed, labels.shape)
    return labels


def _step(red: pd.DataFrame) -> pd.Timedelta:
    return pd.Timedelta(np.diff(red.index.to_numpy()).min()) if len(red) > 1 else pd.Timedelta(0)


def _closed(red: pd.DataFrame, now: pd.Timestamp | None) -> pd.DataFrame:
    return red if now is None or not len(red) else red[red.index <= now - _step(red)]


def _is_old(red: pd.DataFrame, now: pd.Timestamp | None) -> bool:
    return now is not None and len(red) > 1 and bool(now - red.index[-1] > (STALE_BARS + 1) * _step(red))


def _turned(red: Floats, window: int) -> Floats:
    """Whether each column turned red within the last ``window`` bars: 1, 0, or NaN where it is unknown now."""
    turn = np.zeros(red.shape)
    turn[1:] = (red[1:] == 1) & (red[:-1] == 0)
    total = np.cumsum(turn, axis=0)
    recent = total.copy()
    recent[window:] -= total[:-window]
    return np.where(np.isnan(red), np.nan, (recent > 0).astype(np.float64))


def _table(
    turned: Floats, labels: NDArray[np.int64], settings: SystemicSettings, *, last: bool = False
) -> tuple[Floats, Floats, Floats, Floats]:
    """Clusters together, expected, that could, and p-value by bar; only of the last bar where that is enough."""
    n_bars = len(turned)
    wanted = slice(max(n_bars - 1, 0), None) if last else slice(None)
    together = np.zeros(n_bars)[wanted]
    expected, count = together.copy(), together.copy()
    chances = []
    for label in np.unique(labels[labels > 0]):
        state, seen, share = _frequency(turned[:, labels == label], settings.history, wanted)
        counts = (seen >= settings.min_history) & np.isfinite(state)
        chance = np.where(counts, share, 0.0)
        together += np.where(counts, state, 0.0)
        expected += chance
        count += counts
        chances.append(chance)
    usable = count >= 2
    p_value = upper_tail(np.array(chances).reshape(len(chances), together.size), together)
    hidden = [np.where(usable, values, np.nan) for values in (together, expected)]
    return hidden[0], hidden[1], count, np.where(usable, p_value, np.nan)


def _frequency(turned: Floats, history: int, wanted: slice) -> tuple[Floats, Floats, Floats]:
    """Of one cluster: whether any of its columns turned, bars it is known for, and the share in which it did."""
    known = np.isfinite(turned).any(axis=1)
    any_turned = (np.nan_to_num(turned) > 0).any(axis=1) & known
    seen, hits = (_trailing(np.asarray(part, dtype=np.float64), history) for part in (known, any_turned))
    share = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
    return np.where(known, any_turned, np.nan)[wanted], seen[wanted], share[wanted]


def _trailing(values: Floats, length: int) -> Floats:
    total = np.cumsum(values)
    result = total.copy()
    result[length:] -= total[:-length]
    return np.asarray(result, dtype=np.float64)


def upper_tail(chances: Floats, observed: Floats) -> Floats:
    """Chance that at least so many of independent events happen: upper tail of the Poisson binomial distribution.

    Parameters
    ----------
    chances : array of shape (n_events, n)
        Chance of each event, in [0, 1]; one distribution per column.
    observed : array of shape (n,)
        Number seen.

    Returns
    -------
    array of shape (n,)
    """
    mass = np.zeros((len(chances) + 1, observed.size))
    mass[0] = 1.0
    for k, chance in enumerate(chances):
        mass[1 : k + 2] = mass[1 : k + 2] * (1 - chance) + mass[: k + 1] * chance
        mass[0] *= 1 - chance
    tail = np.cumsum(mass[::-1], axis=0)[::-1]
    place = np.clip(observed, 0, len(chances)).astype(np.int64)
    return np.asarray(np.minimum(tail[place, np.arange(observed.size)], 1.0), dtype=np.float64)


def _since(red: pd.DataFrame, which: NDArray[np.bool_], window: int) -> pd.Timestamp | None:
    """Open of the first bar of the window in which one of these columns turned red."""
    values = red.to_numpy(dtype=np.float64)[-window - 1 :][:, which]
    if not values.size:
        return None
    turns = ((values[1:] == 1) & (values[:-1] == 0)).any(axis=1)
    place = int(np.flatnonzero(turns)[0]) if turns.any() else None
    return None if place is None else pd.Timestamp(red.index[len(red) - len(turns) + place])


def _level(p_value: float, together: float, settings: SystemicSettings) -> str:
    if together < 2 or p_value > settings.watch:
        return "none"
    return "alert" if p_value <= settings.alert else "watch"


def _unknown(turned: Floats, labels: NDArray[np.int64], settings: SystemicSettings) -> SystemicWarning:
    found = np.unique(labels[labels > 0])
    if found.size < 2:
        words = "All positions are one cluster: there are no others to turn red together with."
        return SystemicWarning(clusters=int(found.size), words=words)
    bars = [int(np.isfinite(turned[:, labels == label]).any(axis=1).sum()) for label in found]
    enough = sum(count >= settings.min_history for count in bars)
    least = min(count for count in bars) if bars else 0
    if enough >= 2:
        words = "The zones of all but one cluster are unknown now."
    else:
        words = f"The zones are known for {least} bars; {settings.min_history} are needed in at least two clusters."
    return SystemicWarning(clusters=enough, words=words)


def _words(
    level: str, p_value: float, together: float, count: int, symbols: tuple[str, ...], window: int, step: pd.Timedelta
) -> str:
    hours = window * step / pd.Timedelta("1h")
    span = f"{hours / 24:g} d" if hours > 48 else f"{hours:g} h"
    names = [symbol.partition("/")[0] for symbol in symbols]
    listed = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    said = f"{together:.0f} of {count} clusters turned red within {span}"
    chance = f"p = {p_value:.3f}" if p_value >= 0.0005 else "p < 0.001"
    if level == "none":
        return f"{said}: independent moves explain that ({chance})."
    return f"{said} ({listed}): more than independent moves explain ({chance})."
