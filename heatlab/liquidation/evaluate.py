"""How well a score of (symbol, hour, side, distance band) tells where true liquidation prices lie.

A unit is positive if it holds a true liquidation price. Every metric comes with a standard error from leaving out
one day at a time: units of a day share the market's moves and are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from heatlab.errors import DataError
from heatlab.liquidation.baselines import BANDS

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

ECE_BINS = 10
RATIO_BINS = 12
SHUFFLES = 20
FLOOR = 1e-6
REFERENCE_AUC_GAIN = 0.03
REFERENCE_R2 = 0.044


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric, its day-clustered standard error and the 95 % interval (Student t, days - 1 degrees of freedom)."""

    value: float
    error: float
    low: float
    high: float


def auc(score: Array, positive: Flags, *, weight: Array | None = None) -> float:
    """Chance that a positive unit scores above a negative one, ties half; ``weight`` weighs the positives.

    NaN without both kinds.
    """
    n_negative = int((~positive).sum())
    if not positive.any() or not n_negative:
        return float("nan")
    below = (_ranks(score)[positive] - _ranks(score[positive])) / n_negative
    return float(np.average(below, weights=None if weight is None else weight[positive]))


def _ranks(values: Array) -> Array:
    """Ranks from 1, ties get their mean."""
    return np.asarray(pd.Series(values).rank(), dtype=np.float64)


def within_auc(score: Array, positive: Flags, group: NDArray[Any]) -> float:
    """AUC among units of the same group, averaged by positives.

    Within the same distance band it is what distance alone cannot give; within the same symbol it leaves out that
    some symbols hold more true positions than others.
    """
    pairs = [(auc(score[group == g], positive[group == g]), int(positive[group == g].sum())) for g in np.unique(group)]
    kept = [(value, count) for value, count in pairs if np.isfinite(value)]
    return float(np.average([v for v, _ in kept], weights=[c for _, c in kept])) if kept else float("nan")


def lift(score: Array, truth: Array, *, top: float = 0.10) -> float:
    """Share of the truth found in the best ``top`` of the units, over ``top``; ties share alike."""
    if truth.sum() <= 0:
        return float("nan")
    frame = pd.DataFrame({"score": score, "truth": truth, "count": 1.0})
    groups = frame.groupby("score").sum().iloc[::-1]
    found = np.interp(top * len(score), np.r_[0, groups["count"].cumsum()], np.r_[0, groups["truth"].cumsum()])
    return float(found / truth.sum() / top)


def r_squared(columns: Sequence[Array], truth: Array) -> float:
    """Share of the variance of ``truth`` an ordinary regression on the columns explains."""
    design = np.column_stack([np.ones(len(truth)), *columns])
    fitted = design @ np.linalg.lstsq(design, truth, rcond=None)[0]
    variance = ((truth - truth.mean()) ** 2).sum()
    return float(1 - ((truth - fitted) ** 2).sum() / variance) if variance > 0 else float("nan")


def fit_logistic(design: Array, positive: Array, *, ridge: float = 1e-3, steps: int = 25) -> Array:
    """Coefficients of a logistic regression by Newton's method; ``ridge`` keeps them finite."""
    beta = np.zeros(design.shape[1])
    penalty = ridge * np.eye(design.shape[1])
    for _ in range(steps):
        chance = logistic(design @ beta)
        gradient = design.T @ (positive - chance) - penalty @ beta
        hessian = (design * (chance * (1 - chance))[:, None]).T @ design + penalty
        step = np.linalg.solve(hessian, gradient)
        beta = beta + step
        if np.abs(step).max() < 1e-8:
            break
    return np.asarray(beta, dtype="float64")


def logistic(value: Array) -> Array:
    """Inverse of the log odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -30, 30))))


def held_out_chances(columns: Sequence[Array], positive: Flags, day: NDArray[np.int64]) -> Array:
    """Chance of each unit by logistic regressions that never saw its day."""
    design = np.column_stack([np.ones(len(positive)), *(_standard(column) for column in columns)])
    chance = np.full(len(positive), np.nan)
    for one in np.unique(day):
        out = day == one
        if not out.all():
            chance[out] = logistic(design[out] @ fit_logistic(design[~out], positive[~out].astype("float64")))
    return chance


def deviance_skill(chance: Array, reference: Array, positive: Flags) -> float:
    """1 minus the deviance of ``chance`` over that of ``reference``: above 0 is better."""
    return 1 - deviance(chance, positive) / deviance(reference, positive)


def deviance(chance: Array, positive: Flags) -> float:
    """Mean binomial deviance."""
    inside = np.clip(chance, 1e-9, 1 - 1e-9)
    return float(-2 * np.where(positive, np.log(inside), np.log1p(-inside)).mean())


def calibration_error(chance: Array, positive: Flags, *, bins: int = ECE_BINS) -> float:
    """Measure the expected calibration error over equally filled bins."""
    if not np.isfinite(chance).all():
        return float("nan")
    groups = np.array_split(np.argsort(chance, kind="stable"), bins)
    gaps = [abs(chance[g].mean() - positive[g].mean()) * len(g) for g in groups if len(g)]
    return float(np.sum(gaps) / len(chance))


def earth_movers_distance(units: pd.DataFrame, model: str, *, bands: tuple[float, ...] = BANDS) -> float:
    """Mean distance [fraction of price] the model's quantity must move to match the truth within 10 %.

    Per symbol and hour both are normalised to 1 over the signed bands; hours without truth do not count.
    """
    middles = (np.asarray(bands[1:]) + np.asarray(bands[:-1])) / 2
    points = np.r_[-middles[::-1], middles]
    costs = []
    for _, hour in units.groupby(["symbol", "timestamp"], sort=False):
        order = np.argsort(-hour["side"].to_numpy() * middles[hour["band"].to_numpy()], kind="stable")
        truth, guess = hour["truth"].to_numpy()[order], hour[model].to_numpy()[order]
        if truth.sum() > 0 and len(order) == len(points):
            share = guess / guess.sum() if guess.sum() > 0 else np.full(len(guess), 1 / len(guess))
            gap = np.cumsum(truth / truth.sum() - share)[:-1]
            costs.append(float((np.abs(gap) * np.diff(points)).sum()))
    return float(np.mean(costs)) if costs else float("nan")


def by_day(metric: Callable[[pd.DataFrame], float], units: pd.DataFrame) -> Estimate:
    """Metric with its jack-knife over days."""
    value = metric(units)
    days = np.unique(units["day"])
    without = np.array([metric(units[units["day"] != day]) for day in days]) if len(days) > 1 else np.array([np.nan])
    without = without[np.isfinite(without)]
    if len(without) < 2:
        return Estimate(value, float("nan"), float("nan"), float("nan"))
    error = float(np.sqrt((len(without) - 1) * without.var()))
    reach = float(stdtrit(len(without) - 1, 0.975)) * error
    return Estimate(value, error, value - reach, value + reach)


def fitted_distance(units: pd.DataFrame) -> Array:
    """Distance only: the mean truth of the band.

    Fitted to the very truth it is scored on, which errs in its favour: leaving days out would rank a day with much
    truth below one with little and make the baseline too easy to beat.
    """
    return _group_mean(units, units["band"].to_numpy())


def fitted_distance_volatility(units: pd.DataFrame, *, bands: tuple[float, ...] = BANDS) -> Array:
    """Distance x volatility: the mean truth at this distance in daily volatilities, fitted like the one above."""
    middles = (np.asarray(bands[1:]) + np.asarray(bands[:-1])) / 2
    ratio = middles[units["band"].to_numpy()] / units["volatility"].to_numpy()
    cuts = np.unique(np.quantile(ratio, np.linspace(0, 1, RATIO_BINS + 1)[1:-1]))
    return _group_mean(units, np.searchsorted(cuts, ratio))


def _group_mean(units: pd.DataFrame, group: NDArray[np.int64]) -> Array:
    return units["truth"].groupby(group).transform("mean").to_numpy(dtype="float64", copy=True)


def shuffled_in_time(units: pd.DataFrame, model: str, *, seed: int) -> Array:
    """Placebo: the score the same symbol, side and band had at a random hour of another day."""
    rng = np.random.default_rng(seed)
    result = units[model].to_numpy(copy=True)
    rows = units.reset_index(drop=True)
    for _, symbol in rows.groupby("symbol", sort=False):
        hours = {hour: part.index.to_numpy() for hour, part in symbol.groupby("timestamp", sort=False)}
        days = symbol.groupby("timestamp", sort=False)["day"].first()
        for hour, here in hours.items():
            others = days.index[(days != days[hour]).to_numpy()]
            if len(others):
                result[here] = rows[model].to_numpy()[hours[others[int(rng.integers(len(others)))]]]
    return result


def mirrored(units: pd.DataFrame, model: str) -> Array:
    """Placebo: the score of the same band on the other side of the price."""
    keyed = units.set_index(["symbol", "timestamp", "band", "side"])[model]
    other = pd.MultiIndex.from_arrays([units["symbol"], units["timestamp"], units["band"], -units["side"]])
    return np.asarray(keyed.reindex(other).to_numpy(), dtype="float64")


def score(
    units: pd.DataFrame,
    models: Sequence[str],
    *,
    reference: str = "distance x volatility",
    metrics: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Score models against the truth.

    Parameters
    ----------
    units : DataFrame
        One row per unit: symbol, timestamp, day (int), side, band, truth (share of the side's true notional whose
        liquidation price lies there) and one column per model.
    models : sequence of str
    reference : str
        Model the incremental R2 and the deviance skill are counted over.
    metrics : sequence of str, optional
        Only these.

    Returns
    -------
    DataFrame
        One row per model and metric: model, metric, value, error, low, high.

    Raises
    ------
    DataError
        There is no unit, or none is positive.
    """
    if units.empty or not (units["truth"] > 0).any():
        raise DataError("score needs units with true liquidation prices within the bands. Got none.")
    rows = []
    for model in models:
        for name, metric in _metrics(model, reference).items():
            if metrics is not None and name not in metrics:
                continue
            found = by_day(metric, units)
            rows.append((model, name, found.value, found.error, found.low, found.high))
    return pd.DataFrame(rows, columns=["model", "metric", "value", "error", "low", "high"])


def difference(units: pd.DataFrame, model: str, other: str, *, within: str | None = None) -> Estimate:
    """AUC of ``model`` minus AUC of ``other``, both recomputed as each day is left out.

    ``within`` names a column ("symbol", "band"): the AUC is then taken among units alike in it.
    """

    def gap(part: pd.DataFrame) -> float:
        positive = part["truth"].to_numpy() > 0
        group = part[within].to_numpy() if within else np.zeros(len(part))
        return within_auc(part[model].to_numpy(), positive, group) - within_auc(part[other].to_numpy(), positive, group)

    return by_day(gap, units)


def _metrics(model: str, reference: str) -> dict[str, Callable[[pd.DataFrame], float]]:
    def scored(part: pd.DataFrame) -> tuple[Array, Flags, Array]:
        truth = part["truth"].to_numpy()
        return part[model].to_numpy(), truth > 0, truth

    def weighted(part: pd.DataFrame) -> float:
        value, positive, truth = scored(part)
        return auc(value, positive, weight=truth)

    def skill(part: pd.DataFrame) -> float:
        _, positive, _ = scored(part)
        base, day = _log(part[reference]), part["day"].to_numpy()
        chance = held_out_chances([base, _log(part[model])], positive, day)
        return deviance_skill(chance, held_out_chances([base], positive, day), positive)

    def added(part: pd.DataFrame) -> float:
        root, base = np.sqrt(part["truth"].to_numpy()), np.sqrt(part[reference].to_numpy())
        return r_squared([base, np.sqrt(part[model].to_numpy())], root) - r_squared([base], root)

    def calibration(part: pd.DataFrame) -> float:
        _, positive, _ = scored(part)
        return calibration_error(held_out_chances([_log(part[model])], positive, part["day"].to_numpy()), positive)

    return {
        "auc": lambda part: auc(*scored(part)[:2]),
        "auc by notional": weighted,
        "auc within symbol": lambda part: within_auc(*scored(part)[:2], part["symbol"].to_numpy()),
        "auc within band": lambda part: within_auc(*scored(part)[:2], part["band"].to_numpy()),
        "lift at 10 %": lambda part: lift(scored(part)[0], scored(part)[2]),
        "incremental R2": added,
        "deviance skill": skill,
        "earth mover's distance": lambda part: earth_movers_distance(part, model),
        "calibration error": calibration,
    }


def _log(values: pd.Series) -> Array:
    return np.asarray(np.log(np.maximum(values.to_numpy(dtype="float64"), 0) + FLOOR))


def _standard(column: Array) -> Array:
    spread = column.std()
    return np.asarray((column - column.mean()) / (spread if spread > 0 else 1.0))
