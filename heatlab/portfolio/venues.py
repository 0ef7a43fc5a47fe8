"""The same book on two venues: heat, zones and marks side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heatlab._checks import parameter_error
from heatlab.domain import NAN, Timeframe
from heatlab.heat import HeatSettings
from heatlab.heat.table import STALE_BARS
from heatlab.portfolio.book import RISK_TIMEFRAME, BookView, book_view

Key = tuple[str, str, str]
BET = ["symbol", "side"]
READING = ["heat", "zone"]
PLACES = ("first", "second")
PRICES = ["price_first", "price_second", "as_of", "basis"]
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
        symbol, side, timeframe, heat_first, heat_second, difference, zone_first, zone_second, agree (1, 0 or NaN),
        ended_first, ended_second (close of the last bar where that is older than three bars, else NaT). An old reading
        is unknown here and counts nowhere.
    overall : DataFrame
        Per position, the largest first: symbol, side, notional [quote], heat_first, heat_second, difference,
        zone_first, zone_second, agree, price_first, price_second [quote], as_of, basis [fraction of
        the first; NaN where as_of is old], ended_first, ended_second (as above, of the shortest bars: such a position
        has no heat on that venue), note.
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
        the symbols BOTH have bars of that are not old, so that the two numbers are about one book.

    Raises
    ------
    ParameterError
        There are not two different venues.
    """
    if len(venues) != 2 or venues[0] == venues[1]:
        raise parameter_error("venues", "venue_comparison", "two different venues", tuple(venues))
    used = settings or HeatSettings()
    bets = _bets(positions)
    ends = _old(candles, venues, now, used)
    fresh = {key: table for key, table in candles.items() if key not in ends}
    gone = [_gone(candles, ends, venue, used) for venue in venues]
    views = [_view(bets, fresh, venue, now, used) for venue in venues]
    readings = _with_ends(_side_by_side(views[0].table, views[1].table, [*BET, "timeframe"]), ends, venues)
    known = [_without(view.overall, lost) for view, lost in zip(views, gone, strict=True)]
    overall = _side_by_side(known[0], known[1], BET)
    overall = bets[BET].assign(notional=_notional(bets)).merge(overall, on=BET, how="left")
    prices = [_prices(symbol, candles, venues, now) for symbol in overall["symbol"]]
    overall = pd.concat([overall, pd.DataFrame(prices, columns=PRICES)], axis=1)
    for place, lost in zip(PLACES, gone, strict=True):
        overall[f"ended_{place}"] = _times(lost.get(symbol) for symbol in overall["symbol"])
    has = {venue: {symbol for at, symbol, _ in candles if at == venue} for venue in venues}
    spans = [[_span(candles, venue, symbol, now, used) for venue in venues] for symbol in overall["symbol"]]
    notes = [_note(symbol, venues, has, span) for symbol, span in zip(overall["symbol"], spans, strict=True)]
    told = [_old_note(symbol, venues, ends) for symbol in overall["symbol"]]
    overall["note"] = ["; ".join(filter(None, pair)) for pair in zip(told, notes, strict=True)]
    shared = (has[venues[0]] & has[venues[1]]) - set(gone[0]) - set(gone[1])
    both = bets[bets["symbol"].isin(shared)].reset_index(drop=True)
    heats = [
        _view(both, fresh, venue, now, used).book_heat if len(both) < len(bets) else view.book_heat
        for venue, view in zip(venues, views, strict=True)
    ]
    agreement = float(readings["agree"].mean()) if readings["agree"].notna().any() else NAN
    words = _words(venues, readings, heats) + _left_out(readings, overall)
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
) -> tuple[float, float, pd.Timestamp, float]:
    """Take the closes of the last bar both venues have, when it closed, and the basis unless that is old."""
    for at, (one, other) in shared_bars(candles, symbol, venues=venues, now=now).items():
        common = one.index.intersection(other.index)
        if len(common):
            last = common[-1]
            step = Timeframe.parse(at).delta
            closed = last + step
            prices = float(one.loc[last, "close"]), float(other.loc[last, "close"])
            return *prices, closed, NAN if now - closed > STALE_BARS * step else prices[1] / prices[0] - 1
    return NAN, NAN, pd.NaT, NAN  # type: ignore[return-value]


def _old(
    candles: Mapping[Key, pd.DataFrame], venues: Sequence[str], now: pd.Timestamp, settings: HeatSettings
) -> dict[Key, pd.Timestamp]:
    """Find the tables whose last closed bar is older than three of its bars, and when that bar closed."""
    found = {}
    read = {key: table for key, table in candles.items() if key[0] in venues and key[2] in settings.timeframes}
    for key, table in read.items():
        step = Timeframe.parse(key[2]).delta
        closed = table.index[table.index <= now - step]
        if len(closed) and now - (closed[-1] + step) > STALE_BARS * step:
            found[key] = closed[-1] + step
    return found


def _gone(
    candles: Mapping[Key, pd.DataFrame], ends: Mapping[Key, pd.Timestamp], venue: str, settings: HeatSettings
) -> dict[str, pd.Timestamp]:
    """Find the symbols whose shortest bars on a venue are old: what longer bars still say is no reading of today."""
    frames = sorted(settings.timeframes, key=lambda name: Timeframe.parse(name).milliseconds)
    found = {}
    for symbol in {name for at, name, _ in ends if at == venue}:
        shortest = next(frame for frame in frames if (venue, symbol, frame) in candles)
        if (venue, symbol, shortest) in ends:
            found[symbol] = ends[venue, symbol, shortest]
    return found


def _without(overall: pd.DataFrame, lost: Mapping[str, pd.Timestamp]) -> pd.DataFrame:
    """Overall readings, unknown for symbols whose bars are old."""
    kept = ~overall["symbol"].isin(list(lost))
    return overall.assign(heat=overall["heat"].where(kept), zone=overall["zone"].where(kept))


def _with_ends(readings: pd.DataFrame, ends: Mapping[Key, pd.Timestamp], venues: Sequence[str]) -> pd.DataFrame:
    owners = list(zip(readings["symbol"], readings["timeframe"], strict=True))
    columns = {
        f"ended_{place}": _times(ends.get((venue, *owner)) for owner in owners)
        for place, venue in zip(PLACES, venues, strict=True)
    }
    return readings.assign(**columns)


def _times(values: Iterable[pd.Timestamp | None]) -> pd.Series:
    return pd.Series(list(values), dtype="datetime64[ms, UTC]")


def _old_note(symbol: str, venues: Sequence[str], ends: Mapping[Key, pd.Timestamp]) -> str:
    said = []
    for venue in venues:
        frames = {at: end for (owner, name, at), end in ends.items() if (owner, name) == (venue, symbol)}
        if frames:
            names = sorted(frames, key=lambda name: Timeframe.parse(name).milliseconds)
            said.append(f"old on {venue}: {', '.join(names)} bars end {frames[names[0]]:%Y-%m-%d}")
    return "; ".join(said)


def _left_out(readings: pd.DataFrame, overall: pd.DataFrame) -> str:
    """Say what is old and therefore counted nowhere; nothing where all is fresh."""
    old, gone = (int(table[["ended_first", "ended_second"]].notna().any(axis=1).sum()) for table in (readings, overall))
    if not old:
        return ""
    book = f"; the book's heat leaves out {gone} of {len(overall)} positions" if gone else ""
    return f" {old} of {len(readings)} readings are old on a venue and not counted{book}."


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
