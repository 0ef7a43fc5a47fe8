"""The same book on two venues: heat, zones and marks side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heatlab._checks import parameter_error
from heatlab.domain import NAN, Timeframe
from heatlab.heat import HeatSettings
from heatlab.portfolio.book import RISK_TIMEFRAME, BookView, book_view

Key = tuple[str, str, str]
BET = ["symbol", "side"]
READING = ["heat", "zone"]
SIMILAR = 0.8
"""Histories whose lengths have at least this ratio count as alike."""


@dataclass(frozen=True)
class VenueComparison:
    """One book as two venues see it. "first" and "second" in column names are the venues; difference = second - first.

    Attributes
    ----------
    first, second : str
        Names of the venues.
    readings : DataFrame
        symbol, side, timeframe, heat_first, heat_second, difference, zone_first, zone_second, agree (1, 0 or NaN).
    overall : DataFrame
        Per position, the largest first: symbol, side, notional [quote], heat_first, heat_second, difference,
        zone_first, zone_second, agree, price_first, price_second [quote], basis [fraction of the first], as_of, note.
    book_heat : tuple of float
        Heat of the book on each; NaN where unknown.
    agreement : float
        Share of the readings known on both whose zones agree [fraction]; NaN if there are none.
    words : str
        One sentence for the screen.
    """

    first: str
    second: str
    readings: pd.DataFrame
    overall: pd.DataFrame
    book_heat: tuple[float, float] = (NAN, NAN)
    agreement: float = NAN
    words: str = ""


def venue_comparison(
    positions: pd.DataFrame,
    candles: Mapping[Key, pd.DataFrame],
    *,
    venues: Sequence[str],
    now: pd.Timestamp,
    settings: HeatSettings | None = None,
) -> VenueComparison:
    """Read the heat of a book as if all of it were held on each of two venues.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions. Those in one symbol and side are one here, wherever they are held.
    candles : mapping of (venue, symbol, timeframe) to DataFrame
        Closed bars of both venues.
    venues : sequence of two str
    now : Timestamp
    settings : HeatSettings, optional

    Returns
    -------
    VenueComparison
        A symbol that a venue has no bars for is unknown there, and ``note`` says so. Book heat on each venue is over
        the symbols BOTH have, so that the two numbers are about one book.

    Raises
    ------
    ParameterError
        There are not two different venues.
    """
    if len(venues) != 2 or venues[0] == venues[1]:
        raise parameter_error("venues", "venue_comparison", "two different venues", tuple(venues))
    used = settings or HeatSettings()
    bets = _bets(positions)
    views = [_view(bets, candles, venue, now, used) for venue in venues]
    readings = _side_by_side(views[0].table, views[1].table, [*BET, "timeframe"])
    overall = _side_by_side(views[0].overall, views[1].overall, BET)
    overall = bets[BET].assign(notional=_notional(bets)).merge(overall, on=BET, how="left")
    prices = [_prices(symbol, candles, venues, now) for symbol in overall["symbol"]]
    overall = pd.concat([overall, pd.DataFrame(prices, columns=["price_first", "price_second", "as_of"])], axis=1)
    overall["basis"] = overall["price_second"] / overall["price_first"] - 1
    has = {venue: {symbol for at, symbol, _ in candles if at == venue} for venue in venues}
    spans = [[_span(candles, venue, symbol, now, used) for venue in venues] for symbol in overall["symbol"]]
    overall["note"] = [_note(symbol, venues, has, span) for symbol, span in zip(overall["symbol"], spans, strict=True)]
    both = bets[bets["symbol"].isin(has[venues[0]] & has[venues[1]])].reset_index(drop=True)
    heats = [
        _view(both, candles, venue, now, used).book_heat if len(both) < len(bets) else view.book_heat
        for venue, view in zip(venues, views, strict=True)
    ]
    agreement = float(readings["agree"].mean()) if readings["agree"].notna().any() else NAN
    words = _words(venues, readings, heats)
    return VenueComparison(venues[0], venues[1], readings, overall, (heats[0], heats[1]), agreement, words)


def shared_bars(
    candles: Mapping[Key, pd.DataFrame], symbol: str, *, venues: Sequence[str], now: pd.Timestamp
) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Find the closed bars of a symbol on two venues, by timeframe, shortest first; only timeframes both have.

    Parameters
    ----------
    candles : mapping of (venue, symbol, timeframe) to DataFrame
    symbol : str
    venues : sequence of two str
    now : Timestamp
        Bars that close after it are left out.
    """
    frames = {at for venue, name, at in candles if name == symbol and venue == venues[0]}
    frames &= {at for venue, name, at in candles if name == symbol and venue == venues[1]}
    found = {}
    for at in sorted((Timeframe.parse(name) for name in frames), key=lambda frame: frame.milliseconds):
        tables = [candles[(venue, symbol, at.value)] for venue in venues]
        one, other = (table[table.index <= now - at.delta] for table in tables)
        if not one.empty and not other.empty:
            found[at.value] = (one, other)
    return found


def _bets(positions: pd.DataFrame) -> pd.DataFrame:
    """Positions of one symbol and side joined, the largest first; their marks are those of the largest."""
    if positions.empty:
        return positions.reset_index(drop=True)
    order = _notional(positions).sort_values(ascending=False, na_position="last", kind="stable").index
    largest = positions.loc[order].groupby(BET, sort=False, as_index=False).first()
    total = positions.groupby(BET)["quantity"].sum(skipna=False).reset_index()
    joined = largest.drop(columns="quantity").merge(total, on=BET, how="left")[list(positions.columns)]
    order = _notional(joined).sort_values(ascending=False, na_position="last", kind="stable").index
    return joined.loc[order].reset_index(drop=True)


def _notional(positions: pd.DataFrame) -> pd.Series:
    return positions["quantity"] * positions["mark_price"].fillna(positions["entry_price"])


def _view(
    bets: pd.DataFrame, candles: Mapping[Key, pd.DataFrame], venue: str, now: pd.Timestamp, settings: HeatSettings
) -> BookView:
    own = {key: table for key, table in candles.items() if key[0] == venue}
    return book_view(bets.assign(venue=venue), own, now=now, settings=settings)


def _side_by_side(first: pd.DataFrame, second: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    both = first[[*keys, *READING]].merge(
        second[[*keys, *READING]], on=keys, how="outer", sort=False, suffixes=("_first", "_second")
    )
    both = first[keys].merge(both, on=keys, how="left")
    both["difference"] = both["heat_second"] - both["heat_first"]
    known = both["zone_first"].notna() & both["zone_second"].notna()
    agree = np.where(known, both["zone_first"] == both["zone_second"], np.nan)
    return both.assign(agree=agree.astype(np.float64))


def _prices(
    symbol: str, candles: Mapping[Key, pd.DataFrame], venues: Sequence[str], now: pd.Timestamp
) -> tuple[float, float, pd.Timestamp]:
    """Take the closes of the last bar both venues have, and when it closed."""
    for at, (one, other) in shared_bars(candles, symbol, venues=venues, now=now).items():
        common = one.index.intersection(other.index)
        if len(common):
            last = common[-1]
            closed = last + Timeframe.parse(at).delta
            return float(one.loc[last, "close"]), float(other.loc[last, "close"]), closed
    return NAN, NAN, pd.NaT  # type: ignore[return-value]


def _span(
    candles: Mapping[Key, pd.DataFrame], venue: str, symbol: str, now: pd.Timestamp, settings: HeatSettings
) -> pd.Timedelta:
    """Length of the hourly history heat is ranked in."""
    table = candles.get((venue, symbol, RISK_TIMEFRAME))
    if table is None or table.empty:
        return pd.Timedelta(0)
    start = max(table.index[0], now - pd.Timedelta(settings.window))
    return pd.Timedelta(max(now - start, pd.Timedelta(0)))


def _note(symbol: str, venues: Sequence[str], has: Mapping[str, set[str]], span: Sequence[pd.Timedelta]) -> str:
    missing = [venue for venue in venues if symbol not in has[venue]]
    if missing:
        return f"no bars on {' and '.join(missing)}"
    short, long = sorted(range(2), key=lambda k: span[k])
    if span[short] >= SIMILAR * span[long]:
        return ""
    days = [f"{span[k].days} d on {venues[k]}" for k in (short, long)]
    return f"ranks come from unequal histories: {days[0]}, {days[1]}"


def _words(venues: Sequence[str], readings: pd.DataFrame, heats: Sequence[float]) -> str:
    known = int(readings["agree"].notna().sum())
    if not known:
        return f"No reading is known on both {venues[0]} and {venues[1]}."
    agreed = int(readings["agree"].sum())
    gap = readings["difference"].abs()
    said = f"{agreed} of {known} readings are in the same zone on {venues[0]} and {venues[1]}"
    widest = f"heat differs by {gap.mean():.1f} points on average, {gap.max():.1f} at most"
    book = f"; the book's heat is {heats[0]:.1f} and {heats[1]:.1f}" if np.isfinite(heats).all() else ""
    return f"{said}; {widest}{book}."
