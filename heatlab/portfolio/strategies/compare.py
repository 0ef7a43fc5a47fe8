"""Two strategies side by side: return, heat, concentration, and what leverage would have done to them.

A comparison of two histories is one draw. So the verdict is an interval of the difference in growth, and where it
holds 0 the two are not distinguishable; what happened to the margin is told as what happened, not as what will.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.domain import NAN, Side, Timeframe
from heatlab.errors import DataError
from heatlab.frames import POSITIONS, check
from heatlab.heat import momentum_heat
from heatlab.portfolio.correlation.estimate import CorrelationSettings
from heatlab.portfolio.covariance import covariance
from heatlab.portfolio.orders.account import Brackets
from heatlab.portfolio.risk import effective_bets, effective_positions, effective_principal_bets, net_contributions
from heatlab.portfolio.strategies.coverage import Coverage, followed
from heatlab.portfolio.strategies.path import HOUR, Key, StrategyPath, hourly_bars, strategy_path
from heatlab.portfolio.strategies.trades import check_trades, is_trades
from heatlab.portfolio.strategies.verdict import (
    DAYS_A_YEAR,
    DEFAULT,
    CompareSettings,
    LeverageVerdict,
    leverage_verdict,
)

Floats = NDArray[np.float64]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MOST_POINTS = 1_500
CURVES = ["strategy", "leverage", "time", "equity"]


@dataclass(frozen=True)
class Comparison:
    """Two strategies over the hours both can be followed.

    Attributes
    ----------
    names : tuple of str
    start, end : Timestamp
    outcomes : DataFrame
        Per strategy and leverage (1 first): strategy, leverage, return [fraction], max_drawdown [fraction, <= 0],
        volatility [per year at that leverage], growth [log per year at constant leverage], liquidated_at (first close
        at which equity was at or below maintenance margin; NaT), possible_at (first bar in which it may have been, had
        every leg met its worst price at once; NaT).
    curves : DataFrame
        strategy, leverage, time, equity [fraction of the start].
    heat : DataFrame
        Heat of each book by time, columns the names; [0-100].
    heat_quantiles : DataFrame
        strategy, bars, q05 ... q95, share_red, share_green.
    concentration : DataFrame
        strategy, legs, gross [quote], effective_positions, effective_bets, principal_bets (along
        principal components: 1 = one bet under many names), largest_share.
    verdicts : tuple of LeverageVerdict
    notes : tuple of str
    coverage : tuple of Coverage
        What is left out of each.
    """

    names: tuple[str, str]
    start: pd.Timestamp
    end: pd.Timestamp
    outcomes: pd.DataFrame
    curves: pd.DataFrame
    heat: pd.DataFrame
    heat_quantiles: pd.DataFrame
    concentration: pd.DataFrame
    verdicts: tuple[LeverageVerdict, ...]
    notes: tuple[str, ...]
    coverage: tuple[Coverage, ...] = ()


def compare_strategies(
    first: pd.DataFrame,
    second: pd.DataFrame,
    candles: Mapping[Key, pd.DataFrame],
    *,
    now: pd.Timestamp,
    names: tuple[str, str] = ("A", "B"),
    brackets: Brackets | None = None,
    settings: CompareSettings = DEFAULT,
) -> Comparison:
    """Compare two books, two lists of trades, or one of each.

    A book is bought at its weights of today on the first hour all its markets know, and held: quantities stay, so its
    leverage drifts with the market. Trades are followed as they were made, open ones at the close. At each leverage
    equity starts at the gross exposure over it; the account is one, cross, and is lost when equity is at or below
    maintenance margin by the brackets of its markets. Funding and fees are not included. What has no candles or no
    known size is left out and named in the verdict; beyond ``settings.most_left_out`` there is none.

    Parameters
    ----------
    first, second : DataFrame
        Canonical positions, or trades as :func:`heatlab.portfolio.strategies.trades.check_trades` takes them.
    candles : mapping of (venue, symbol, timeframe) to DataFrame
        ``1h`` bars give prices, those of ``heat_timeframe`` the heat. Bars that close after ``now`` are left out.
    now : Timestamp (UTC)
    names : tuple of two str
    brackets : mapping of (venue, symbol) to DataFrame, optional
        Assumed, and said so, where a market has none.
    settings : CompareSettings

    Returns
    -------
    Comparison

    Raises
    ------
    MissingColumnsError, DataError
        A table is neither; nothing of one can be followed; the two share no hours.
    """
    tables, coverage, notes = [], [], []
    for table, name in zip((first, second), names, strict=True):
        kept, told = followed(_checked(table, name), candles, name=name)
        if kept.empty:
            words = told.words or "It is empty."
            raise DataError(f"Nothing of {name} can be followed, so it cannot be compared. {words}")
        tables.append(kept)
        coverage.append(told)
    bars = hourly_bars(tables, candles, now)
    paths = [strategy_path(table, bars) for table in tables]
    given = brackets or {}
    missing = sorted({leg[0] for path in paths for leg in path.legs if (leg[1], leg[0]) not in given})
    if missing:
        notes.append(f"Leverage brackets assumed, those of BTC on a large venue: {', '.join(missing)}.")
    outcomes, curves = _outcomes(paths, names, given, settings)
    heat = _heat(paths, names, candles, settings)
    index, daily = paths[0].index, (paths[0].daily, paths[1].daily)
    return Comparison(
        names=names,
        start=index[0],
        end=index[-1] + HOUR,
        outcomes=outcomes,
        curves=curves,
        heat=heat,
        heat_quantiles=_heat_quantiles(heat, settings),
        concentration=_concentration(paths, names),
        verdicts=tuple(
            leverage_verdict(daily, outcomes, names=names, leverage=one, settings=settings, coverage=coverage)
            for one in settings.leverages
        ),
        notes=tuple(notes),
        coverage=tuple(coverage),
    )


def _checked(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return check_trades(table, where=name) if is_trades(table) else check(table, POSITIONS, where=name)


def _outcomes(
    paths: list[StrategyPath], names: tuple[str, str], brackets: Brackets, settings: CompareSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows, curves = [], []
    for path, name in zip(paths, names, strict=True):
        needed, worst = path.maintenance(brackets), path.worst()
        for leverage in (1.0, *settings.leverages):
            capital = path.gross / leverage
            equity, ruined = _equity(path, capital, needed)
            rows.append({"strategy": name, "leverage": leverage, **_outcome(path, equity, ruined, leverage)})
            rows[-1]["possible_at"] = _first(path, capital + worst <= needed, ruined)
            curves.append(_curve(path, equity, ruined, name, leverage))
    outcomes = pd.DataFrame(rows)
    for column in ("liquidated_at", "possible_at"):
        outcomes[column] = pd.to_datetime(outcomes[column], utc=True)
    return outcomes, pd.concat(curves, ignore_index=True)[CURVES]


def _equity(path: StrategyPath, capital: float, needed: Floats) -> tuple[Floats, int]:
    """Equity over capital at each close, 0 from liquidation on, and the bar of it (the length where there is none)."""
    money = capital + path.pnl
    at_risk = (path.notional.sum(axis=1) > 0) | (money <= 0)
    broke = np.flatnonzero((money <= needed) & at_risk)
    ruined = int(broke[0]) if broke.size else len(money)
    return np.where(np.arange(len(money)) < ruined, money / capital, 0.0), ruined


def _outcome(path: StrategyPath, equity: Floats, ruined: int, leverage: float) -> dict[str, Any]:
    peak = np.maximum.accumulate(np.maximum(equity, 1.0))
    daily = path.daily.to_numpy(dtype=np.float64) * leverage
    with np.errstate(divide="ignore"):
        growth = np.log(np.maximum(1 + daily, 0.0)).mean() * DAYS_A_YEAR if len(daily) else NAN
    return {
        "return": float(equity[-1] - 1),
        "max_drawdown": float((equity / peak - 1).min()),
        "volatility": float(daily.std(ddof=1) * math.sqrt(DAYS_A_YEAR)) if len(daily) > 1 else NAN,
        "growth": float(growth),
        "liquidated_at": path.index[ruined] + HOUR if ruined < len(equity) else pd.NaT,
    }


def _first(path: StrategyPath, hit: NDArray[np.bool_], ruined: int) -> Any:
    """Open time of the first bar in which the margin may have run out; NaT where none."""
    places = np.flatnonzero(hit & (path.notional.sum(axis=1) > 0))
    place = int(places[0]) if places.size else ruined
    return path.index[place] if place < len(path.index) else pd.NaT


def _curve(path: StrategyPath, equity: Floats, ruined: int, name: str, leverage: float) -> pd.DataFrame:
    count = len(equity)
    kept = np.unique(np.r_[np.arange(0, count, max(count // MOST_POINTS, 1)), count - 1, min(ruined, count - 1)])
    times = (path.index + HOUR)[kept]
    return pd.DataFrame({"strategy": name, "leverage": leverage, "time": times, "equity": equity[kept]})


def _heat(
    paths: list[StrategyPath], names: tuple[str, str], candles: Mapping[Key, pd.DataFrame], settings: CompareSettings
) -> pd.DataFrame:
    """Heat of each strategy by time: mean over its legs, weighted by value times volatility."""
    columns = {name: _path_heat(path, candles, settings) for path, name in zip(paths, names, strict=True)}
    return pd.DataFrame(columns)


def _path_heat(path: StrategyPath, candles: Mapping[Key, pd.DataFrame], settings: CompareSettings) -> pd.Series:
    step = Timeframe.parse(settings.heat_timeframe).delta
    closed = path.index + HOUR
    weight = path.notional * np.nanstd(np.diff(np.log(path.close), axis=0), axis=0)
    total, heat = pd.Series(0.0, index=closed), pd.Series(0.0, index=closed)
    for place, (symbol, venue, side) in enumerate(path.legs):
        bars = candles.get((venue, symbol, settings.heat_timeframe))
        if bars is None or bars.empty:
            continue
        reading = momentum_heat(bars, Side(side), settings=settings.heat)["heat"]
        known = reading.set_axis(reading.index + step).reindex(closed)
        part = np.where(known.notna(), weight[:, place], 0.0)
        total, heat = total + part, heat + part * known.fillna(0.0)
    return (heat / total.where(total > 0)).dropna()


def _heat_quantiles(heat: pd.DataFrame, settings: CompareSettings) -> pd.DataFrame:
    rows = []
    for name in heat.columns:
        known = heat[name].dropna()
        quantiles = {f"q{100 * q:02.0f}": float(known.quantile(q)) if len(known) else NAN for q in QUANTILES}
        red = float((known < settings.heat.red).mean()) if len(known) else NAN
        green = float((known >= settings.heat.green).mean()) if len(known) else NAN
        rows.append({"strategy": name, "bars": len(known), **quantiles, "share_red": red, "share_green": green})
    return pd.DataFrame(rows)


def _concentration(paths: list[StrategyPath], names: tuple[str, str]) -> pd.DataFrame:
    """Concentration of what was held on average, with the covariance of the whole stretch."""
    rows = []
    for path, name in zip(paths, names, strict=True):
        symbols = [symbol for symbol, _, _ in path.legs]
        held = path.notional.mean(axis=0)
        closes = pd.DataFrame(path.close, index=path.index, columns=symbols)
        whole = CorrelationSettings(window=f"{max((path.index[-1] - path.index[0]).days + 1, 1)}D")
        matrix = covariance(closes, settings=whole)
        parts = net_contributions(held * path.sides, matrix, instruments=symbols)
        sizes = pd.Series(held).groupby(symbols).sum()
        bets = pd.Series(parts).groupby(symbols).sum(min_count=1)
        rows.append(
            {
                "strategy": name,
                "legs": len(symbols),
                "gross": path.gross,
                "effective_positions": effective_positions(sizes),
                "effective_bets": effective_bets(bets),
                "principal_bets": effective_principal_bets(held * path.sides, matrix),
                "largest_share": float(sizes.max() / sizes.sum()) if sizes.sum() > 0 else NAN,
            }
        )
    return pd.DataFrame(rows)
