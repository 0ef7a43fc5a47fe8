import numpy as np
import pandas as pd
import pytest

from heatlab.liquidation import ReportedTotals, claims, liquidation_map, score_totals
from heatlab.liquidation.hourly import BASELINE, hourly_table
from tests.liquidation import markets

CANDLES = markets.candles(600)
INTEREST = markets.open_interest(CANDLES)


def reported(*, factor=0.2):
    """A fifth of what the map consumes from one hour to the next."""
    at = CANDLES.index[1:]
    made = liquidation_map(CANDLES, INTEREST, at=at)
    consumed = np.diff(made.ledger[:, :, 1], axis=0) * made.closes[1:, None] * factor
    totals = pd.DataFrame(consumed, columns=["long", "short"], index=at[:-1])
    return ReportedTotals(symbol="TEST/USDT:USDT", candles=CANDLES, totals=totals, open_interest=INTEREST)


def test_totals_that_follow_the_map_are_found():
    """Reported a fifth of what is consumed: correlation 1, level 5, more than range and volume tell."""
    table = score_totals([reported()]).set_index(["side", "measure"])["value"]
    for side in ("long", "short"):
        assert table[side, "map"] == pytest.approx(1.0, abs=1e-9)
        assert table[side, "level"] == pytest.approx(5.0)
        assert table[side, "gain"] == pytest.approx(1 - table[side, BASELINE])


def test_an_hour_counts_by_its_open():
    """The total stamped 10:00 is compared with what was consumed between 10:00 and 11:00, a week into the data."""
    table = hourly_table(reported())["long"]
    assert table.index[0] == CANDLES.index[0] + pd.Timedelta("7D")
    np.testing.assert_allclose(table["consumed"], 5 * table["reported"], rtol=1e-9, atol=1e-6)
    hour = table.index[30]
    bar = CANDLES.loc[hour]
    assert table["baseline"][hour] == pytest.approx((1 - bar["low"] / bar["open"]) * np.sqrt(bar["volume"]))


def test_too_few_hours_are_left_out():
    """Less than two days beyond the first week: no score, no words."""
    short = reported()
    few = ReportedTotals(symbol="X", candles=short.candles.iloc[:200], totals=short.totals, open_interest=INTEREST)
    found = score_totals([few])
    assert found.empty
    assert claims.totals_in_words(found) == ()


def test_words_name_level_and_proof():
    """The note says the correlation, the gain and that the level is uncalibrated."""
    words = claims.totals_in_words(score_totals([reported()]))
    assert len(words) == 2
    assert "level 5.0 times what was reported: uncalibrated" in words[0]
    assert "(holds)" in words[0]
