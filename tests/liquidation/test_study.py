import json

import numpy as np
import pandas as pd
import pytest

from heatlab.liquidation import Market, liquidation_map, study
from heatlab.liquidation.study import MODELS, true_shares
from tests.liquidation import markets


def made_up_market(*, count=480, seed=1):
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
    return Market(
        symbol="TEST/USDT:USDT", candles=candles, open_interest=interest, truth=pd.DataFrame(rows, columns=names)
    )


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
