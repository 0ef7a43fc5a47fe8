"""The liquidation map: candles and open interest in, liquidatable quantity on a price x time grid out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from heatlab.domain import Contract
from heatlab.errors import DataError
from heatlab.frames import CANDLES, OPEN_INTEREST, check, infer_timeframe
from heatlab.liquidation import _kernel
from heatlab.liquidation.drawing import Drawing, draw
from heatlab.liquidation.flows import open_interest_flows
from heatlab.liquidation.levels import Array, Offsets, placement_offsets
from heatlab.liquidation.settings import MapSettings
from heatlab.margin import contract_of, default_brackets


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """Columns of a map over all candles given, shown or not: what is usual, and since when a zone stands.

    Attributes
    ----------
    known_at : DatetimeIndex of shape (n_sampled,)
        Close of the last bar in each column; evenly spaced over at most 90 days, the last one that of the map.
    price_edges : ndarray of shape (n_wide + 1,)
        Edges of its own grid [quote]: the bins of the map and more of them on either side.
    long, short : ndarray of shape (n_wide, n_sampled)
        Quantity [base], weighted by recency.
    closes : ndarray of shape (n_sampled,)
        Price at the close of each column [quote].
    """

    known_at: pd.DatetimeIndex
    price_edges: Array
    long: Array
    short: Array
    closes: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiquidationMap:
    """Estimated quantity that would be liquidated at each price, per column of time.

    The image (``long``, ``short`` and :meth:`notional`) is weighted by recency: it is for colours. Quantities and
    dollars to read off (``long_by_tier``, ``short_by_tier``, :meth:`outstanding`, the notional of a zone) are the
    state: what is outstanding, whatever the half-life of the display.

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
        The state at the last column by leverage tier [base]; never weighted by recency.
    closes : ndarray of shape (n_columns,)
        Price at the close of each column [quote].
    mark_price : float
        Close of the last column [quote].
    basis : str
        "open interest" if most of the bars shown have it, "open interest in part" if fewer have it, else
        "volume proxy".
    ledger : ndarray of shape (n_columns, 2, 5)
        Long and short: placed, consumed and closed since the start; now with and without a liquidation price on the
        grid of the history [base].
    history : History, optional
        Columns of all candles given. None where the columns shown are all there is.
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
    history: History | None = None
    symbol: str = ""
    venue: str = ""
    timeframe: str = ""
    notes: tuple[str, ...] = ()

    @property
    def prices(self) -> Array:
        """Middle of each bin [quote]."""
        return np.asarray(np.sqrt(self.price_edges[1:] * self.price_edges[:-1]))

    @property
    def open_interest(self) -> Array:
        """Open interest the state adds up to in each column [base]."""
        return np.asarray(self.ledger[:, 0, _kernel.NEAR] + self.ledger[:, 0, _kernel.FAR])

    def notional(self) -> Array:
        """Image in dollars: long and short together, each bin at its own price, weighted by recency [quote].

        Shape (n_bins, n_columns).
        """
        return np.asarray((self.long + self.short) * self.prices[:, None])

    def outstanding(self) -> Array:
        """State at the last column, each bin at its own price [quote]: shape (2, n_bins), long and short."""
        return np.stack([self.long_by_tier.sum(axis=0), self.short_by_tier.sum(axis=0)]) * self.prices


def liquidation_map(
    candles: pd.DataFrame,
    open_interest: pd.DataFrame | None = None,
    *,
    brackets: pd.DataFrame | None = None,
    venue: str | None = None,
    settings: MapSettings | None = None,
    at: pd.DatetimeIndex | None = None,
    since: pd.Timestamp | None = None,
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
    since : Timestamp, optional
        Show columns from here on; the bars before it build the state and the ``history``. Not together with ``at``.

    Returns
    -------
    LiquidationMap
        Column j uses the bars closed by its end, nothing later.

    Raises
    ------
    DataError
        The candles are empty, break the contract or hold NaN; none opens at or after ``since``; an instant of ``at``
        lies before the first close.
    """
    settings = settings or MapSettings()
    venue = venue or candles.attrs.get("venue") or "binanceusdm"
    _check_candles(candles)
    if since is not None and candles.index[-1] < since:
        raise DataError(
            f"The 'since' of liquidation_map must not lie behind the last bar ({candles.index[-1]}). Got {since}."
        )
    if open_interest is not None:
        check(open_interest, OPEN_INTEREST, where="liquidation_map")
    table = default_brackets() if brackets is None or brackets.empty else brackets
    offsets = _offsets(candles, venue, table, settings)
    flows = open_interest_flows(candles, open_interest, settings)
    notes: tuple[str, ...] = ("leverage brackets are assumed",) if table.attrs.get("assumed") else ()
    drawn = draw(candles, flows, offsets, settings=settings, at=at, since=since)
    share = float(flows.covered[drawn.first[0] : drawn.last[-1] + 1].mean())
    basis = "open interest" if share > 0.5 else "open interest in part" if share > 0 else "volume proxy"
    return _label(drawn, candles, venue=venue, tiers=settings.tiers, basis=basis, notes=notes + flows.notes)


def _offsets(candles: pd.DataFrame, venue: str, brackets: pd.DataFrame, settings: MapSettings) -> Offsets:
    """Offsets of the typical position; brackets of an inverse contract count in coin, assumed ones in dollars."""
    contract = contract_of(str(candles.attrs.get("symbol", "")))
    if venue.lower().startswith("binancecoinm"):
        contract = Contract.INVERSE
    in_coin = contract == Contract.INVERSE and not brackets.attrs.get("assumed")
    price = float(candles["close"].iloc[0]) if in_coin else 1.0
    return placement_offsets(
        settings.tiers,
        settings.weights,
        venue=venue,
        brackets=brackets,
        notional=settings.notional / price,
        jitter=settings.jitter,
        contract=contract,
    )


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
    opens = pd.DatetimeIndex(candles.index)
    closes = candles["close"].to_numpy(dtype="float64")
    return LiquidationMap(
        times=opens[drawn.first],
        known_at=opens[drawn.last] + timeframe.delta,
        price_edges=drawn.grid.edges,
        long=drawn.columns[0].T,
        short=drawn.columns[1].T,
        tiers=np.asarray(tiers, dtype="float64"),
        long_by_tier=drawn.by_tier[0],
        short_by_tier=drawn.by_tier[1],
        closes=closes[drawn.last],
        mark_price=float(closes[drawn.last[-1]]),
        basis=basis,
        ledger=drawn.ledger,
        history=History(
            known_at=opens[drawn.history_last] + timeframe.delta,
            price_edges=drawn.history_grid.edges,
            long=drawn.history[0].T,
            short=drawn.history[1].T,
            closes=closes[drawn.history_last],
        ),
        symbol=str(candles.attrs.get("symbol", "")),
        venue=venue,
        timeframe=timeframe.value,
        notes=notes,
    )
