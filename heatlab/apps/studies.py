"""Studies on a folder of market data: open the files, hand the tables to the study, say what lacked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from heatlab.domain import Contract, Instrument
from heatlab.errors import DataError, SourceError
from heatlab.liquidation import Market, ReportedTotals, StudyResult, study
from heatlab.liquidation.study import HISTORY
from heatlab.margin import contract_of
from heatlab.sources import Capability, FolderSource, MarketSource, liquidation_totals
from heatlab.sources.hyperliquid_positions import BIAS, PLACE, read_true_positions
from heatlab.sources.liquidation_totals import read_liquidation_totals

if TYPE_CHECKING:
    from heatlab.sources import SimulatedSource

TIMEFRAMES = ("5m", "15m", "1h")
REACH = pd.Timedelta("1D")
SIMULATED_TIMEFRAME = "1h"
SIMULATED_DAYS = 10
SIMULATED_HOURS = 6


def liquidation_study(market_path: str | Path) -> StudyResult:
    """Score the liquidation map on true Hyperliquid positions, whatever coins the folder holds.

    Parameters
    ----------
    market_path : str or Path
        Folder with candles, optionally open interest and leverage brackets,
        ``hyperliquid/leaderboard_positions.parquet``, and hourly liquidation totals under ``liquidations_agg``.

    Returns
    -------
    StudyResult
        Without scores where the folder lacks true positions or candles for them; ``lacked`` says what.
    """
    source = FolderSource(market_path)
    totals, used, lacked = _totals(source, market_path)
    notes = (liquidation_totals.BIAS,) if totals else ()
    try:
        positions, notices = read_true_positions(market_path)
    except SourceError:
        return study([], totals=totals, used=tuple(used), lacked=(PLACE, *lacked), notes=notes)
    instruments = {item.base: item for item in reversed(source.instruments()) if _fits(item)}
    markets: list[Market] = []
    used = [PLACE, *used]
    lacked += [f"{notice.where}: {notice.message}" for notice in notices]
    bases = positions["base"].value_counts().index
    for base in (name for name in bases if name in instruments):
        _add(source, instruments[base], positions[positions["base"] == base], markets, used, lacked)
    without = [str(base) for base in bases if base not in instruments]
    if without:
        lacked.append(f"perpetual candles of {len(without)} coins with true positions ({', '.join(without[:8])}, ...)")
    return study(markets, totals=totals, used=tuple(used), lacked=tuple(lacked), notes=(BIAS, *notes))


def simulated_liquidation_study(*, seed: int = 7, symbols: int = 4) -> StudyResult:
    """Score the liquidation map on the simulated market, where every account is known.

    Parameters
    ----------
    seed : int
        Of the simulated market.
    symbols : int
        How many of its perpetuals, most traded first.
    """
    from heatlab.sources import SimulatedSource

    source = SimulatedSource(seed)
    end = source.now().floor("h")
    at = pd.date_range(end - pd.Timedelta(days=SIMULATED_DAYS), end, freq=f"{SIMULATED_HOURS}h")
    markets: list[Market] = []
    used: list[str] = []
    lacked: list[str] = []
    for item in [item for item in source.instruments() if _fits(item)][:symbols]:
        candles = source.candles(item.symbol, SIMULATED_TIMEFRAME, start=at[0] - pd.Timedelta(HISTORY))
        parts = [_accounts(source, item.symbol, instant, candles) for instant in at]
        truth = pd.concat([part for part in parts if not part.empty], ignore_index=True)
        markets.append(_market(source, item, candles, truth, SIMULATED_TIMEFRAME, lacked))
        used.append(f"{item.symbol} of the {source.name}")
    return study(markets, used=tuple(used), lacked=tuple(lacked), notes=("accounts are simulated, not real",))


def _accounts(source: SimulatedSource, symbol: str, instant: pd.Timestamp, candles: pd.DataFrame) -> pd.DataFrame:
    accounts = source.accounts(symbol, at=instant)
    closed = candles[candles.index < instant]
    return pd.DataFrame(
        {
            "timestamp": instant,
            "side": accounts["side"].astype("float64"),
            "quantity": accounts["quantity"].astype("float64"),
            "mark_price": float(closed["close"].iloc[-1]),
            "liquidation_price": accounts["liquidation_price"].astype("float64"),
        }
    )


def _totals(source: MarketSource, market_path: str | Path) -> tuple[list[ReportedTotals], list[str], list[str]]:
    """Load the symbols with hourly liquidation totals, at the shortest usual timeframe that covers them best."""
    tables, notices = read_liquidation_totals(market_path)
    found: list[ReportedTotals] = []
    used: list[str] = []
    lacked = [f"{notice.where}: {notice.message}" for notice in notices]
    instruments = {item.symbol: item for item in reversed(source.instruments()) if _fits(item)}
    for symbol, table in tables.items():
        if symbol not in instruments:
            lacked.append(f"{symbol}: perpetual candles to compare with the liquidation totals")
            continue
        item = instruments[symbol]
        best = _best_candles(source, item, table.index[0], table.index[-1], lacked)
        if best is None:
            continue
        used.append(f"hourly liquidation totals of {symbol}, {len(table)} hours from {table.index[0]:%Y-%m-%d}")
        open_interest, brackets = _optional(source, item, best[0], lacked)
        found.append(
            ReportedTotals(symbol=symbol, candles=best[1], totals=table, open_interest=open_interest, brackets=brackets)
        )
    return found, used, lacked


def _fits(item: Instrument) -> bool:
    """Tell linear perpetuals settled in a dollar from the rest."""
    linear = contract_of(item.symbol) == Contract.LINEAR
    return ":" in item.symbol and linear and item.quote in ("USDT", "USDC", "USD")


def _add(
    source: MarketSource,
    item: Instrument,
    truth: pd.DataFrame,
    markets: list[Market],
    used: list[str],
    lacked: list[str],
) -> None:
    """Load one symbol with the candles that cover the truth best, and note what lacks."""
    best = _best_candles(source, item, truth["timestamp"].iloc[0], truth["timestamp"].iloc[-1], lacked)
    if best is not None:
        used.append(f"{item.symbol} {best[0]} candles of {item.venue}")
        markets.append(_market(source, item, best[1], truth, best[0], lacked))


def _best_candles(
    source: MarketSource, item: Instrument, first: pd.Timestamp, last: pd.Timestamp, lacked: list[str]
) -> tuple[str, pd.DataFrame] | None:
    """Candles at the shortest usual timeframe that covers a span best; None, with a note, where none reaches it."""
    start = first - pd.Timedelta(HISTORY)
    known = source.timeframes(item.symbol, venue=item.venue)
    best: tuple[str, pd.DataFrame] | None = None
    for timeframe in (name for name in TIMEFRAMES if name in known):
        try:
            candles = source.candles(item.symbol, timeframe, venue=item.venue, start=start)
        except (DataError, SourceError) as error:
            lacked.append(str(error))
            continue
        if candles.empty or candles.index[-1] < first:
            continue
        if best is None or candles.index[-1] > best[1].index[-1] + REACH:
            best = timeframe, candles
        if best[1].index[-1] > last - REACH:
            break
    if best is None:
        lacked.append(f"{item.symbol}: candles at {', '.join(TIMEFRAMES)} that reach {first}")
    return best


def _market(
    source: MarketSource,
    item: Instrument,
    candles: pd.DataFrame,
    truth: pd.DataFrame,
    timeframe: str,
    lacked: list[str],
) -> Market:
    open_interest, brackets = _optional(source, item, timeframe, lacked)
    return Market(symbol=item.symbol, candles=candles, truth=truth, open_interest=open_interest, brackets=brackets)


def _optional(
    source: MarketSource, item: Instrument, timeframe: str, lacked: list[str]
) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Open interest and leverage brackets, as far as the venue has them."""
    known = source.capabilities(item.symbol, venue=item.venue)
    open_interest = brackets = None
    if Capability.OPEN_INTEREST in known:
        open_interest = source.open_interest(item.symbol, venue=item.venue, timeframe=timeframe)
    else:
        lacked.append(f"{item.symbol}: open interest of {item.venue} (volume stands in)")
    if Capability.BRACKETS in known:
        brackets = source.brackets(item.symbol, venue=item.venue)
    else:
        lacked.append(f"{item.symbol}: leverage brackets of {item.venue} (typical ones assumed)")
    return open_interest, brackets
