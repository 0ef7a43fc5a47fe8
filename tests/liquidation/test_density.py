import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import DataError, ParameterError
from heatlab.liquidation import MapSettings, liquidation_map
from heatlab.liquidation.flows import open_interest_flows
from heatlab.margin import bracket_table
from tests.liquidation import markets

CANDLES = markets.candles(400)
INTEREST = markets.open_interest(CANDLES)


def common(first, second):
    """Bins of two anchored grids that coincide: slices into each."""
    step = np.log(first.price_edges[1] / first.price_edges[0])
    shift = round(np.log(first.price_edges[0] / second.price_edges[0]) / step)
    count = min(len(first.long), len(second.long) - shift)
    return slice(0, count), slice(shift, shift + count)


@settings(max_examples=12, deadline=None)
@given(cut=st.integers(30, 399), closing=st.sampled_from(["full", "proportional"]))
def test_no_foresight(cut, closing):
    """The map of a prefix is the prefix of the map."""
    chosen = MapSettings(closing=closing, n_bins=3000, price_margin=0.3)
    whole = liquidation_map(CANDLES, INTEREST, settings=chosen)
    part = CANDLES.iloc[:cut]
    part.attrs = CANDLES.attrs
    early = liquidation_map(part, INTEREST[INTEREST.index <= CANDLES.index[cut]], settings=chosen)
    here, there = common(early, whole)
    np.testing.assert_allclose(early.long[here], whole.long[there, :cut], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(early.short[here], whole.short[there, :cut], rtol=1e-9, atol=1e-9)


def test_open_interest_after_the_close_changes_nothing():
    """Open interest stamped later than a column's close does not reach it."""
    later = INTEREST.copy()
    later.iloc[301:] *= 3.0
    before, after = (liquidation_map(CANDLES, table).long[:, :300] for table in (INTEREST, later))
    np.testing.assert_array_equal(before, after)


def test_open_interest_stamp_is_the_open_of_the_bar():
    """The change over a bar is the next stamp minus its own, known at its close."""
    table = markets.candles(3)
    interest = markets.open_interest(table)
    interest["open_interest"] = [100.0, 130.0, 120.0, 125.0]
    flows = open_interest_flows(table, interest, MapSettings(rho=0.0))
    assert flows.level[0] == 100.0
    assert flows.opened.tolist() == [30.0, 0.0, 5.0]
    assert flows.target.tolist() == [130.0, 120.0, 125.0]


@pytest.mark.parametrize("closing", ["full", "proportional"])
def test_quantity_scales_through(closing):
    """Ten times the volume and open interest is ten times the map."""
    chosen = MapSettings(closing=closing)
    base = liquidation_map(CANDLES, INTEREST, settings=chosen)
    tenfold = liquidation_map(
        CANDLES.assign(volume=CANDLES["volume"] * 10), INTEREST.assign(open_interest=INTEREST["open_interest"] * 10),
        settings=chosen,
    )  # fmt: skip
    np.testing.assert_allclose(tenfold.long, base.long * 10, rtol=1e-8, atol=1e-8)


def test_shapes_and_labels(pure):
    """The map carries its grid, columns, tiers and labels, and leaves its inputs alone."""
    table = pure(liquidation_map, CANDLES, INTEREST)
    assert table.long.shape == (len(table.price_edges) - 1, 400) == table.short.shape
    assert table.long_by_tier.shape == (10, len(table.long))
    assert (table.symbol, table.venue, table.timeframe) == ("TEST/USDT:USDT", "binanceusdm", "1h")
    assert table.basis == "open interest"
    assert table.times.equals(CANDLES.index)
    assert table.known_at[-1] == CANDLES.index[-1] + pd.Timedelta("1h")
    assert table.mark_price == CANDLES["close"].iloc[-1]
    np.testing.assert_allclose(table.open_interest, INTEREST["open_interest"].iloc[1:], rtol=1e-9)
    assert "leverage brackets are assumed" in table.notes


def test_without_open_interest_volume_stands_in():
    """The basis says so."""
    assert liquidation_map(CANDLES).basis == "volume proxy"


def test_recency_never_touches_the_state():
    """The ledger is the same whatever the display fades."""
    ledgers = [
        liquidation_map(CANDLES, INTEREST, settings=MapSettings(recency_half_life=fade)).ledger
        for fade in ("6h", "48h", None)
    ]
    np.testing.assert_array_equal(ledgers[0], ledgers[1])
    np.testing.assert_array_equal(ledgers[0], ledgers[2])


def test_long_histories_are_drawn_in_the_columns_asked_for():
    """400 bars in 100 columns: every fourth state of the full map, the last one included."""
    whole, few = (liquidation_map(CANDLES, INTEREST, settings=MapSettings(columns=count)) for count in (400, 100))
    assert few.long.shape[1] == 100
    np.testing.assert_array_equal(few.long, whole.long[:, 3::4])
    assert few.times[0] == CANDLES.index[0]


def test_columns_at_chosen_instants_use_closed_bars_only():
    """An instant inside a bar shows the state of the bar before."""
    whole = liquidation_map(CANDLES, INTEREST)
    at = CANDLES.index[[100, 200]] + pd.Timedelta("30min")
    chosen = liquidation_map(CANDLES, INTEREST, at=at)
    np.testing.assert_array_equal(chosen.long, whole.long[:, [99, 199]])


def test_notional_values_each_bin_at_its_price():
    """Quantity times the middle of the bin, long and short together."""
    table = liquidation_map(CANDLES, INTEREST)
    expected = (table.long + table.short) * np.sqrt(table.price_edges[1:] * table.price_edges[:-1])[:, None]
    np.testing.assert_allclose(table.notional(), expected)


def test_errors_name_the_bad_value():
    """Settings and candles are checked."""
    with pytest.raises(
        ParameterError, match="'closing' parameter of MapSettings must be one of 'full', 'proportional'"
    ):
        MapSettings(closing="fast")
    with pytest.raises(ParameterError, match=r"'cross_share' parameter of MapSettings must be in \[0, 1\)"):
        MapSettings(cross_share=1.0)
    with pytest.raises(DataError, match="at least one bar"):
        liquidation_map(CANDLES.iloc[:0])
    with pytest.raises(DataError, match=r"Row 5 .* has NaN"):
        liquidation_map(CANDLES.assign(volume=CANDLES["volume"].where(np.arange(400) != 5)))
    with pytest.raises(DataError, match="different bars"):
        liquidation_map(CANDLES, at=CANDLES.index[:1])


def test_bars_before_the_range_shown_build_the_state():
    """Columns from an instant on are those of the whole map to 2 %: earlier bars count, they are only not shown."""
    settings = MapSettings(n_bins=4000)
    whole = liquidation_map(CANDLES, INTEREST, settings=settings)
    shown = liquidation_map(CANDLES, INTEREST, settings=settings, since=CANDLES.index[300])
    assert shown.times.equals(CANDLES.index[300:])
    start = int(np.argmin(np.abs(whole.price_edges - shown.price_edges[0])))
    common = slice(start, start + len(shown.prices))
    np.testing.assert_allclose(whole.price_edges[start], shown.price_edges[0], rtol=1e-12)
    np.testing.assert_allclose(shown.long, whole.long[common, 300:], rtol=0.02, atol=1e-9 * whole.long.max())


def test_a_price_that_came_from_outside_the_grid_leaves_it_sound():
    """The grid covers what is shown; bars before it may lie beyond either edge: mass balances, sides stay apart."""
    for factor in (0.4, 2.5):
        moved = CANDLES.copy()
        prices = ["open", "high", "low", "close"]
        moved.loc[moved.index[:250], prices] *= factor
        made = liquidation_map(moved, INTEREST, since=moved.index[300])
        placed, consumed, closed, near, far = made.ledger[-1, 0]
        assert placed - consumed - closed == pytest.approx(near + far, rel=1e-9)
        assert made.open_interest[-1] == pytest.approx(float(INTEREST["open_interest"].iloc[-1]), rel=1e-9)
        below = made.price_edges[1:] <= made.closes[-1]
        assert (made.long[~below, -1] == 0).sum() >= (~below).sum() - 1
        assert not made.short[below, -1].any()


def test_dollars_do_not_scale_with_the_half_life():
    """Half the recency half-life fades the image; what is outstanding, by tier and in sum, stays."""
    fast, slow = (
        liquidation_map(CANDLES, INTEREST, settings=MapSettings(recency_half_life=fade)) for fade in ("24h", "48h")
    )
    np.testing.assert_array_equal(fast.long_by_tier, slow.long_by_tier)
    np.testing.assert_array_equal(fast.short_by_tier, slow.short_by_tier)
    np.testing.assert_array_equal(fast.outstanding(), slow.outstanding())
    assert fast.notional()[:, -1].sum() < 0.9 * slow.notional()[:, -1].sum()


def test_without_recency_the_image_is_the_state():
    """What is outstanding is the last column of the map that never fades."""
    plain = liquidation_map(CANDLES, INTEREST, settings=MapSettings(recency_half_life=None))
    np.testing.assert_allclose(plain.outstanding().sum(axis=0), plain.notional()[:, -1], rtol=1e-8, atol=1e-6)


def test_inverse_brackets_count_in_coin():
    """10,000 dollars at 100 are 100 coins: all tiers a bracket of 1,000 coins allows stay."""
    table = CANDLES.copy()
    table.attrs = CANDLES.attrs | {"symbol": "TEST/USD:TEST", "venue": "binancecoinm"}
    brackets = bracket_table([1_000.0, 5_000.0, 1e9], [0.004, 0.02, 0.25], max_leverages=[125.0, 20.0, 2.0])
    made = liquidation_map(table, INTEREST, brackets=brackets)
    assert (made.long_by_tier.sum(axis=1) > 0).all()
    linear = liquidation_map(CANDLES, INTEREST, brackets=brackets)
    assert (linear.long_by_tier.sum(axis=1)[1:] == 0).all()
