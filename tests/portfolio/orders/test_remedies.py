"""Three ways out of a cluster: solved exactly, measured alike, priced, and honest about what they do not do."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import ParameterError
from heatlab.portfolio.orders.reduction import reduction
from heatlab.portfolio.orders.remedies import Option, RemedySettings, cluster_options
from tests.portfolio.orders import worlds
from tests.portfolio.orders.worlds import ADA, BTC, ETH, SOL, VENUE, XRP


def cluster_of(symbol: str, view: object) -> int:
    """Label of a symbol."""
    return int(view.clusters[symbol])  # type: ignore[attr-defined]


def options(held: pd.DataFrame, symbol: str = BTC, **changes: object) -> dict[str, Option]:
    """Options for the cluster a symbol is in."""
    view = worlds.measure(held)
    got = cluster_options(view, cluster_of(symbol, view), candles=worlds.candles(), **changes)  # type: ignore[arg-type]
    return {option.name: option for option in got}


def shares(table: pd.DataFrame, symbol: str) -> pd.Series:
    """Row of the cluster a symbol is in."""
    return table[table["symbols"].str.contains(symbol, regex=False)].iloc[0]


def test_the_world_is_as_described() -> None:
    """BTC and ETH are one cluster, SOL and XRP each their own."""
    labels = worlds.measure(worlds.book()).clusters
    assert labels[BTC] == labels[ETH]
    assert len(set(labels)) == 3


def test_a_reduction_meets_the_target_share_exactly() -> None:
    """40 % of gross: 6,000 beside 9,000 is 40 % already... to 25 % it needs 3,000: half."""
    got = options(worlds.book(), settings=RemedySettings(target=0.25))["reduce"]
    after = shares(got.after.clusters, BTC)
    assert max(after["gross_share"], after["risk_share"]) == pytest.approx(0.25, abs=1e-6)
    assert after["gross_share"] <= 0.25
    assert after["risk_share"] <= 0.25
    assert set(got.orders["symbol"]) == {BTC, ETH}
    assert (got.orders["side"] == -1).all()


@settings(max_examples=10, deadline=None)
@given(
    btc=st.floats(500, 20_000),
    eth=st.floats(-5_000, 20_000).filter(lambda value: abs(value) > 100),
    sol=st.floats(500, 9_000),
    xrp=st.floats(-9_000, -500),
    target=st.floats(0.05, 0.6),
)
def test_whatever_the_book_a_reduction_brings_both_shares_to_the_target(
    btc: float, eth: float, sol: float, xrp: float, target: float
) -> None:
    """Neither gross nor risk is above it afterwards, and the larger is on it: no more is cut than needed."""
    view = worlds.measure(worlds.book(btc, eth, sol, xrp))
    label = cluster_of(BTC, view)
    gross, risk = reduction(view, label, target=target)
    factor = min(gross, risk)
    got = cluster_options(view, label, candles={}, settings=RemedySettings(target=target))[0]
    if factor >= 1:
        assert not got.offered
        return
    after = shares(got.after.clusters, BTC)
    larger = max(after["gross_share"], after["risk_share"])
    assert larger <= target + 1e-6
    assert larger == pytest.approx(target, abs=1e-5)


def test_shares_before_are_those_of_the_screen() -> None:
    """The same functions, the same numbers."""
    view = worlds.measure(worlds.book())
    got = cluster_options(view, cluster_of(BTC, view), candles=worlds.candles())
    for option in got:
        pd.testing.assert_frame_equal(option.before.clusters, view.cluster_shares)
        assert option.before.measures == view.measures


def test_a_cluster_below_the_target_needs_no_reduction() -> None:
    """It says so and proposes nothing."""
    got = options(worlds.book(btc=200.0, eth=0.0))["reduce"]
    assert not got.offered
    assert got.words[0].startswith("Nothing to reduce: its shares are at or below 20%")
    assert got.orders.empty


def test_a_cluster_that_is_the_whole_book_cannot_be_reduced() -> None:
    """Its share is 100 % at any size."""
    got = options(worlds.book(sol=0.0, xrp=0.0))
    assert got["reduce"].words[0].startswith("This cluster is the whole book")
    assert got["exit and re-enter"].offered
    assert "beside another bet" in got["exit and re-enter"].words[1]


def test_a_hedge_inside_the_only_cluster_moves_no_share() -> None:
    """100 % before and after; what falls is the volatility, and it says so in good grammar."""
    got = options(worlds.book(sol=0.0, xrp=0.0))["hedge"]
    assert got.offered
    kept = "The cluster's shares stay as they are (gross 100%, risk 100%): only the book's volatility falls."
    assert got.words[2] == kept
    assert "100%: with one cluster it always is, only more bets help." in got.words[3]


def test_an_option_that_changes_nothing_is_declined() -> None:
    """A thousandth of the hedge: no share moves, and the volatility falls by less than 0.5 %."""
    got = options(worlds.book(sol=0.0, xrp=0.0), settings=RemedySettings(hedge_scale=0.001))["hedge"]
    assert not got.offered
    assert got.orders.empty
    (words,) = got.words
    assert words.startswith("It does nothing: the cluster's shares stay as they are (gross 100%, risk 100%), and the")


def test_the_hedge_is_the_instrument_that_moves_with_the_cluster() -> None:
    """ADA, not held, explains most; it is sold, at the minimum-variance ratio, and the cluster's risk falls."""
    got = options(worlds.book())["hedge"]
    order = got.orders.iloc[0]
    assert (order["symbol"], order["venue"], order["side"]) == (ADA, VENUE, -1)
    assert 0.7 * 6_000 < order["notional"] < 1.1 * 6_000
    assert got.after.measures.volatility < got.before.measures.volatility
    assert got.words[0].startswith(f"Sell {ADA} on {VENUE}: ratio 0.")


def test_no_other_size_of_the_hedge_leaves_less_variance() -> None:
    """Half of it and one and a half of it leave more, for a cluster alone."""
    held = worlds.book(sol=0.0, xrp=0.0)
    full = options(held)["hedge"]
    less = options(held, settings=RemedySettings(hedge_scale=0.5))["hedge"]
    assert full.after.measures.volatility < less.after.measures.volatility < full.before.measures.volatility


def test_a_part_of_the_hedge_leaves_what_the_words_say() -> None:
    """Half of the minimum-variance hedge leaves more than all of it: the share said is the share measured."""
    held = worlds.book(sol=0.0, xrp=0.0)
    for scale in (0.5, 1.0):
        got = options(held, settings=RemedySettings(hedge_scale=scale))["hedge"]
        left = got.after.measures.volatility / got.before.measures.volatility
        said = re.search(r"(\d+)% of the cluster's volatility stays", got.words[0])
        assert said is not None
        assert int(said[1]) / 100 == pytest.approx(left, abs=0.03)


def test_a_hedge_that_explains_too_little_is_not_offered_and_says_why() -> None:
    """Without BTC, ETH and ADA nothing moves with SOL."""
    got = options(worlds.book(), symbol=SOL)["hedge"]
    assert not got.offered
    assert got.words[0].startswith("Not offered: the best instrument, ")
    assert "at least 50% is asked for" in got.words[0]


def test_without_other_markets_there_is_no_hedge() -> None:
    """Its own symbols are a reduction, not a hedge."""
    view = worlds.measure(worlds.book(sol=0.0, xrp=0.0))
    got = cluster_options(view, cluster_of(BTC, view), candles={})[1]
    assert got.words == ("No instrument to hedge with: no other perpetual has enough hourly history here.",)


def test_where_nothing_outside_will_do_one_of_the_cluster_hedges_it() -> None:
    """Without ADA, BTC or ETH is sold against both, netted with what is held; the risk falls."""
    view = worlds.measure(worlds.book())
    market = {key: bars for key, bars in worlds.candles().items() if key[1] != ADA}
    got = cluster_options(view, cluster_of(BTC, view), candles=market)[1]
    assert got.offered
    assert got.orders["symbol"].iloc[0] in (BTC, ETH)
    assert "is held there already: the order is netted with that position" in " ".join(got.words)
    assert got.after.measures.volatility < got.before.measures.volatility


def test_exit_closes_all_and_counts_the_way_back() -> None:
    """Whole quantities now, at most the target's share later, the cost of both."""
    got = options(worlds.book())["exit and re-enter"]
    held = worlds.book().set_index("symbol")["quantity"]
    assert got.orders.set_index("symbol")["quantity"].to_dict() == pytest.approx(held[[BTC, ETH]].to_dict())
    assert (got.later["side"] == 1).all()
    assert got.later["notional"].sum() < got.orders["notional"].sum()
    assert got.cost == pytest.approx(got.orders["cost"].sum() + got.later["cost"].sum())
    assert BTC not in " ".join(got.after.clusters["symbols"])
    assert "Re-enter when" in got.words[1]


def test_what_another_cluster_gains_is_said() -> None:
    """Shares sum to one: with the largest cut, the next ones are over alert."""
    got = options(worlds.book())["reduce"]
    assert "Over alert then: " in got.words[-1]
    assert "with 3 clusters one always is" in got.words[-1]


def test_quantities_are_whole_lots_where_lots_are_known() -> None:
    """Cut by rounding up, hedged by rounding down."""
    lots = dict.fromkeys([(VENUE, symbol) for symbol in (BTC, ETH, ADA)], 0.5)
    got = options(worlds.book(), lots=lots)
    for name in ("reduce", "hedge"):
        np.testing.assert_allclose(got[name].orders["quantity"] % 0.5, 0.0, atol=1e-9)
    exact = options(worlds.book())
    assert (got["reduce"].orders["quantity"] >= exact["reduce"].orders["quantity"]).all()
    assert got["hedge"].orders["quantity"].iloc[0] <= exact["hedge"].orders["quantity"].iloc[0]


def test_a_position_without_a_mark_price_makes_the_cost_unknown() -> None:
    """NaN, said in words, and left out of the shares."""
    held = worlds.book()
    held.loc[held["symbol"] == ETH, "mark_price"] = np.nan
    got = options(held)["exit and re-enter"]
    assert np.isnan(got.cost)
    assert "1 of 2 orders have no mark price" in " ".join(got.words)


def test_sizes_that_are_unknown_cannot_be_reduced() -> None:
    """A watched book: nothing is proposed, everything says why."""
    held = worlds.book()
    held["quantity"] = np.nan
    got = options(held)
    assert not any(option.offered for option in got.values())


def test_fees_and_spreads_that_are_measured_are_used() -> None:
    """Twice the fee costs more; nothing is assumed then."""
    spreads = {(VENUE, symbol): 0.0002 for symbol in (BTC, ETH)}
    got = options(worlds.book(), fees={VENUE: 0.001}, spreads=spreads)["reduce"]
    assert not got.orders["assumed"].any()
    assert got.cost == pytest.approx(0.0011 * got.orders["notional"].sum())


def test_the_view_is_left_alone() -> None:
    """Positions and tables of the view do not change."""
    view = worlds.measure(worlds.book())
    kept = replace(view, positions=view.positions.copy(), concentration=view.concentration.copy())
    cluster_options(view, cluster_of(XRP, view), candles=worlds.candles())
    pd.testing.assert_frame_equal(view.positions, kept.positions)
    pd.testing.assert_frame_equal(view.concentration, kept.concentration)


def test_wrong_inputs_are_refused() -> None:
    """A cluster nobody has, a target that is no share."""
    view = worlds.measure(worlds.book())
    with pytest.raises(ParameterError, match="'cluster' parameter of cluster_options must be one of"):
        cluster_options(view, 99, candles={})
    with pytest.raises(ParameterError, match=r"'target' parameter of RemedySettings must be in \(0, 1\). Got 1"):
        RemedySettings(target=1.0)
    with pytest.raises(ParameterError, match="'target' parameter of reduction must be in"):
        reduction(view, 1, target=0.0)
