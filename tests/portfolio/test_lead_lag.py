"""Lead-lag: finds a lead that is there, no more than it should where there is none, and is not fooled by old prices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import DataError, MissingColumnsError, ParameterError
from heatlab.portfolio.lead_lag import LeadLag, LeadLagSettings, lead_lag, lead_worth

QUICK = LeadLagSettings(flips=499)


def common(n: int, seed: int) -> np.ndarray:
    """Fat-tailed returns whose volatility wanders."""
    rng = np.random.default_rng(seed)
    return rng.standard_t(4, n) * np.exp(np.cumsum(rng.normal(0, 0.02, n))) * 1e-3


def candles(returns: np.ndarray, *, volume: np.ndarray | float = 1.0, venue: str = "") -> pd.DataFrame:
    """One-minute bars with these log returns."""
    index = pd.date_range("2026-01-01", periods=len(returns), freq="min", tz="UTC", name="timestamp")
    table = pd.DataFrame({"close": 100 * np.exp(np.cumsum(returns)), "volume": volume}, index=index)
    table.attrs = {"venue": venue} if venue else {}
    return table


def noise(n: int, seed: int) -> np.ndarray:
    """Each venue's own jitter."""
    return np.random.default_rng(seed).normal(0, 2e-4, n)


def led(lag: int, *, share: float = 0.3, n: int = 4000, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two venues, the second of which shows part of each move late."""
    move = common(n, seed)
    late = (1 - share) * move + share * np.r_[np.zeros(lag), move[:-lag]]
    return candles(move + noise(n, 2), venue="binanceusdm"), candles(late + noise(n, 3), venue="okx")


@pytest.mark.parametrize("lag", [1, 2, 4])
def test_a_known_lead_is_found(lag: int) -> None:
    """The leader, the number of bars and the words are right."""
    found = lead_lag(*led(lag))
    assert (found.leader, found.lag, found.by) == ("binanceusdm", lag, pd.Timedelta(minutes=lag))
    assert found.p_value < 0.01
    upto = "up to " if lag == 1 else ""
    assert found.words.startswith(f"binanceusdm moves first by {upto}{lag} min (p = 0.00")


def test_order_does_not_matter() -> None:
    """With the venues swapped the same one leads, by as much, with the same chance."""
    first, second = led(2)
    one, other = lead_lag(first, second), lead_lag(second, first)
    assert (other.leader, other.lag, other.p_value) == (one.leader, one.lag, one.p_value)
    assert other.table["forward"].tolist() == pytest.approx(one.table["backward"].tolist())


def test_alarms_under_the_null_stay_at_their_level() -> None:
    """Venues that move together within a bar, with wandering volatility: 5 % are called leads, no more."""
    p_values = []
    for seed in range(200):
        move = common(1200, seed)
        one, other = (candles(move + noise(1200, 1000 * k + seed)) for k in (1, 2))
        p_values.append(lead_lag(one, other, settings=QUICK).p_value)
    share = float(np.mean(np.array(p_values) <= 0.05))
    assert 0.005 < share < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_bars_without_trades_do_not_make_a_venue_late() -> None:
    """Old prices repeated in quiet bars look like a lag; left out, they do not."""
    move = common(4000, 5)
    traded = np.random.default_rng(6).random(4000) > 0.3
    stale = candles(move + noise(4000, 7))
    stale["close"] = stale["close"].where(traded).ffill().bfill()
    busy = candles(move, venue="busy")
    fooled = lead_lag(busy, stale.assign(volume=1.0), names=("", "quiet"))
    honest = lead_lag(busy, stale.assign(volume=traded.astype(float)), names=("", "quiet"))
    assert (fooled.leader, honest.leader) == ("busy", "")
    assert honest.quiet[1] == pytest.approx(1 - traded.mean())
    assert any("which are left out on both venues" in note for note in honest.notes)


def test_unknown_volume_is_said_and_repeated_closes_are_quiet() -> None:
    """A mark price carries no volume: a close that repeats the one before counts as quiet."""
    move = common(4000, 5)
    traded = np.random.default_rng(6).random(4000) > 0.3
    stale = candles(move + noise(4000, 7), volume=0.0)
    stale["close"] = stale["close"].where(traded).ffill().bfill()
    found = lead_lag(candles(move), stale, names=("a", "b"))
    assert found.leader == ""
    assert any("volume unknown" in note for note in found.notes)


def test_a_trace_is_not_a_lead() -> None:
    """Significant over many bars, of no use to anybody: said so, and nobody leads."""
    found = lead_lag(*led(1), settings=LeadLagSettings(least=1.0))
    assert found.leader == ""
    assert found.p_value < 0.01
    assert found.words.startswith("Neither leads by anything of use: binanceusdm is ahead by a trace")


def test_looking_at_more_lags_costs_significance() -> None:
    """A corrected p-value at one lag cannot be smaller when more lags are searched."""
    first, second = led(1, share=0.03, n=2000)
    few, many = lead_lag(first, second, max_lag=1), lead_lag(first, second, max_lag=40)
    assert many.table["p_value"].iloc[0] >= few.table["p_value"].iloc[0]


def test_gaps_are_no_returns() -> None:
    """Bars one venue lacks are left out, and no return spans the hole."""
    first, second = led(1)
    found = lead_lag(first, second.drop(second.index[100:200]))
    assert found.bars == 3999 - 101


@pytest.mark.parametrize("count", [0, 1, 200])
def test_too_few_bars_is_no_verdict(count: int) -> None:
    """Unknown stays unknown, and the need is named."""
    first, second = led(1)
    found = lead_lag(first.head(count), second.head(count))
    assert (found.leader, found.bars) == ("", max(count - 1, 0))
    assert np.isnan(found.p_value)
    assert "300 are needed" in found.words


def test_a_price_that_does_not_move() -> None:
    """A constant price says nothing."""
    flat = candles(np.zeros(1000))
    assert lead_lag(flat, candles(common(1000, 1))).words == "A price does not move: there is nothing to compare."


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 10))
def test_neither_seed_of_noise_nor_units_break_it(seed: int, unit: float) -> None:
    """p in (0, 1], correlations in [-1, 1], and a price in another unit changes nothing."""
    move = common(800, seed)
    first, second = candles(move + noise(800, seed)), candles(move + noise(800, seed + 1))
    found = lead_lag(first, second, settings=QUICK)
    other = lead_lag(first, second.assign(close=second["close"] * unit), settings=QUICK)
    assert 0 < found.p_value <= 1
    assert found.table[["forward", "backward"]].abs().to_numpy().max() <= 1.01
    assert other.p_value == pytest.approx(found.p_value)


def test_the_same_seed_gives_the_same_answer(pure) -> None:
    """Nothing random without a seed; inputs are left alone."""
    first, second = led(1)
    one: LeadLag = pure(lead_lag, first, second, seed=3)
    assert lead_lag(first, second, seed=3).p_value == one.p_value


def test_bars_of_two_lengths_are_refused() -> None:
    """Minutes against hours is a mistake."""
    first, second = led(1)
    with pytest.raises(DataError, match="must have one length"):
        lead_lag(first, second.iloc[::60])


def test_a_table_without_volume_is_refused() -> None:
    """Without volume, quiet bars cannot be told: give NaN where it is unknown."""
    first, second = led(1)
    with pytest.raises(MissingColumnsError, match="volume"):
        lead_lag(first, second[["close"]])


def test_an_impossible_lag_is_refused() -> None:
    """At least one bar."""
    with pytest.raises(ParameterError, match="max_lag"):
        lead_lag(*led(1), max_lag=0)


@pytest.mark.market
def test_real_venues_at_one_hour(market_dir) -> None:
    """On hourly bars Binance and OKX move within the same bar: nobody leads by anything of use."""
    from heatlab.sources import FolderSource

    source = FolderSource(market_dir)
    first, second = (source.candles("BTC/USDT:USDT", "1h", venue=venue) for venue in ("binanceusdm", "okx"))
    found = lead_lag(first, second)
    assert found.bars > 1000
    assert found.same_bar > 0.99
    assert found.leader == ""


def test_no_evidence_of_a_lead_is_not_called_evidence_of_none() -> None:
    """Noise around one move: the words say what was not shown."""
    one, other = (candles(common(1200, 3) + noise(1200, seed)) for seed in (1, 2))
    found = lead_lag(one, other)
    assert found.leader == ""
    assert found.words.startswith("Neither is shown to lead at this bar length, ")


def a_lead(strength: float, *, leader: str = "a", lag: int = 1) -> LeadLag:
    """Lead of venue a or b with one correlation."""
    ahead = leader == "a"
    row = {"lag": float(lag), "forward": strength if ahead else 0.0, "backward": 0.0 if ahead else strength}
    return LeadLag("a", "b", leader=leader, lag=lag, table=pd.DataFrame([row]))


def test_a_small_correlation_is_worth_nothing() -> None:
    """0.03 of a 50 bp move is about 1 bp, less than any fee."""
    assert lead_worth(a_lead(0.029), move=0.005, cost=0.0015) == (
        "A correlation of +0.029 explains 0.1 % of the variance of the next bar on b; following it would earn about "
        "1.2 bp a trade before assumed costs of about 15 bp: no edge after costs."
    )


def test_the_worth_follows_the_leader_its_lag_and_its_size() -> None:
    """The other way round, later, traces; without sizes nothing is said of costs; a big one is not promised."""
    assert lead_worth(a_lead(0.3, leader="b", lag=3)) == (
        "A correlation of +0.300 explains 9.0 % of the variance of the bar 3 bars later on a."
    )
    assert "explains less than 0.1 % of" in lead_worth(a_lead(0.011))
    assert lead_worth(a_lead(0.9), move=0.01, cost=0.001).endswith("on paper, not tested on later data.")
    assert lead_worth(LeadLag("a", "b")) == ""
