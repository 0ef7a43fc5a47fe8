"""The study behind ``heatlab study liquidation``: our map and its baselines against true liquidation prices."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heatlab.frames import infer_timeframe
from heatlab.liquidation import baselines, claims, evaluate
from heatlab.liquidation.baselines import BANDS
from heatlab.liquidation.claims import HAS_OPEN_INTEREST, MODELS, OURS, STATE
from heatlab.liquidation.density import liquidation_map
from heatlab.liquidation.hourly import ReportedTotals, score_totals
from heatlab.liquidation.result import StudyResult
from heatlab.liquidation.settings import MapSettings

HISTORY = "120D"
MOST_MISMATCH = 0.2
KNOWN, ALL = "coins with open interest", "all coins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Everything known about one symbol.

    Attributes
    ----------
    symbol : str
    candles : DataFrame
        Canonical candles.
    truth : DataFrame
        True positions: ``timestamp`` (instant of the snapshot), ``side``, ``quantity`` [base], ``mark_price`` and
        ``liquidation_price`` [quote], NaN where the position has none.
    open_interest, brackets : DataFrame, optional
    """

    symbol: str
    candles: pd.DataFrame
    truth: pd.DataFrame
    open_interest: pd.DataFrame | None = None
    brackets: pd.DataFrame | None = None


def study(
    markets: Sequence[Market],
    *,
    totals: Sequence[ReportedTotals] = (),
    settings: MapSettings | None = None,
    seed: int = 7,
    used: tuple[str, ...] = (),
    lacked: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> StudyResult:
    """Score the map and the baselines on every market with true positions.

    Scores are over the coins with open interest: where only some have it, a map is told apart by having it, not by
    where it puts liquidations. All coins come second, beside a placebo that knows nothing else.

    Parameters
    ----------
    markets : sequence of Market
    totals : sequence of ReportedTotals
        Liquidations reported by the hour; each symbol is a block of its own.
    settings : MapSettings, optional
        The two distance baselines are fitted to the truth, which errs in their favour; the map is not.
    seed : int
        Of the time-shuffle placebo.
    used, lacked, notes : tuple of str
        Passed through to the result.

    Returns
    -------
    StudyResult
        With empty tables and the reason in ``lacked`` where no market has a true liquidation price within reach.
    """
    settings = settings or MapSettings()
    parts, rows = [], []
    for market in markets:
        part, row = _market_units(market, settings)
        parts.append(part)
        rows.append(row)
    hourly = score_totals(totals, settings=settings)
    blank = StudyResult(
        name="liquidation",
        totals=hourly,
        markets=pd.DataFrame(rows, columns=["symbol", "hours", "units", "positive", "basis", "note"]),
        used=used,
        lacked=lacked,
        notes=notes + claims.totals_in_words(hourly),
    )
    kept = [part for part in parts if not part.empty]
    units = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame({"truth": []})
    if not (units["truth"] > 0).any():
        missing = "true liquidation prices within 10 % of the mark for a symbol with candles"
        return dataclasses.replace(blank, lacked=(*lacked, missing))
    return _scored(blank, units, seed)


def _scored(blank: StudyResult, units: pd.DataFrame, seed: int) -> StudyResult:
    """Fill in scores over the coins with open interest and, where others are left, over all."""
    known = units[units["known"]]
    partly = 0 < len(known) < len(units) and bool((known["truth"] > 0).any())
    primary = _fitted(known if partly else units)
    scores = evaluate.score(primary, MODELS)
    comparisons = claims.comparisons(primary, scores)
    placebos, secondary = claims.placebos(primary, seed), pd.DataFrame()
    if partly:
        everything = _fitted(units)
        secondary = evaluate.score(everything, (*MODELS, HAS_OPEN_INTEREST), metrics=claims.SECONDARY)
    scope = KNOWN if units["known"].all() or partly else ALL
    return dataclasses.replace(
        blank,
        scope=scope,
        scores=scores,
        comparisons=comparisons,
        placebos=placebos,
        secondary=secondary,
        notes=blank.notes + claims.reading(primary, units, scope, scores, secondary) + claims.in_words(comparisons),
    )


def _fitted(units: pd.DataFrame) -> pd.DataFrame:
    """Units with the two distance baselines fitted to their truth."""
    rows = units.reset_index(drop=True)
    rows["distance only"] = evaluate.fitted_distance(rows)
    rows["distance x volatility"] = evaluate.fitted_distance_volatility(rows)
    return rows


def _market_units(market: Market, settings: MapSettings) -> tuple[pd.DataFrame, tuple[object, ...]]:
    """Units of one market and its row of the overview."""
    truth = _hourly(market)
    if truth.empty:
        return pd.DataFrame(), (market.symbol, 0, 0, 0, "", "no snapshot of true positions within the candles")
    hours = truth.groupby("timestamp")["mark_price"].first()
    at, marks = pd.DatetimeIndex(hours.index), hours.to_numpy(dtype="float64")
    candles = market.candles[market.candles.index >= at[0] - pd.Timedelta(HISTORY)]
    candles = candles[candles.index < at[-1]]
    candles.attrs = dict(market.candles.attrs)
    shown = liquidation_map(candles, market.open_interest, brackets=market.brackets, settings=settings, at=at)
    if np.abs(marks / shown.closes - 1).max() > MOST_MISMATCH:
        return pd.DataFrame(), (market.symbol, 0, 0, 0, shown.basis, "mark prices do not fit the candles")
    plain = dataclasses.replace(settings, recency_half_life=None)
    state = liquidation_map(candles, market.open_interest, brackets=market.brackets, settings=plain, at=at)
    known = shown.basis == "open interest"
    models = {
        OURS: baselines.map_masses(shown, prices=marks),
        STATE: baselines.map_masses(state, prices=marks),
        "uniform": baselines.uniform(len(at)),
        "volume profile": baselines.volume_profile(candles, at, prices=marks),
        "entry*(1-1/L)": baselines.naive_map(candles, at, prices=marks),
        HAS_OPEN_INTEREST: baselines.uniform(len(at)) * known,
    }
    units = _unit_table(market.symbol, at, true_shares(truth, at), models)
    units["volatility"] = np.repeat(baselines.volatility(candles, at), 2 * (len(BANDS) - 1))
    units["known"] = known
    positive = int((units["truth"] > 0).sum())
    return units, (market.symbol, len(at), len(units), positive, shown.basis, "; ".join(shown.notes))


def _hourly(market: Market) -> pd.DataFrame:
    """Last snapshot of every hour that the candles cover, a week after they begin at the earliest."""
    truth = market.truth
    bar = infer_timeframe(market.candles).delta if not market.candles.empty else pd.Timedelta(0)
    if truth.empty or market.candles.empty:
        return truth.iloc[:0]
    first, last = market.candles.index[0] + pd.Timedelta("7D"), market.candles.index[-1] + 2 * bar
    inside = truth[(truth["timestamp"] >= first) & (truth["timestamp"] < last)]
    newest = inside.groupby(inside["timestamp"].dt.floor("h"))["timestamp"].transform("max")
    kept: pd.DataFrame = inside.loc[inside["timestamp"] == newest]
    return kept


def true_shares(truth: pd.DataFrame, at: pd.DatetimeIndex, *, bands: tuple[float, ...] = BANDS) -> evaluate.Array:
    """Share of each side's true notional whose liquidation price lies in each band; shape (n, 2, n_bands).

    Positions without a liquidation price count in the whole.
    """
    result = np.zeros((len(at), 2, len(bands) - 1))
    side = truth["side"].to_numpy(dtype="float64")
    notional = (truth["quantity"] * truth["mark_price"]).to_numpy(dtype="float64")
    distance = side * (1 - truth["liquidation_price"].to_numpy(dtype="float64") / truth["mark_price"].to_numpy())
    column = at.get_indexer(pd.DatetimeIndex(truth["timestamp"]))
    row = (side < 0).astype(int)
    whole = np.zeros((len(at), 2))
    np.add.at(whole, (column, row), notional)
    band = np.searchsorted(bands, np.where(np.isnan(distance), np.inf, distance), side="right") - 1
    near = (band >= 0) & (band < len(bands) - 1)
    np.add.at(result, (column[near], row[near], band[near]), notional[near])
    return np.asarray(result / np.maximum(whole, 1e-300)[:, :, None])


def _unit_table(
    symbol: str, at: pd.DatetimeIndex, truth: evaluate.Array, models: dict[str, evaluate.Array]
) -> pd.DataFrame:
    count, n_bands = len(at), len(BANDS) - 1
    table = pd.DataFrame(
        {
            "symbol": symbol,
            "timestamp": at.repeat(2 * n_bands),
            "day": (at.as_unit("ms").asi8 // 86_400_000).repeat(2 * n_bands),
            "side": np.tile(np.repeat([1, -1], n_bands), count),
            "band": np.tile(np.arange(n_bands), 2 * count),
            "truth": truth.ravel(),
        }
    )
    return table.assign(**{name: values.ravel() for name, values in models.items()})
