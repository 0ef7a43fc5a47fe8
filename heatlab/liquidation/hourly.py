"""How well the quantity a map loses to the price in an hour follows the liquidations reported for that hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heatlab.frames import infer_timeframe
from heatlab.liquidation import _kernel
from heatlab.liquidation.density import liquidation_map
from heatlab.liquidation.evaluate import Estimate, by_day
from heatlab.liquidation.settings import MapSettings

COLUMNS = ("symbol", "side", "measure", "hours", "value", "error", "low", "high")
SIDES = ("long", "short")
BASELINE = "range x sqrt(volume)"
HOUR = pd.Timedelta("1h")
WARM_UP = pd.Timedelta("7D")
LEAST_HOURS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedTotals:
    """Liquidations reported for one symbol and what the map needs to be compared with them.

    Attributes
    ----------
    symbol : str
    candles : DataFrame
        Canonical candles, one hour or shorter.
    totals : DataFrame
        Index: OPEN of the hour; columns ``long`` and ``short`` [quote].
    open_interest, brackets : DataFrame, optional
    """

    symbol: str
    candles: pd.DataFrame
    totals: pd.DataFrame
    open_interest: pd.DataFrame | None = None
    brackets: pd.DataFrame | None = None


def score_totals(reported: Sequence[ReportedTotals], *, settings: MapSettings | None = None) -> pd.DataFrame:
    """Correlate consumed with reported quantity, hour by hour and side by side.

    What the map consumes in an hour is what it held at the prices the hour reached. Nothing is fitted. The baseline
    knows how far the price went and how much was traded: ``range x sqrt(volume)``, the range of a side being the
    fall of the hour's low (long) or the rise of its high (short) from its open.

    Parameters
    ----------
    reported : sequence of ReportedTotals
    settings : MapSettings, optional

    Returns
    -------
    DataFrame
        symbol, side, measure, hours, value, error, low, high. Measures: "map" and the baseline (correlation of
        square roots), "gain" (their difference) and "level" (consumed over reported quantity).
    """
    rows: list[tuple[object, ...]] = []
    for one in reported:
        for side, table in hourly_table(one, settings=settings).items():
            for measure, found in _measures(table).items():
                rows.append((one.symbol, side, measure, len(table), found.value, found.error, found.low, found.high))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def hourly_table(reported: ReportedTotals, *, settings: MapSettings | None = None) -> dict[str, pd.DataFrame]:
    """Line up what was reported, consumed [quote] and guessed in each hour that candles and totals cover, per side.

    Counts from a week after the candles or the open interest begin; empty where fewer than two days are left.
    """
    candles, interest = reported.candles, reported.open_interest
    bar = infer_timeframe(candles).delta
    begin = candles.index[0]
    if interest is not None and not interest.empty:
        begin = max(begin, interest.index[0])
    hours = pd.DatetimeIndex(reported.totals.index)
    hours = hours[(hours >= begin + WARM_UP) & (hours + HOUR <= candles.index[-1] + bar)]
    if bar > HOUR or len(hours) < LEAST_HOURS:
        return {}
    at = pd.date_range(hours[0], hours[-1] + HOUR, freq=HOUR)
    table = liquidation_map(candles, interest, brackets=reported.brackets, settings=settings, at=at)
    consumed = np.diff(table.ledger[:, :, _kernel.CONSUMED], axis=0) * table.closes[1:, None]
    whole = candles.groupby(pd.DatetimeIndex(candles.index).floor("h")).agg(
        {"open": "first", "high": "max", "low": "min", "volume": "sum"}
    )
    whole = whole.reindex(at[:-1])
    reach = {"long": 1 - whole["low"] / whole["open"], "short": whole["high"] / whole["open"] - 1}
    result = {}
    for row, side in enumerate(SIDES):
        frame = pd.DataFrame({"consumed": consumed[:, row], "baseline": reach[side] * np.sqrt(whole["volume"])})
        frame = frame.assign(reported=reported.totals[side]).dropna()
        result[side] = frame.assign(day=pd.DatetimeIndex(frame.index).as_unit("ms").asi8 // 86_400_000)
    return result


def _measures(table: pd.DataFrame) -> dict[str, Estimate]:
    def related(part: pd.DataFrame, name: str) -> float:
        return float(np.corrcoef(np.sqrt(part[name]), np.sqrt(part["reported"]))[0, 1])

    return {
        "map": by_day(lambda part: related(part, "consumed"), table),
        BASELINE: by_day(lambda part: related(part, "baseline"), table),
        "gain": by_day(lambda part: related(part, "consumed") - related(part, "baseline"), table),
        "level": by_day(lambda part: float(part["consumed"].sum() / part["reported"].sum()), table),
    }
