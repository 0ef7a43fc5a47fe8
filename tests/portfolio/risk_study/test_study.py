"""The walk forward: it sees only the past, states what it should, and copes with prices that do not reach."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from heatlab.errors import DataError
from heatlab.heat import HeatSettings
from heatlab.portfolio.correlation.estimate import CorrelationSettings
from heatlab.portfolio.risk_study import risk_study
from heatlab.portfolio.risk_study.contributions import OWN, SPLIT, contribution_rows, contribution_table, two_clusters
from heatlab.portfolio.risk_study.record import recorded
from heatlab.portfolio.risk_study.study import VenuePair, panels, periods
from heatlab.portfolio.risk_study.value_at_risk import BOOKS, MODELS, book_weights, day_exceptions, stated_losses
from heatlab.portfolio.risk_study.walk import days, prices
from heatlab.portfolio.risk_study.warning_lead import crossings, readings, warning_table
from heatlab.portfolio.systemic import SystemicSettings
from tests.portfolio.risk_study.markets import closes

CLOSES = closes()
GIVEN = prices(CLOSES)
WALKED = list(days(GIVEN, settings=CorrelationSettings()))


def test_a_day_sees_the_past_only() -> None:
    """Cut right after it, a day's covariance and statements are the same."""
    day = WALKED[40]
    cut = prices(CLOSES.iloc[: day.row + 24])
    again = list(days(cut, settings=CorrelationSettings()))[-1]
    assert again.date == day.date
    np.testing.assert_array_equal(again.covariance, day.covariance)
    future = CLOSES.copy()
    future.iloc[day.row :] *= 3.0
    other = next(d for d in days(prices(future), settings=CorrelationSettings()) if d.date == day.date)
    np.testing.assert_array_equal(other.covariance, day.covariance)


def test_weights_of_the_books() -> None:
    """Each book has gross 1; long and short nets to 0 and is long what rose more."""
    day = WALKED[10]
    past = GIVEN.returns[: day.row]
    weights = book_weights(day, past)
    assert list(weights) == list(BOOKS)
    assert [float(np.abs(w).sum()) for w in weights.values()] == pytest.approx([1, 1, 1])
    assert weights["long and short"].sum() == pytest.approx(0)
    rose = past[-720:].sum(axis=0)
    assert rose[weights["long and short"] > 0].min() > rose[weights["long and short"] < 0].max()


def test_stated_losses_by_hand() -> None:
    """Normal: sigma x 1.645 an hour, x root 24 a day; fat tails: t(4) at unit variance; short history: unknown."""
    losses = stated_losses(0.01, np.zeros(800))
    assert losses["30-day covariance", "1 h", 0.95] == pytest.approx(0.01 * 1.6449, rel=1e-4)
    assert losses["30-day covariance", "1 d", 0.99] == pytest.approx(0.01 * 2.3263 * 24**0.5, rel=1e-4)
    assert losses["30-day covariance, fat tails", "1 h", 0.99] == pytest.approx(0.01 * 3.7469 / 2**0.5, rel=1e-4)
    assert np.isnan(losses["historical simulation", "1 d", 0.95])


def test_a_right_model_is_found_right() -> None:
    """Normal returns with constant correlation: the hourly exceptions come as often as stated."""
    hits = [day_exceptions(GIVEN, day)["equal weight", "30-day covariance", "1 h", 0.95] for day in WALKED]
    assert np.mean(hits) == pytest.approx(0.05, abs=0.012)


def test_a_day_with_a_missing_price_is_left_out() -> None:
    """What followed is unknown: no reading, no exception."""
    day = WALKED[5]
    holes = CLOSES.copy()
    holes.iloc[day.row + 3, 0] = np.nan
    assert day_exceptions(prices(holes), day) == {}


def test_two_clusters_are_the_largest() -> None:
    """Three groups at the cut: the largest two, larger first; one group: the first split of the tree."""
    pair = two_clusters(WALKED[0], cut=0.7)
    assert (pair.first.tolist(), pair.second.tolist(), pair.basis) == ([0, 1, 2], [3, 4], OWN)
    assert two_clusters(WALKED[0], cut=-0.5).basis == SPLIT


def test_stated_shares_come_true_where_nothing_changes() -> None:
    """With constant correlation the model is within a few points, and nearer than the share by size."""
    rows = contribution_rows(GIVEN, WALKED, cut=0.7)
    table = contribution_table(rows[rows["book"] == "both long"], [("all", WALKED[0].date, WALKED[-1].date)], seed=1)
    weekly = table.iloc[0]
    assert weekly["error"] < 0.06
    assert weekly["error"] < weekly["size_error"]
    assert weekly["within_10"] > 0.9
    assert weekly["at_cut"] == 1.0


def test_horizons_do_not_overlap() -> None:
    """Readings of a week are a week apart."""
    rows = contribution_rows(GIVEN, WALKED, cut=0.7)
    weekly = rows[(rows["horizon"] == "7 d") & (rows["book"] == "both long")]["date"]
    assert weekly.diff().dropna().unique().tolist() == [pd.Timedelta("7D")]


def test_crossings_need_a_calm_week_before() -> None:
    """A rise above the mark counts once, after seven days at or below it."""
    high = np.full(40, 0.5)
    rho = np.full(40, 0.4)
    rho[[10, 11, 13, 30]] = 0.6
    assert crossings(rho, high).tolist() == [10, 30]
    assert crossings(rho, np.full(40, np.nan)).tolist() == []


def test_the_warning_is_scored_against_all_shifts() -> None:
    """Chances are in (0, 1], shares in [0, 1], and hours with two clusters are counted."""
    read = readings(GIVEN, WALKED, cut=0.7, settings=SystemicSettings(), heat=HeatSettings())
    table = warning_table(read, [("all", WALKED[0].date, WALKED[-1].date + pd.Timedelta("1D"))])
    assert table["p_value"].dropna().between(0, 1, inclusive="right").all()
    hours = table.set_index("measure").loc["hours with two clusters or more", "value"]
    assert 0.5 < hours <= 1


def test_periods_cover_panels_and_years() -> None:
    """All days, a panel on each side of 2025, each year; a panel never has the name of a year."""
    names = [name for name, _, _ in periods(WALKED)]
    assert names == ["all", "2024 as panel", "2025 as panel", "2024", "2025"]
    assert [name for name, _, _ in panels(periods(WALKED))] == names[:3]


def test_the_whole_study_is_plain_and_repeats() -> None:
    """Tables for every part, words for failures, JSON, and the same answer twice."""
    table = CLOSES.rename_axis("timestamp")
    candles = pd.DataFrame({"close": table["A"], "volume": 1.0})
    pair = VenuePair("A", "1h", ("x", "y"), candles, candles)
    found = risk_study(CLOSES, pairs=[pair], used=("made up",))
    assert set(found.coverage["model"]) == set(MODELS[:3]) | {"historical simulation"}
    assert found.venues["leader"].tolist() == [""]
    assert any("tests by book, level and year hold" in note for note in found.notes)
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert json.dumps(risk_study(CLOSES, pairs=[pair], used=("made up",)).to_dict()) == text
    assert "Systemic warning" in str(found)
    assert "made up" in found.table()


@pytest.mark.parametrize(
    "table", [CLOSES.iloc[:0], CLOSES.iloc[:300], CLOSES[["A", "B"]]], ids=["none", "short", "two"]
)
def test_prices_that_do_not_reach(table: pd.DataFrame) -> None:
    """No rows, too few days, too few coins: no tables, and what lacked."""
    found = risk_study(table)
    assert found.coverage.empty
    assert "31 days of hourly closes of at least three coins" in found.lacked
    assert "nothing" in str(found)
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_listing_and_a_delisting() -> None:
    """A coin that comes late or ends early belongs to its own days only."""
    table = CLOSES.copy()
    table.iloc[: 60 * 24, 0], table.iloc[60 * 24 :, 1] = np.nan, np.nan
    walked = list(days(prices(table), settings=CorrelationSettings()))
    early, late = walked[0], walked[-1]
    assert (0 in early.coins, 1 in early.coins) == (False, True)
    assert (0 in late.coins, 1 in late.coins) == (True, False)


def test_bars_that_are_not_hourly_are_refused() -> None:
    """Half hours, repeats and other zones are mistakes."""
    with pytest.raises(DataError, match="hourly"):
        risk_study(CLOSES.set_axis(CLOSES.index + pd.Timedelta("30min")))
    with pytest.raises(DataError, match="sorted UTC"):
        risk_study(CLOSES.tz_localize(None))


def test_inputs_are_left_alone(pure) -> None:
    """The closes are not changed."""
    pure(risk_study, CLOSES.iloc[: 40 * 24])


def test_the_record_is_complete() -> None:
    """Both panels, all models and books, horizons and levels; the path over its days."""
    found = recorded()
    assert len(found.coverage) == 3 * 4 * 2 * 2 * 2
    assert found.path["day"].tolist() == list(range(-14, 31, 2))
    assert len(found.contributions) == 12
    assert found.coverage["kupiec"].between(0, 1).all()
