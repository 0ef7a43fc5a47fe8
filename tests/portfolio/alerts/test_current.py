"""Alerts of a book's risk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from heatlab.errors import ParameterError
from heatlab.portfolio.alerts.current import risk_alerts
from heatlab.portfolio.alerts.distance import account_chances, liquidation_chance
from heatlab.portfolio.alerts.settings import SENSITIVITIES, AlertSettings, sensitivity_words
from heatlab.portfolio.market_state import MarketState
from heatlab.portfolio.systemic import SystemicWarning
from heatlab.portfolio.view import RiskView
from tests.portfolio.hand_made import BTC, ETH, NAN, nothing, positions, view

QUIET = view(positions(liquidation_price=[1.0, 1.0, 1000.0]))


def found(made: RiskView, what: str, **kwargs: Any) -> list[tuple[str, str]]:
    """Level and symbol of the alerts of one kind."""
    table = risk_alerts(made, **kwargs)
    return list(table.loc[table["what"] == what, ["level", "symbol"]].itertuples(index=False, name=None))


def test_a_quiet_book_has_no_alert() -> None:
    """Nothing near, nothing red, nothing heavy."""
    assert risk_alerts(QUIET).empty


def test_an_empty_book_has_no_alert() -> None:
    """No positions, no alerts, same columns."""
    table = risk_alerts(nothing())
    assert table.empty
    assert list(table.columns[:5]) == ["level", "what", "symbol", "venue", "detail"]


def test_a_watch_list_is_not_warned_of_its_heat() -> None:
    """Nobody holds it."""
    watched = view(positions(quantity=[NAN] * 3), zones={BTC: (-1, -1, -1)}, book_heat=NAN)
    assert risk_alerts(watched).empty


def test_liquidation_counts_by_the_chance_to_meet_it() -> None:
    """Daily volatility 4.9 %: 30 % away is 7.3 days (nothing), 10.5 % is 3 % (nothing at 5 %), at 1.5 % it is red."""
    assert found(view(), "liquidation") == []
    assert found(view(deviation=0.015), "liquidation") == [("amber", ETH)]
    assert found(view(deviation=0.03), "liquidation")[0] == ("red", ETH)


def test_the_chance_is_measured_in_logarithms() -> None:
    """From 100 to 70, 90 and 140."""
    expected = [np.log(100 / 70), np.log(100 / 90), np.log(1.4)]
    sigma = 0.02 * np.sqrt(24)
    from scipy.stats import norm

    assert liquidation_chance(view(deviation=0.02)).tolist() == pytest.approx(
        [2 * norm.cdf(-d / sigma) for d in expected]
    )


def test_no_price_and_a_price_passed_have_their_chances() -> None:
    """0 for a long that nothing liquidates and a short of the same kind, 1 beyond the price, NaN unknown."""
    assert liquidation_chance(view(positions(liquidation_price=[0.0, 110.0, np.inf]))).tolist() == [0.0, 1.0, 0.0]
    assert np.isnan(liquidation_chance(view(positions(liquidation_price=[NAN, 90.0, 140.0])))[0])


def test_without_volatility_the_distance_counts() -> None:
    """10 % away is amber; the words say why."""
    table = risk_alerts(view(deviation=NAN))
    row = table[table["what"] == "liquidation"].iloc[0]
    assert (row["level"], row["symbol"]) == ("amber", ETH)
    assert "volatile its price is remains unknown" in row["detail"]


def test_an_unknown_liquidation_price_is_a_note() -> None:
    """Never silent, never called safe."""
    assert found(view(positions(liquidation_price=[NAN, 1.0, 1000.0])), "liquidation") == [("note", BTC)]


def test_a_merged_leg_counts_by_the_account_that_goes_first() -> None:
    """No one price, but the nearest is 1 % away."""
    held = positions(liquidation_price=[NAN, 1.0, 1000.0]).assign(nearest_liquidation_price=[99.0, 1.0, 1000.0])
    table = risk_alerts(view(held))
    assert table["level"].tolist() == ["red"]
    assert "liquidation price 99" in table["detail"].iloc[0]
    assert "first of its accounts" in table["detail"].iloc[0]


def test_sensitivity_moves_the_thresholds() -> None:
    """Conservative warns of more than balanced, and balanced of more than aggressive."""
    counts = [len(risk_alerts(view(deviation=0.014, rho=0.75), settings=SENSITIVITIES[name])) for name in SENSITIVITIES]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]
    assert "red from 20%" in sensitivity_words(AlertSettings())


def test_red_heat() -> None:
    """All frames red is red, two of three amber, one nothing."""
    zones = {BTC: (-1, -1, -1), ETH: (-1, -1, 1)}
    assert found(replace(QUIET, heat=view(zones=zones).heat), "heat") == [("red", BTC), ("amber", ETH)]


def test_the_rule_on_the_books_heat() -> None:
    """Its order in words."""
    table = risk_alerts(replace(QUIET, heat=view(book_heat=42.0, rule="halve").heat))
    assert table[["level", "what"]].to_numpy().tolist() == [["red", "rule"]]
    assert "portfolio heat 42.0: halve every position" in table["detail"].iloc[0]


def test_a_book_of_unknown_heat_says_that_no_rule_applies() -> None:
    """Less than four fifths known."""
    heat = replace(QUIET.heat, book_heat=NAN, coverage=0.5)
    assert found(replace(QUIET, heat=heat), "rule") == [("note", "the whole book")]


def clusters(*shares: tuple[float, float]) -> pd.DataFrame:
    """Clusters of two positions with these shares of value and risk."""
    rows = [
        {"cluster": k, "name": f"C{k}", "symbols": "", "positions": 2, "gross_share": g, "risk_share": r, "level": ""}
        for k, (g, r) in enumerate(shares)
    ]
    return pd.DataFrame(rows)


def test_heavy_clusters() -> None:
    """The larger of value and risk counts: 30 % red, 22 % amber, 10 % and unknown nothing."""
    made = replace(QUIET, cluster_shares=clusters((0.1, 0.3), (0.22, 0.0), (0.1, 0.1), (NAN, NAN)))
    assert found(made, "cluster") == [("red", "cluster 0"), ("amber", "cluster 1")]


def test_one_position_is_no_cluster() -> None:
    """It cannot be more than itself."""
    assert found(replace(QUIET, cluster_shares=clusters((1.0, 1.0)).assign(positions=1)), "cluster") == []


def test_pairs_that_move_together_share_one_line() -> None:
    """Three pairs at 0.8; accepting two leaves one, accepting all leaves none."""
    made = replace(QUIET, correlation=view(rho=0.8).correlation)
    table = risk_alerts(made)
    assert table["detail"].tolist() == ["3 pairs from 0.7: BTC-ETH 0.80, BTC-SOL 0.80, ETH-SOL 0.80"]
    pairs = [(BTC, ETH), (made.positions["symbol"][2], BTC), (ETH, made.positions["symbol"][2])]
    assert "1 pair from" in risk_alerts(made, accepted=pairs[:2])["detail"].iloc[0]
    assert risk_alerts(made, accepted=pairs).empty


def test_a_break_of_correlation_is_named() -> None:
    """The pair and its correlation now."""
    estimate = QUIET.correlation
    broken = estimate.broken.copy()
    broken.loc[BTC, ETH] = broken.loc[ETH, BTC] = True
    table = risk_alerts(replace(QUIET, correlation=replace(estimate, broken=broken)))
    assert "1 pair has just changed: BTC-ETH 0.30" in table["detail"].iloc[0]


def test_two_markets_of_one_coin_are_no_pair_and_have_names_of_their_own() -> None:
    """BTC spot and BTC perp: two pairs with ETH, none with each other, however much has changed."""
    symbols = ["BTC/USDT", BTC, ETH]
    full = pd.DataFrame(np.full((3, 3), 0.9), index=symbols, columns=symbols)
    estimate = replace(QUIET.correlation, matrix=full, broken=full > 0)
    held = pd.concat([QUIET.positions.head(2), QUIET.positions.head(1).assign(symbol="BTC/USDT")], ignore_index=True)
    made = replace(QUIET, correlation=estimate, positions=held)
    details = risk_alerts(made).query("what == 'correlation'")["detail"].tolist()
    assert details == [
        "2 pairs from 0.7: BTC spot-ETH 0.90, BTC perp-ETH 0.90",
        "the correlation of 2 pairs has just changed: BTC spot-ETH 0.90, BTC perp-ETH 0.90",
    ]


def test_a_systemic_warning_and_the_market() -> None:
    """Alert is red, watch amber; a market not to be trusted is amber."""
    assert found(replace(QUIET, systemic=SystemicWarning(level="alert", words="red together")), "systemic") == [
        ("red", "the whole book")
    ]
    assert found(replace(QUIET, systemic=SystemicWarning(level="watch", words="x")), "systemic")[0][0] == "amber"
    state = MarketState(news_shock=True, trusted=False, words=("Everything moves.",))
    assert found(replace(QUIET, state=state), "market") == [("amber", "the whole book")]


def test_old_data_is_said_once_where_all_is_old() -> None:
    """One line a market, one line in all from six on."""
    stale = replace(QUIET, heat=view(note="stale: 1h bars 5 missing").heat)
    assert len(found(stale, "stale")) == 3
    many = pd.concat([positions()] * 3, ignore_index=True)
    many["symbol"] = [f"C{k}/USDT:USDT" for k in range(9)]
    many["liquidation_price"] = [1.0, 1.0, 1000.0] * 3
    table = risk_alerts(view(many, note="stale: 1h bars 5 missing"))
    assert table.loc[table["what"] == "stale", "detail"].tolist() == [
        "9 of 9 markets have old bars or none: their heat is not to be trusted"
    ]


def test_what_fades_is_listed_only_when_asked_for() -> None:
    """10.5 % away at 4.9 % a day: 3 %, below the 5 % of amber, above half of it."""
    assert found(view(), "liquidation", fading=True) == [("", ETH)]
    row = risk_alerts(view(), fading=True).iloc[0]
    assert 0.5 <= row["strength"] < 1


def test_five_hundred_positions() -> None:
    """Quick enough, and one row a position at most for each source of alerts."""
    many = pd.concat([positions()] * 167, ignore_index=True).head(500)
    many["symbol"] = [f"C{k}/USDT:USDT" for k in range(500)]
    table = risk_alerts(view(many, deviation=0.03, rho=0.9), fading=True)
    assert table.groupby("what").size().max() <= 500


def test_what_can_hurt_soonest_comes_first() -> None:
    """A red liquidation before a heavier red cluster."""
    made = replace(view(deviation=0.03), cluster_shares=clusters((1.0, 1.0)))
    assert risk_alerts(made)["what"].tolist()[:2] == ["liquidation", "cluster"]


def test_settings_are_checked() -> None:
    """Amber is milder than red; chances are chances."""
    with pytest.raises(ParameterError, match="The 'amber_probability' parameter of AlertSettings"):
        AlertSettings(amber_probability=0.5, red_probability=0.2)
    with pytest.raises(ParameterError, match="The 'cluster_watch' parameter of AlertSettings"):
        AlertSettings(cluster_watch=0.5)


def test_inputs_stay_untouched(pure: Callable[..., Any]) -> None:
    """The view's tables are left alone."""
    made = view(deviation=0.03, rho=0.9)
    pure(lambda _table: risk_alerts(made, fading=True), made.positions)


def cross_book(price: float, *, side: int = 1) -> pd.DataFrame:
    """Long BTC and ETH or one of them short, worth 100 each in one account; alone BTC may fall to ``price``."""
    loss = 100.0 - price
    return positions(
        venue=["okx", "okx", "bybit"],
        side=[1, side, -1],
        quantity=[1.0, 1.0, 0.4],
        margin_mode=["cross", "cross", "isolated"],
        liquidation_price=[price, 100.0 - side * loss, 300.0],
    )


def test_positions_of_a_cross_account_fall_together() -> None:
    """Alone each may lose 10 %, half a day's move more; together they have 10 to lose and move 19.6 a day: 61 %."""
    quiet = account_chances(view(cross_book(50.0), rho=1.0, deviation=0.02)).iloc[0]
    assert (quiet["venue"], quiet["currency"], quiet["positions"], quiet["room"]) == ("okx", "USDT", 2, 50.0)
    assert quiet["volatility"] == pytest.approx(2 * 100 * 0.02 * np.sqrt(24))
    tight = view(cross_book(90.0), rho=1.0, deviation=0.02)
    assert account_chances(tight)["chance"].iloc[0] == pytest.approx(2 * norm.cdf(-10 / 19.595918), rel=1e-6)
    assert liquidation_chance(tight)[:2] == pytest.approx([2 * norm.cdf(-10 / 19.595918)] * 2, rel=1e-6)
    row = risk_alerts(tight).query("symbol == 'cross account USDT'").iloc[0]
    assert (row["level"], row["what"], row["venue"]) == ("red", "liquidation", "okx")
    assert (
        "its 2 cross positions moving together use up the margin left, $10, within 24 h with a chance" in row["detail"]
    )
    assert "chance of 61%" in row["detail"]


def test_a_hedged_cross_account_is_not_alarmed() -> None:
    """A long against a short that moves as it does loses nothing; isolated positions have no account."""
    assert account_chances(view(cross_book(50.0, side=-1), rho=1.0)).iloc[0]["chance"] == 0.0
    assert account_chances(view()).empty
    assert account_chances(nothing()).empty


def test_an_account_without_a_price_has_no_chance() -> None:
    """Unknown, never 0."""
    held = cross_book(50.0).assign(liquidation_price=NAN)
    assert np.isnan(account_chances(view(held))["chance"].iloc[0])
