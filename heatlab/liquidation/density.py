"""The liquidation map: candles and open interest in, liquidatable quantity on a price x time grid out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab._checks import check_choice, check_positive, check_range
from heatlab.domain import Timeframe
from heatlab.errors import DataError
from heatlab.frames import CANDLES, OPEN_INTEREST, check, infer_timeframe
from heatlab.liquidation import _kernel
from heatlab.liquidation.levels import TIERS, Offsets, placement_offsets
from heatlab.margin.brackets import default_brackets

Array = NDArray[np.float64]

AGE_CLASSES = 4
MERGE_HALF_LIVES = 1 / 7
FULL_LOSS = 0.10
DEPOSITS_PER_HOUR = 16
MOST_DEPOSITS = 16


def duration(text: str | pd.Timedelta) -> pd.Timedelta:
    """Read "48h" or "7d" (or "7D")."""
    return pd.Timedelta(text.replace("d", "D") if isinstance(text, str) else text)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSettings:
    """What the estimator assumes and what the screen shows.

    Attributes
    ----------
    tiers : tuple of float
        Leverages positions are opened with, rising.
    weights : tuple of float, optional
        Share of each tier; None is :func:`~heatlab.liquidation.levels.prior_weights`.
    bin_bps : float
        Height of a price bin [basis points of log price].
    n_bins : int
        Most bins the grid may have: bins are the smallest whole multiple of ``bin_bps`` that fits.
    price_margin : float
        Log distance the grid reaches beyond the lowest low and the highest high.
    columns : int
        Most columns the map may have.
    rho : float
        Share of the volume that opens a position (and closes another) besides the change of open interest.
    holding_half_life : str
        Time after which half the positions of an age are gone; the scale of "older" in the full closing model and
        the fading of the volume proxy.
    recency_half_life : str, optional
        Display only: how fast older entries fade on screen. None shows the state itself.
    jitter : float
        Spread of the log distance from entry to liquidation.
    cross_share : float
        Share of positions without a near liquidation price.
    closing : {"full", "proportional"}
        Older and losing positions close faster, or all alike.
    notional : float
        Notional of the typical position [quote]; selects the leverage bracket.
    """

    tiers: tuple[float, ...] = TIERS
    weights: tuple[float, ...] | None = None
    bin_bps: float = 10.0
    n_bins: int = 600
    price_margin: float = 0.15
    columns: int = 1000
    rho: float = 0.05
    holding_half_life: str = "7d"
    recency_half_life: str | None = "48h"
    jitter: float = 0.2
    cross_share: float = 1 / 3
    closing: str = "full"
    notional: float = 10_000.0

    def __post_init__(self) -> None:
        """Check every value."""
        where = "MapSettings"
        check_choice("closing", self.closing, ("full", "proportional"), caller=where)
        check_range("bin_bps", self.bin_bps, 0.1, 1_000, caller=where)
        check_range("n_bins", self.n_bins, 10, 100_000, caller=where)
        check_range("price_margin", self.price_margin, 0.001, 5, caller=where)
        check_range("columns", self.columns, 1, 1_000_000, caller=where)
        check_range("rho", self.rho, 0, 1, caller=where)
        check_range("jitter", self.jitter, 0, 1, caller=where)
        check_range("cross_share", self.cross_share, 0, 1, caller=where, closed="left")
        check_positive("notional", self.notional, caller=where)
        for name in ("holding_half_life", "recency_half_life"):
            value = getattr(self, name)
            if value is not None:
                check_positive(name, duration(value) / pd.Timedelta("1h"), caller=where)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiquidationMap:
    """Estimated quantity that would be liquidated at each price, per column of time.

    Attributes
    ----------
    times : DatetimeIndex of shape (n_columns,)
        OPEN time of each column. A column shows the state once its last bar has closed.
    known_at : DatetimeIndex of shape (n_columns,)
        Close of the last bar in each column: the instant from which the column could have been drawn.
    price_edges : ndarray of shape (n_bins + 1,)
        Edges of the log-price grid [quote].
    long, short : ndarray of shape (n_bins, n_columns)
        Quantity [base] as shown: weighted by recency.
    tiers : ndarray of shape (n_tiers,)
    long_by_tier, short_by_tier : ndarray of shape (n_tiers, n_bins)
        The last column by leverage tier [base].
    closes : ndarray of shape (n_columns,)
        Price at the close of each column [quote].
    mark_price : float
        Last close [quote].
    basis : str
        "open interest" or "volume proxy".
    ledger : ndarray of shape (n_columns, 2, 5)
        Long and short: placed, consumed and closed since the start; on the grid and off the grid now [base].
    notes : tuple of str
        What the estimate had to assume, for the screen.
    """

    times: pd.DatetimeIndex
    known_at: pd.DatetimeIndex
    price_edges: Array
    long: Array
    short: Array
    tiers: Array
    long_by_tier: Array
    short_by_tier: Array
    closes: Array
    mark_price: float
    basis: str
    ledger: Array
    symbol: str = ""
    venue: str = ""
    timeframe: str = ""
    notes: tuple[str, ...] = ()

    @property
    def prices(self) -> Array:
        """Middle of each bin [quote]."""
        return np.sqrt(self.price_edges[1:] * self.price_edges[:-1])

    @property
    def open_interest(self) -> Array:
        """Open interest the state adds up to in each column [base]."""
        return np.asarray(self.ledger[:, 0, _kernel.NEAR] + self.ledger[:, 0, _kernel.FAR])

    def notional(self) -> Array:
        """Long and short together, each bin at its own price [quote]; shape (n_bins, n_columns)."""
        return np.asarray((self.long + self.short) * self.prices[:, None])


@dataclass(frozen=True, slots=True)
class Grid:
    """Log-price grid anchored at price 1, so that maps of different spans share their bins."""

    first: int
    step: float
    n_bins: int

    @property
    def edges(self) -> Array:
        """Edges of the bins [quote]."""
        return np.exp((self.first + np.arange(self.n_bins + 1)) * self.step)

    def positions(self, prices: Array) -> Array:
        """Prices in bins from the lower edge."""
        return np.log(prices) / self.step - self.first


def price_grid(candles: pd.DataFrame, settings: MapSettings) -> Grid:
    """Grid that covers the candles and ``price_margin`` beyond them."""
    low = np.log(candles["low"].min()) - settings.price_margin
    high = np.log(candles["high"].max()) + settings.price_margin
    fine = settings.bin_bps * 1e-4
    step = fine * max(1, int(np.ceil((high - low) / fine / max(settings.n_bins - 2, 1))))
    first = int(np.floor(low / step))
    return Grid(first, step, int(np.ceil(high / step)) - first)


@dataclass(frozen=True, slots=True)
class Flows:
    """What opens and what is outstanding, bar by bar [base]; see :func:`_kernel.sweep`."""

    opened: Array
    target: Array
    level: Array
    basis: str


def open_interest_flows(candles: pd.DataFrame, open_interest: pd.DataFrame | None, settings: MapSettings) -> Flows:
    """Quantity opened in each bar and open interest at its close.

    A stamp ``t`` of open interest describes instant ``t``: the value at a bar's close is the last one stamped at or
    before that close. Bars before the first stamp use the volume proxy: ``rho * volume`` opens and positions fade
    with the holding half-life.
    """
    timeframe = infer_timeframe(candles)
    volume = candles["volume"].to_numpy(dtype="float64")
    closes = candles.index.as_unit("ms").asi8 + timeframe.milliseconds  # type: ignore[attr-defined]
    known = _as_of(open_interest, closes)
    level = np.full(len(candles), np.nan)
    keep = 0.5 ** (timeframe.delta / duration(settings.holding_half_life))
    proxy = settings.rho * volume
    if np.isnan(known).all():
        return Flows(proxy, _kernel.proxy_levels(proxy, keep), level, "volume proxy")
    start = int(np.flatnonzero(~np.isnan(known))[0])
    at_open = _as_of(open_interest, closes[start : start + 1] - timeframe.milliseconds)[0]
    level[start] = known[start] if np.isnan(at_open) else at_open
    change = np.diff(known, prepend=level[start])
    change[start] = known[start] - level[start]
    opened = np.where(np.arange(len(known)) < start, proxy, np.maximum(change, 0.0) + proxy)
    target = known.copy()
    target[:start] = _kernel.proxy_levels(proxy[:start], keep)
    return Flows(opened, target, level, "open interest")


def _as_of(open_interest: pd.DataFrame | None, instants: NDArray[np.int64]) -> Array:
    """Open interest last stamped at or before each instant [base]; NaN before the first."""
    if open_interest is None:
        return np.full(len(instants), np.nan)
    rows = open_interest[open_interest["open_interest"].notna()]
    if rows.empty:
        return np.full(len(instants), np.nan)
    stamps = rows.index.as_unit("ms").asi8  # type: ignore[attr-defined]
    found = np.searchsorted(stamps, instants, side="right") - 1
    values = rows["open_interest"].to_numpy(dtype="float64")
    return np.where(found >= 0, values[np.maximum(found, 0)], np.nan)


def liquidation_map(
    candles: pd.DataFrame,
    open_interest: pd.DataFrame | None = None,
    *,
    brackets: pd.DataFrame | None = None,
    venue: str | None = None,
    settings: MapSettings | None = None,
    at: pd.DatetimeIndex | None = None,
) -> LiquidationMap:
    """Estimate where open positions would be liquidated.

    Parameters
    ----------
    candles : DataFrame
        Canonical candles, closed bars only.
    open_interest : DataFrame, optional
        Canonical open interest. Without it the volume stands in and ``basis`` says so.
    brackets : DataFrame, optional
        Canonical leverage brackets; without them typical ones are assumed and ``notes`` says so.
    venue : str, optional
        Whose margin formula to use; default ``candles.attrs["venue"]``, else "binanceusdm".
    settings : MapSettings, optional
    at : DatetimeIndex, optional
        Instants to show columns for, instead of evenly spaced ones; each shows the bars closed by then.

    Returns
    -------
    LiquidationMap
        Column j uses the bars closed by its end, nothing later.

    Raises
    ------
    DataError
        The candles are empty, break the contract or hold NaN; an instant of ``at`` lies before the first close.
    """
    settings = settings or MapSettings()
    venue = venue or candles.attrs.get("venue") or "binanceusdm"
    _check_candles(candles)
    if open_interest is not None:
        check(open_interest, OPEN_INTEREST, where="liquidation_map")
    table = default_brackets() if brackets is None or brackets.empty else brackets
    offsets = placement_offsets(
        settings.tiers,
        settings.weights,
        venue=venue,
        brackets=table,
        notional=settings.notional,
        jitter=settings.jitter,
    )
    flows = open_interest_flows(candles, open_interest, settings)
    notes = ("leverage brackets are assumed",) if table.attrs.get("assumed") else ()
    if np.isnan(flows.level).all():
        notes += ("no open interest: rho x volume stands in",)
    drawn = draw(candles, flows, offsets, settings=settings, at=at)
    return _label(drawn, candles, venue=venue, tiers=settings.tiers, basis=flows.basis, notes=notes)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Raw output of the sweep with its grid and its columns (candle numbers of the first and last bar of each)."""

    grid: Grid
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    columns: Array
    by_tier: Array
    ledger: Array


def draw(
    candles: pd.DataFrame,
    flows: Flows,
    offsets: Offsets,
    *,
    settings: MapSettings,
    at: pd.DatetimeIndex | None = None,
    entry: Array | None = None,
) -> Drawing:
    """Sweep the flows over the grid. ``entry`` replaces the spread over the bar's range by one price per bar."""
    timeframe = infer_timeframe(candles)
    grid = price_grid(candles, settings)
    first, last = _columns(candles, settings.columns) if at is None else _columns_at(candles, timeframe, at)
    columns, by_tier, ledger = _kernel.sweep(
        *sweep_inputs(candles, flows, offsets, grid=grid, settings=settings, entry=entry), last, grid.n_bins
    )
    return Drawing(grid, first, last, columns, by_tier, ledger)


def sweep_inputs(
    candles: pd.DataFrame,
    flows: Flows,
    offsets: Offsets,
    *,
    grid: Grid,
    settings: MapSettings,
    entry: Array | None = None,
) -> tuple[object, ...]:
    """Arguments of :func:`_kernel.sweep` up to the columns."""
    timeframe = infer_timeframe(candles)
    bar = timeframe.delta
    holding = duration(settings.holding_half_life) / bar
    recency = settings.recency_half_life
    return (
        _positions(candles, grid, entry),
        flows.opened,
        flows.target,
        flows.level,
        offsets.values / grid.step,
        offsets.weights,
        settings.cross_share,
        1.0 if recency is None else float(0.5 ** (bar / duration(recency))),
        int(np.clip(round(DEPOSITS_PER_HOUR * bar / pd.Timedelta("1h")), 1, MOST_DEPOSITS)),
        int(candles.index[0].value // bar.value),
        np.array([holding, FULL_LOSS / grid.step]),
        max(1, round(holding * MERGE_HALF_LIVES)),
        AGE_CLASSES if settings.closing == "full" else 1,
    )


def _positions(candles: pd.DataFrame, grid: Grid, entry: Array | None) -> Array:
    """Low, mean entry, high and close of each bar [bins]; the mean is the bar's typical price."""
    low, high, close = (candles[name].to_numpy(dtype="float64") for name in ("low", "high", "close"))
    if entry is not None:
        middle = grid.positions(entry)
        return np.stack([grid.positions(low), middle, grid.positions(high), grid.positions(close)])
    typical = (low + high + close) / 3
    return np.stack([grid.positions(prices) for prices in (low, typical, high, close)])


def _columns(candles: pd.DataFrame, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Evenly spaced columns counted back from the last bar."""
    count = len(candles)
    width = -(-count // most)
    last = np.arange(count - 1, -1, -width, dtype=np.int64)[::-1].copy()
    return np.maximum(last - width + 1, 0), last


def _columns_at(
    candles: pd.DataFrame, timeframe: Timeframe, at: pd.DatetimeIndex
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One-bar columns: the last bar closed at or before each instant."""
    closes = candles.index + timeframe.delta
    last = np.asarray(closes.searchsorted(at, side="right") - 1, dtype=np.int64)
    if (last < 0).any() or (np.diff(last) <= 0).any():
        raise DataError(
            f"The 'at' instants of liquidation_map must fall into different bars, in order, from {closes[0]} on. "
            f"Got {at[0]} to {at[-1]}."
        )
    return last, last


def _check_candles(candles: pd.DataFrame) -> None:
    check(candles, CANDLES, where="liquidation_map")
    if candles.empty:
        raise DataError("The candles given to liquidation_map must have at least one bar. Got none.")
    values = candles[["open", "high", "low", "close", "volume"]]
    if values.isna().to_numpy().any():
        row = int(np.flatnonzero(values.isna().to_numpy().any(axis=1))[0])
        raise DataError(
            f"The candles given to liquidation_map must be complete. Row {row} ({candles.index[row]}) has NaN."
        )


def _label(
    drawn: Drawing, candles: pd.DataFrame, *, venue: str, tiers: tuple[float, ...], basis: str, notes: tuple[str, ...]
) -> LiquidationMap:
    timeframe = infer_timeframe(candles)
    closes = candles["close"].to_numpy(dtype="float64")
    return LiquidationMap(
        times=candles.index[drawn.first],
        known_at=candles.index[drawn.last] + timeframe.delta,
        price_edges=drawn.grid.edges,
        long=drawn.columns[0].T,
        short=drawn.columns[1].T,
        tiers=np.asarray(tiers, dtype="float64"),
        long_by_tier=drawn.by_tier[0],
        short_by_tier=drawn.by_tier[1],
        closes=closes[drawn.last],
        mark_price=float(closes[-1]),
        basis=basis,
        ledger=drawn.ledger,
        symbol=str(candles.attrs.get("symbol", "")),
        venue=venue,
        timeframe=timeframe.value,
        notes=notes,
    )
