"""The same book on two venues: what differs, what agrees, and what a venue does not have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import ParameterError
from heatlab.portfolio.venues import shared_bars, venue_comparison
from heatlab.sources import SimulatedSource

SOURCE = SimulatedSource(7)
FRAMES = ("1h", "4h", "1d", "1w")
BOTH = ("binanceusdm", "okx")
NOW = SOURCE.now()
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")
CANDLES = {(v, s, f): SOURCE.candles(s, f, venue=v) for v in BOTH for s in SYMBOLS for f in FRAMES}


def book(*rows: tuple[str, str, int, float]) -> pd.DataFrame:
    """Positions of symbol, venue, side and quantity."""
    table = pd.DataFrame(rows, columns=["symbol", "venue", "side", "quantity"])
    price = {symbol: float(CANDLES["binanceusdm", symbol, "1h"]["close"].iloc[-1]) for symbol in SYMBOLS}
    marks = table["symbol"].map(price).astype("float64")
    unknown = {"leverage": np.nan, "margin_mode": "cross", "margin": np.nan, "liquidation_price": np.nan}
    return table.assign(entry_price=marks, mark_price=marks, **unknown)


BOOK = book(("BTC/USDT:USDT", "binanceusdm", 1, 1.0), ("ETH/USDT:USDT", "okx", -1, 20.0))


def test_a_venue_against_a_copy_of_itself() -> None:
    """The same bars on both: no difference anywhere, every zone agrees, no basis."""
    copied = CANDLES | {("okx", s, f): CANDLES["binanceusdm", s, f] for s in SYMBOLS for f in FRAMES}
    found = venue_comparison(BOOK, copied, venues=BOTH, now=NOW)
    assert found.readings["difference"].abs().max() == 0
    assert found.agreement == 1.0
    assert found.overall["basis"].tolist() == [0.0, 0.0]
    assert found.book_heat[0] == found.book_heat[1]


def test_where_a_position_is_held_does_not_matter() -> None:
    """Each venue reads the whole book; difference is second less first."""
    found = venue_comparison(BOOK, CANDLES, venues=BOTH, now=NOW)
    assert list(found.overall["symbol"]) == ["BTC/USDT:USDT", "ETH/USDT:USDT"]
    assert len(found.readings) == 8
    gap = found.overall["heat_second"] - found.overall["heat_first"]
    assert found.overall["difference"].tolist() == gap.tolist()
    assert np.isfinite(found.book_heat).all()
    assert found.words.startswith("8 of 8 readings are in the same zone on binanceusdm and okx; heat differs by")


def test_swapped_venues_mirror() -> None:
    """Naming the venues the other way round turns every sign."""
    one = venue_comparison(BOOK, CANDLES, venues=BOTH, now=NOW)
    other = venue_comparison(BOOK, CANDLES, venues=BOTH[::-1], now=NOW)
    assert other.overall["difference"].tolist() == pytest.approx((-one.overall["difference"]).tolist())
    assert other.book_heat == one.book_heat[::-1]


def test_one_bet_on_two_venues_is_one_row() -> None:
    """Quantities of one symbol and side add up; a hedge on the other side stays apart."""
    rows = [("BTC/USDT:USDT", "binanceusdm", 1, 1.0), ("BTC/USDT:USDT", "okx", 1, 2.0), ("BTC/USDT:USDT", "okx", -1, 1)]
    found = venue_comparison(book(*rows), CANDLES, venues=BOTH, now=NOW)
    price = book(*rows)["mark_price"].iloc[0]
    assert found.overall["side"].tolist() == [1, -1]
    assert found.overall["notional"].tolist() == pytest.approx([3 * price, price])


def test_the_basis_is_of_one_bar() -> None:
    """Closes of the last bar both have; a venue that is behind is not compared with a later price."""
    behind = dict(CANDLES)
    for frame in FRAMES:
        behind["okx", "BTC/USDT:USDT", frame] = CANDLES["okx", "BTC/USDT:USDT", frame].iloc[:-5]
    row = venue_comparison(BOOK, behind, venues=BOTH, now=NOW).overall.iloc[0]
    last = behind["okx", "BTC/USDT:USDT", "1h"].index[-1]
    assert row["as_of"] == last + pd.Timedelta("1h")
    assert row["price_first"] == CANDLES["binanceusdm", "BTC/USDT:USDT", "1h"].loc[last, "close"]


def test_a_symbol_the_other_venue_lacks() -> None:
    """Unknown there, in words, and the books' heats are over what both have."""
    fewer = {key: table for key, table in CANDLES.items() if key[:2] != ("okx", "ETH/USDT:USDT")}
    found = venue_comparison(BOOK, fewer, venues=BOTH, now=NOW)
    row = found.overall.iloc[1]
    assert row["note"] == "no bars on okx"
    assert np.isnan([row["heat_second"], row["difference"], row["agree"], row["basis"]]).all()
    alone = venue_comparison(BOOK.head(1), CANDLES, venues=BOTH, now=NOW)
    assert found.book_heat == alone.book_heat


def test_unequal_histories_are_said() -> None:
    """Two months against a year: the ranks are not of the same span."""
    short = dict(CANDLES)
    short["okx", "BTC/USDT:USDT", "1h"] = CANDLES["okx", "BTC/USDT:USDT", "1h"].tail(24 * 60)
    note = venue_comparison(BOOK, short, venues=BOTH, now=NOW).overall["note"].iloc[0]
    assert note == "ranks come from unequal histories: 60 d on okx, 365 d on binanceusdm"


def test_only_watching_has_no_heat_of_the_book() -> None:
    """Without quantities the readings are there, the book's heat is not."""
    found = venue_comparison(BOOK.assign(quantity=np.nan), CANDLES, venues=BOTH, now=NOW)
    assert found.readings["heat_first"].notna().all()
    assert np.isnan(found.book_heat).all()
    assert "book" not in found.words


def test_an_empty_book() -> None:
    """Nothing to compare, in words."""
    found = venue_comparison(BOOK.head(0), {}, venues=BOTH, now=NOW)
    assert found.overall.empty
    assert found.words == "No reading is known on both binanceusdm and okx."


def test_two_venues_are_needed() -> None:
    """A venue is not compared with itself."""
    with pytest.raises(ParameterError, match="two different venues"):
        venue_comparison(BOOK, CANDLES, venues=("okx", "okx"), now=NOW)


def test_shared_bars_come_shortest_first_and_closed() -> None:
    """Only timeframes both have, and no bar that closes after now."""
    cut = {key: table for key, table in CANDLES.items() if key[::2] != ("okx", "4h")}
    bars = shared_bars(cut, "BTC/USDT:USDT", venues=BOTH, now=NOW - pd.Timedelta("90min"))
    assert list(bars) == ["1h", "1d", "1w"]
    assert bars["1h"][0].index[-1] <= NOW - pd.Timedelta("150min")


def test_inputs_are_left_alone(pure) -> None:
    """No table is changed."""
    pure(venue_comparison, BOOK, CANDLES, venues=BOTH, now=NOW)


def test_a_leg_of_unknown_size_leaves_its_bet_unknown() -> None:
    """1 here and an unknown quantity there are not 1."""
    rows = [("BTC/USDT:USDT", "binanceusdm", 1, 1.0), ("BTC/USDT:USDT", "okx", 1, np.nan)]
    found = venue_comparison(book(*rows), CANDLES, venues=BOTH, now=NOW)
    assert np.isnan(found.overall["notional"].iloc[0])


def test_old_bars_are_unknown_and_counted_nowhere() -> None:
    """Bars that ended two months ago say nothing of today: no heat there, no difference, not in the book's heat."""
    key = ("okx", "ETH/USDT:USDT")
    past = NOW - pd.Timedelta("60D")
    ended = {k: table[table.index < past] if k[:2] == key else table for k, table in CANDLES.items()}
    found = venue_comparison(BOOK, ended, venues=BOTH, now=NOW)
    row = found.overall.iloc[1]
    assert row["note"].startswith(f"old on okx: 1h, 4h, 1d, 1w bars end {row['ended_second']:%Y-%m-%d}")
    assert np.isnan([row["heat_second"], row["difference"], row["agree"], row["basis"]]).all()
    assert np.isfinite(row["heat_first"])
    assert found.readings["agree"].notna().sum() == 4
    assert found.readings["ended_second"].notna().sum() == 4
    assert found.readings["ended_first"].isna().all()
    alone = venue_comparison(BOOK.head(1), CANDLES, venues=BOTH, now=NOW)
    assert found.book_heat == alone.book_heat
    assert (
        "4 of 8 readings are old on a venue and not counted; the book's heat leaves out 1 of 2 positions."
        in found.words
    )


def test_a_week_is_young_where_its_hours_are_old() -> None:
    """Ten days after the last bar the weekly reading is kept, but the position has no heat on that venue."""
    past = NOW - pd.Timedelta("10D")
    ended = {k: table[table.index < past] if k[0] == "okx" else table for k, table in CANDLES.items()}
    found = venue_comparison(BOOK, ended, venues=BOTH, now=NOW)
    week = found.readings[found.readings["timeframe"] == "1w"]
    assert week["heat_second"].notna().all()
    assert found.overall["heat_second"].isna().all()
    assert np.isnan(found.book_heat).all()


def test_three_bars_behind_is_not_old() -> None:
    """Old begins after three bars."""
    late = dict(CANDLES)
    late["okx", "BTC/USDT:USDT", "1h"] = CANDLES["okx", "BTC/USDT:USDT", "1h"].iloc[:-3]
    found = venue_comparison(BOOK, late, venues=BOTH, now=NOW)
    assert found.readings["ended_second"].isna().all()
    late["okx", "BTC/USDT:USDT", "1h"] = CANDLES["okx", "BTC/USDT:USDT", "1h"].iloc[:-4]
    found = venue_comparison(BOOK, late, venues=BOTH, now=NOW)
    assert found.readings["ended_second"].notna().tolist() == [True] + [False] * 7
