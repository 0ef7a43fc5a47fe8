import json

import numpy as np
import pandas as pd
import pytest

from heatlab.liquidation import MapSettings, Market, claims, liquidation_map, study
from heatlab.liquidation.claims import MODELS
from heatlab.liquidation.study import _market_units, true_shares
from tests.liquidation import markets


def made_up_market(*, count=480, seed=1, symbol="TEST/USDT:USDT"):
    """Positions drawn from our own map: the study must find that it knows something."""
    candles = markets.candles(count, seed=seed)
    interest = markets.open_interest(candles)
    at = candles.index[240::30] + pd.Timedelta("1min")
    drawn = liquidation_map(candles, interest, at=at)
    rng = np.random.default_rng(seed)
    rows = []
    for column, instant in enumerate(at):
        for side, table in ((1.0, drawn.long), (-1.0, drawn.short)):
            weights = table[:, column]
            prices = rng.choice(drawn.prices, 6, p=weights / weights.sum())
            rows += [(instant, side, 1.0, drawn.closes[column], price) for price in prices]
            rows.append((instant, side, 30.0, drawn.closes[column], np.nan))
    names = ["timestamp", "side", "quantity", "mark_price", "liquidation_price"]
    return Market(symbol=symbol, candles=candles, open_interest=interest, truth=pd.DataFrame(rows, columns=names))


@pytest.fixture(scope="module")
def result():
    """One study for all tests of this module."""
    return study([made_up_market()], used=("a file",), lacked=("another",), notes=("a bias",))


def test_every_model_is_scored(result):
    """Ours, ours without recency and the five baselines, every metric with its interval."""
    assert set(result.scores["model"]) == set(MODELS)
    assert result.scores["value"].notna().all()
    assert (result.scores.groupby("model")["metric"].nunique() == 9).all()


def test_map_beats_distance_on_its_own_truth(result):
    """Positions drawn from the map are ranked better by it than by distance; the placebos lose."""
    claims = result.comparisons.set_index("claim")
    assert claims.loc["AUC gain over distance only", "value"] > 0.02
    assert claims.loc["deviance skill over distance x volatility", "value"] > 0
    assert (result.placebos["value"] < result.placebos["ours"]).all()


def test_result_is_plain_json_and_text(result):
    """No NaN in JSON; the text names claims, files, lacks and notes."""
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["name"] == "liquidation"
    text = str(result)
    for part in ("AUC gain over distance only", "a file", "another", "a bias", "TEST/USDT:USDT"):
        assert part in text


def test_without_truth_it_says_what_lacked():
    """No market, no scores, no exception."""
    found = study([])
    assert found.scores.empty
    assert "true liquidation prices within 10 %" in found.lacked[0]
    assert "Lacked" in found.table()


def test_prices_in_other_units_are_left_out():
    """Marks a thousand times the candles are a mismatch, not a score."""
    market = made_up_market()
    wrong = market.truth.assign(mark_price=market.truth["mark_price"] * 1000)
    found = study([Market(symbol=market.symbol, candles=market.candles, truth=wrong)])
    assert found.markets["note"].tolist() == ["mark prices do not fit the candles"]


def test_true_shares_count_positions_without_a_price_in_the_whole():
    """A long of 1 that liquidates 1.5 % below and one of 3 that never does: a quarter in the band 1-2 %."""
    at = pd.DatetimeIndex(["2025-03-01 00:00"], tz="UTC")
    truth = pd.DataFrame(
        {"timestamp": at[0], "side": 1.0, "quantity": [1.0, 3.0], "mark_price": 100.0,
         "liquidation_price": [98.5, np.nan]}
    )  # fmt: skip
    assert true_shares(truth, at)[0].tolist() == [[0, 0, 0.25, 0, 0, 0], [0] * 6]


def test_claims_that_fail_are_said_in_words(result):
    """As many notes as claims that do not hold."""
    said = [line for line in result.notes if line.startswith("does NOT hold")]
    assert len(said) == (~result.comparisons["holds"]).sum()


def without_open_interest(market, symbol):
    """The same market under another name, its truth far from the price and its open interest unknown."""
    far = market.truth["liquidation_price"].where(market.truth["liquidation_price"].isna(), 1.0)
    truth = market.truth.assign(liquidation_price=far)
    return Market(symbol=symbol, candles=market.candles, truth=truth)


def test_coins_without_open_interest_do_not_help():
    """Adding a coin that holds no truth and no open interest changes no primary score, and the placebo shows why."""
    market = made_up_market(count=360)
    alone = study([market])
    both = study([market, without_open_interest(market, "OTHER/USDT:USDT")])
    assert alone.scope == both.scope == "coins with open interest"
    pd.testing.assert_frame_equal(both.scores, alone.scores)
    pd.testing.assert_frame_equal(both.comparisons, alone.comparisons)
    found = both.secondary[both.secondary["metric"] == "auc"].set_index("model")["value"]
    uniform = alone.scores[alone.scores["metric"] == "auc"].set_index("model")["value"]["uniform"]
    assert found["has open interest"] > uniform + 0.05
    assert any("proves nothing" in note for note in both.notes)
    assert alone.secondary.empty


def test_without_any_open_interest_all_coins_are_scored():
    """Volume alone is scored too, and the scope says so."""
    market = made_up_market(count=360)
    found = study([Market(symbol=market.symbol, candles=market.candles, truth=market.truth)])
    assert found.scope == "all coins"
    assert set(found.scores["model"]) == set(MODELS)


def test_every_model_is_normalised_alike():
    """No model holds more than all it has within 10 % of the price: masses are shares of a side's whole."""
    market = made_up_market(count=360)
    units = _market_units(market, MapSettings())[0]
    for name in ("map as shown", "map without recency", "volume profile", "entry*(1-1/L)"):
        sums = units.groupby(["timestamp", "side"])[name].sum()
        assert 0 < sums.max() <= 1


def test_baselines_as_good_as_the_map_are_said():
    """A map that is beaten says by whom."""
    scores = pd.DataFrame(
        [(name, metric, 0.9 if name == "entry*(1-1/L)" else 0.5 + 0.1 * (name == "map as shown"))
         for name in MODELS for metric in ("auc", "auc within symbol", "incremental R2")],
        columns=["model", "metric", "value"],
    )  # fmt: skip
    assert claims._rivals(scores) == tuple(
        f"as good as the map or better by {metric} (0.600, 0.500 without recency): entry*(1-1/L) 0.900"
        for metric in ("auc", "auc within symbol", "incremental R2")
    )


def test_words_tell_what_holds_from_what_does_not(result):
    """Every claim is said once, with its sign and interval."""
    said = [line for line in result.notes if line.startswith(("holds: ", "does NOT hold: "))]
    assert len(said) == len(result.comparisons)
    assert claims.PRIOR in result.notes
    assert not any("fitted to nothing" in line for line in result.notes)
