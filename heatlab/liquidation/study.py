"""The study behind ``heatlab study liquidation``: our map and its baselines against true liquidation prices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from heatlab.frames import infer_timeframe
from heatlab.liquidation import baselines, evaluate
from heatlab.liquidation.baselines import BANDS
from heatlab.liquidation.density import liquidation_map
from heatlab.liquidation.settings import MapSettings

OURS = "map as shown"
STATE = "map without recency"
BASELINES = ("uniform", "distance only", "distance x volatility", "volume profile", "entry*(1-1/L)")
MODELS = (OURS, STATE, *BASELINES)
HISTORY = "120D"
MOST_MISMATCH = 0.2


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """Outcome of a study: metrics with intervals, comparisons, placebos, what was used and what lacked.

    Attributes
    ----------
    name : str
    scores : DataFrame
        model, metric, value, error, low, high.
    comparisons : DataFrame
        claim, value, error, low, high, reference, holds.
    placebos : DataFrame
        placebo, metric, value, ours.
    markets : DataFrame
        symbol, hours, units, positive, basis, note.
    used, lacked, notes : tuple of str
    """

    name: str
    scores: pd.DataFrame
    comparisons: pd.DataFrame
    placebos: pd.DataFrame
    markets: pd.DataFrame
    used: tuple[str, ...] = ()
    lacked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Show the table: what a terminal prints."""
        return self.table()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; unknown is None."""
        tables = {name: _records(getattr(self, name)) for name in ("scores", "comparisons", "placebos", "markets")}
        texts = {name: list(getattr(self, name)) for name in ("used", "lacked", "notes")}
        return {"name": self.name, **tables, **texts}

    def table(self) -> str:
        """Everything as text for a terminal."""
        parts = [f"Study: {self.name}", ""]
        if not self.scores.empty:
            cells = self.scores.assign(
                cell=[f"{v:.3f} ± {e:.3f}" for v, e in self.scores[["value", "error"]].to_numpy()]
            )
            wide = cells.pivot_table(index="model", columns="metric", values="cell", aggfunc="first", sort=False)
            parts += ["Value ± standard error by day", wide.to_string(), ""]
            parts += [self.comparisons.to_string(index=False, float_format="{:.4f}".format), ""]
            parts += [self.placebos.to_string(index=False, float_format="{:.4f}".format), ""]
        parts += [self.markets.to_string(index=False), ""]
        for title, lines in (("Used", self.used), ("Lacked", self.lacked), ("Notes", self.notes)):
            parts += [f"{title}:", *(f"  {line}" for line in lines or ("nothing",))]
        return "\n".join(parts)


def study(
    markets: Sequence[Market],
    *,
    settings: MapSettings | None = None,
    seed: int = 7,
    used: tuple[str, ...] = (),
    lacked: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> StudyResult:
    """Score the map and the baselines on every market with true positions.

    Parameters
    ----------
    markets : sequence of Market
    settings : MapSettings, optional
        Nothing is fitted to the truth; the two distance baselines ARE, which errs in their favour.
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
    overview = pd.DataFrame(rows, columns=["symbol", "hours", "units", "positive", "basis", "note"])
    kept = [part for part in parts if not part.empty]
    units = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame({"truth": []})
    if not (units["truth"] > 0).any():
        lacked += ("true liquidation prices within 10 % of the mark for a symbol with candles",)
        blank = pd.DataFrame()
        return StudyResult(
            name="liquidation", scores=blank, comparisons=blank, placebos=blank, markets=overview,
            used=used, lacked=lacked, notes=notes,
        )  # fmt: skip
    units["distance only"] = evaluate.fitted_distance(units)
    units["distance x volatility"] = evaluate.fitted_distance_volatility(units)
    scores = evaluate.score(units, MODELS)
    comparisons = _comparisons(units, scores)
    return StudyResult(
        name="liquidation",
        scores=scores,
        comparisons=comparisons,
        placebos=_placebos(units, seed),
        markets=overview,
        used=used,
        lacked=lacked,
        notes=notes + _reading(units) + _failures(comparisons),
    )


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
    plain = MapSettings(**{**_fields(settings), "recency_half_life": None})
    state = liquidation_map(candles, market.open_interest, brackets=market.brackets, settings=plain, at=at)
    held = shown.open_interest[:, None, None]
    models = {
        OURS: baselines.map_masses(shown, prices=marks) / held,
        STATE: baselines.map_masses(state, prices=marks) / held,
        "uniform": baselines.uniform(len(at)),
        "volume profile": _shares(baselines.volume_profile(candles, at, prices=marks)),
        "entry*(1-1/L)": _shares(baselines.naive_map(candles, at, prices=marks)),
    }
    units = _unit_table(market.symbol, at, true_shares(truth, at), models)
    units["volatility"] = np.repeat(baselines.volatility(candles, at), 2 * (len(BANDS) - 1))
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


def _shares(masses: evaluate.Array) -> evaluate.Array:
    """Masses of each instant as shares of their sum."""
    total = masses.sum(axis=(1, 2), keepdims=True)
    return np.asarray(np.divide(masses, total, out=np.zeros_like(masses), where=total > 0))


def _comparisons(units: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Claims the map must meet: AUC over each baseline, incremental R2 and deviance skill."""
    rows = []
    for other in BASELINES:
        gain = evaluate.difference(units, OURS, other)
        wanted = evaluate.REFERENCE_AUC_GAIN if other == "distance only" else 0.0
        rows.append((f"AUC gain over {other}", gain.value, gain.error, gain.low, gain.high, wanted))
    for other in BASELINES:
        gain = evaluate.difference(units, OURS, other, within="symbol")
        wanted = evaluate.REFERENCE_AUC_GAIN if other == "distance only" else 0.0
        rows.append((f"AUC gain within symbol over {other}", gain.value, gain.error, gain.low, gain.high, wanted))
    for metric, wanted in (("incremental R2", evaluate.REFERENCE_R2), ("deviance skill", 0.0)):
        found = scores[(scores["model"] == OURS) & (scores["metric"] == metric)].iloc[0]
        claim = f"{metric} over distance x volatility"
        rows.append((claim, found["value"], found["error"], found["low"], found["high"], wanted))
    table = pd.DataFrame(rows, columns=["claim", "value", "error", "low", "high", "reference"])
    return table.assign(holds=(table["value"] >= table["reference"]) & (table["low"] > 0))


def _placebos(units: pd.DataFrame, seed: int) -> pd.DataFrame:
    """AUC of the map at the wrong time and on the wrong side; a map that knows something loses by either."""
    positive = units["truth"].to_numpy() > 0
    band, symbol = units["band"].to_numpy(), units["symbol"].to_numpy()
    shuffles = [evaluate.shuffled_in_time(units, OURS, seed=seed + i) for i in range(evaluate.SHUFFLES)]
    metrics: dict[str, Callable[[evaluate.Array], float]] = {
        "auc": lambda values: evaluate.auc(values, positive),
        "auc within symbol": lambda values: evaluate.within_auc(values, positive, symbol),
        "auc within band": lambda values: evaluate.within_auc(values, positive, band),
    }
    rows = []
    for name, metric in metrics.items():
        ours = metric(units[OURS].to_numpy())
        rows.append(("time shuffle", name, float(np.mean([metric(values) for values in shuffles])), ours))
        rows.append(("mirror band", name, metric(evaluate.mirrored(units, OURS)), ours))
    return pd.DataFrame(rows, columns=["placebo", "metric", "value", "ours"])


def _reading(units: pd.DataFrame) -> tuple[str, ...]:
    days = units["day"].nunique()
    positive = int((units["truth"] > 0).sum())
    lines = [
        f"{len(units)} units, {positive} with a true liquidation price, {days} days: intervals use {days} clusters",
        "the two distance baselines are fitted to the truth itself, which errs in their favour; the map to nothing",
        "AUC over all symbols also rewards knowing which symbols hold positions: read it beside the one within symbol",
    ]
    if days < 2:
        lines.append("one day only: no intervals and no held-out fits")
    return tuple(lines)


def _failures(comparisons: pd.DataFrame) -> tuple[str, ...]:
    """Say in words which claims do not hold."""
    failed = comparisons[~comparisons["holds"]]
    return tuple(
        f"does NOT hold: {row.claim} is {row.value:.3f} [{row.low:.3f}, {row.high:.3f}], wanted >= {row.reference:.3f} "
        "with the interval above zero"
        for row in failed.itertuples()
    )


def _fields(settings: MapSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in MapSettings.__dataclass_fields__}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    plain = table.astype(object).where(table.notna(), None)
    return [
        {str(key): getattr(value, "item", lambda v=value: v)() for key, value in row.items()}
        for row in plain.to_dict("records")
    ]
