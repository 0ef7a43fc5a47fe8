"""Outcomes of entries: no foresight, signs, holes; and reviews that know when they know too little."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatlab.errors import MissingColumnsError, ParameterError
from heatlab.portfolio.outcomes import OutcomeSettings, entry_outcomes, is_hit, review

START = pd.Timestamp("2026-01-01", tz="UTC")
OWNER = ("okx", "BTC/USDT:USDT")
ONE_DAY = OutcomeSettings(horizons=("1d",), cost=0.0)


def bars(count: int = 24 * 20, *, seed: int | None = None) -> pd.DataFrame:
    """Hourly bars: bar k opens at 100 + k, or a random walk."""
    index = pd.date_range(START, periods=count, freq="1h", name="timestamp").as_unit("ms")
    opened = 100.0 + np.arange(count)
    if seed is not None:
        opened = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, count)))
    table = pd.DataFrame(
        {"open": opened, "high": opened * 1.01, "low": opened * 0.99, "close": opened * 1.005, "volume": 1.0},
        index=index,
    )
    table.attrs = {"timeframe": "1h"}
    return table


def entries(*rows: dict[str, Any]) -> pd.DataFrame:
    """Entries of BTC on okx, long, at START unless said otherwise."""
    given = {"at": START, "symbol": OWNER[1], "venue": OWNER[0], "side": 1, "kind": "reading"}
    return pd.DataFrame([{"number": k, **given, **row} for k, row in enumerate(rows or ({},), start=1)])


def scored(*rows: dict[str, Any], candles: pd.DataFrame | None = None, now: pd.Timestamp | None = None) -> pd.Series:
    """First outcome over a day."""
    table = bars() if candles is None else candles
    end = table.index[-1] + pd.Timedelta("1h") if now is None else now
    return entry_outcomes(entries(*rows), {OWNER: table}, now=end, settings=ONE_DAY).iloc[0]


def test_held_from_the_next_open_to_the_close_a_day_later() -> None:
    """An entry at 00:30 trades at the open of 01:00 = 101; the last bar of the day opens at 00:00 = 124."""
    row = scored({"at": START + pd.Timedelta("30min")})
    assert (row["entry_price"], row["exit_price"]) == (101.0, 124.0 * 1.005)
    assert row["forward_return"] == 124.0 * 1.005 / 101.0 - 1
    assert (row["opened_at"], row["closed_at"]) == (START + pd.Timedelta("1h"), START + pd.Timedelta("25h"))
    assert row["status"] == "done"


def test_an_entry_on_the_hour_trades_at_that_open() -> None:
    """The open of the bar that begins then is not known before."""
    assert scored({"at": START})["entry_price"] == 100.0


def test_best_and_worst_points_are_those_of_the_bars_held() -> None:
    """The first bar's low and the last bar's high, not those outside."""
    row = scored()
    assert row["favourable"] == 123.0 * 1.01 / 100.0 - 1
    assert row["adverse"] == pytest.approx(-0.01)


def test_a_short_has_the_signs_turned() -> None:
    """What a long gains a short loses; its best point is the low."""
    long, short = scored(), scored({"side": -1})
    assert short["forward_return"] == -long["forward_return"]
    assert short["favourable"] == pytest.approx(0.01)
    assert short["adverse"] == pytest.approx(-long["favourable"])


def test_the_horizon_must_be_over() -> None:
    """One hour before it is, the outcome is pending; then it is done."""
    row = scored(now=START + pd.Timedelta("23h"))
    assert (row["status"], pd.isna(row["forward_return"]), pd.isna(row["opened_at"])) == ("pending", True, True)
    assert scored(now=START + pd.Timedelta("24h"))["status"] == "done"


@pytest.mark.parametrize(
    ("row", "status"), [({"symbol": ""}, "no market"), ({"side": 0}, "no side"), ({"venue": "mars"}, "no prices")]
)
def test_what_cannot_be_scored_says_why(row: dict[str, Any], status: str) -> None:
    """No market, no side and no prices are three things."""
    assert scored(row)["status"] == status


def test_bars_that_are_not_there_yet_are_awaited() -> None:
    """Files that end before the horizon does may grow."""
    assert scored(candles=bars(10), now=START + pd.Timedelta("90D"))["status"] == "pending"
    assert scored({"at": START + pd.Timedelta("30D")})["status"] == "pending"
    assert scored({"venue": "mars"}, now=START + pd.Timedelta("2h"))["status"] == "pending"


def test_a_hole_is_no_outcome() -> None:
    """A first price days late, or a last price missing, would be another trade."""
    table = bars()
    late = table[table.index >= START + pd.Timedelta("2D")]
    gone = pd.concat([table.iloc[:12], table.iloc[60:]])
    assert scored(candles=late)["status"] == "no prices"
    assert scored(candles=gone)["status"] == "no prices"
    assert scored(candles=table.assign(open=table["open"].where(table.index > START)))["status"] == "no prices"


def test_every_horizon_has_a_row(pure: Callable[..., Any]) -> None:
    """One day, three days, a week; inputs stay as they were."""
    table = pure(entry_outcomes, entries({}, {}), {OWNER: bars()}, now=START + pd.Timedelta("4D"))
    assert table["horizon"].tolist() == ["1d", "3d", "7d"] * 2
    assert table["status"].tolist() == ["done", "done", "pending"] * 2


def test_no_entries_give_an_empty_table() -> None:
    """With its columns."""
    table = entry_outcomes(entries().head(0), {}, now=START)
    assert table.empty
    assert "forward_return" in table


@settings(max_examples=25, deadline=None)
@given(st.integers(24, 400), st.integers(0, 300), st.sampled_from([-1, 1]))
def test_later_bars_change_nothing_that_is_done(cut: int, hour: int, side: int) -> None:
    """No foresight: what was done at a cut is the same with all bars."""
    table = bars(seed=3)
    given_entries = entries({"at": START + pd.Timedelta(hours=hour), "side": side})
    early = entry_outcomes(given_entries, {OWNER: table.iloc[:cut]}, now=table.index[cut])
    seen = entry_outcomes(given_entries, {OWNER: table}, now=table.index[cut])
    late = entry_outcomes(given_entries, {OWNER: table}, now=table.index[-1])
    pd.testing.assert_frame_equal(early, seen)
    done = early["status"] == "done"
    pd.testing.assert_frame_equal(early[done], late[done])
    assert (early.loc[done, "adverse"] <= early.loc[done, "forward_return"] + 1e-12).all()
    assert (early.loc[done, "forward_return"] <= early.loc[done, "favourable"] + 1e-12).all()


@pytest.mark.parametrize(
    "changes", [{"horizons": ()}, {"horizons": ("soon",)}, {"horizons": ("-1d",)}, {"cost": -0.1}, {"confidence": 1.0},
                {"least": 1}, {"wait_bars": 0}, {"cost": float("nan")}]
)  # fmt: skip
def test_settings_are_checked(changes: dict[str, Any]) -> None:
    """The message names the setting."""
    with pytest.raises(ParameterError, match=f"'{next(iter(changes))}'"):
        OutcomeSettings(**changes)


def outcomes(returns: list[float], *, apart: str = "2D", **columns: Any) -> pd.DataFrame:
    """Decided entries of one day each, opened ``apart``."""
    opened = pd.Series([START + k * pd.Timedelta(apart) for k in range(len(returns))], dtype="datetime64[ms, UTC]")
    table = pd.DataFrame(
        {"opened_at": opened, "closed_at": opened + pd.Timedelta("1D"), "forward_return": returns,
         "favourable": 0.02, "adverse": -0.01, "kind": "signal"}
    )  # fmt: skip
    return table.assign(**columns)


def test_a_group_has_count_hits_and_mean_after_cost() -> None:
    """Three of four beat the cost of 1 %; the mean is less the cost."""
    row = review(outcomes([0.03, 0.02, 0.02, -0.01]), settings=OutcomeSettings(cost=0.01)).iloc[0]
    assert (row["group"], row["count"], row["decided"], row["independent"], row["hits"]) == ("signal", 4, 4, 4, 3)
    assert row["hit_rate"] == 0.75
    assert row["mean_return"] == pytest.approx(0.005)
    assert (row["mean_favourable"], row["mean_adverse"]) == (0.02, -0.01)


def test_the_interval_of_independent_outcomes_is_that_of_student() -> None:
    """Means of 1..5 %: 3 +- 2.776 x 1.5811 / sqrt(5)."""
    row = review(outcomes([0.01, 0.02, 0.03, 0.04, 0.05]), settings=OutcomeSettings(cost=0.0)).iloc[0]
    assert row["mean_high"] - row["mean_return"] == pytest.approx(0.0196324, abs=1e-6)


def test_overlapping_entries_count_once() -> None:
    """Twenty copies of one trade are one observation: the interval is unknown, the verdict too."""
    row = review(outcomes([0.05] * 20, apart="0h")).iloc[0]
    assert (row["decided"], row["independent"], row["verdict"]) == (20, 1, "too few to tell")
    assert np.isnan(row["mean_low"])
    doubled = pd.concat([outcomes([0.01, 0.02, 0.03, 0.04, 0.05])] * 2)
    once = review(outcomes([0.01, 0.02, 0.03, 0.04, 0.05])).iloc[0]
    twice = review(doubled).iloc[0]
    assert twice["mean_low"] == pytest.approx(once["mean_low"])
    assert twice["hit_low"] == pytest.approx(once["hit_low"])


@pytest.mark.parametrize(("shift", "verdict"), [(0.05, "earns"), (-0.05, "loses"), (0.0, "no clear effect")])
def test_enough_outcomes_get_a_verdict(shift: float, verdict: str) -> None:
    """By whether the interval of the mean excludes zero."""
    noise = np.resize([0.01, -0.01], 30) + shift
    assert review(outcomes(noise.tolist()), settings=OutcomeSettings(cost=0.0)).iloc[0]["verdict"] == verdict


def test_pending_entries_are_counted_not_scored() -> None:
    """They make the group larger, not better."""
    row = review(outcomes([0.05, np.nan])).iloc[0]
    assert (row["count"], row["decided"], row["hit_rate"]) == (2, 1, 1.0)
    empty = review(outcomes([np.nan])).iloc[0]
    assert (empty["decided"], empty["verdict"]) == (0, "too few to tell")
    assert np.isnan(empty["hit_rate"])


def test_groups_by_zone_name_the_unknown_and_come_largest_first() -> None:
    """Blank is a group of its own."""
    table = outcomes([0.01, 0.01, -0.01], zone=["", "green", "green"], symbol="", rule=None)
    assert review(table, by="zone")["group"].tolist() == ["green", "zone unknown"]
    assert review(table, by="symbol")["group"].tolist() == ["whole book"]
    assert review(table, by="rule")["group"].tolist() == ["no rule"]
    assert review(table.head(0), by="zone").empty


def test_what_cannot_be_grouped_by_is_refused() -> None:
    """Choice and columns are checked."""
    with pytest.raises(ParameterError, match="'by' parameter of review must be one of 'kind'"):
        review(outcomes([0.01]), by="mood")
    with pytest.raises(MissingColumnsError, match="Missing \\['zone'\\]"):
        review(outcomes([0.01]), by="zone")


def test_a_hit_beats_the_cost() -> None:
    """The cost itself is no hit, unknown stays unknown."""
    hits = is_hit(pd.Series([0.002, 0.001, -0.01, np.nan]))
    assert hits.tolist()[:3] == [1.0, 0.0, 0.0]
    assert np.isnan(hits.iloc[3])
