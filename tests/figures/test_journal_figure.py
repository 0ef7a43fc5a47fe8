"""The review with its intervals, and the price around one entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatlab.figures.journal_figure import MOST, EntryFigure, ReviewFigure, interval, review_columns
from heatlab.figures.theme import DARK, LIGHT

AT = pd.Timestamp("2026-03-01 12:00", tz="UTC")


def reviews(*verdicts: str, decided: int = 12) -> pd.DataFrame:
    """One group per verdict."""
    rows = [
        {
            "group": f"group {k}", "count": decided + 3, "decided": decided, "independent": 10, "hits": 6,
            "hit_rate": 0.5, "hit_low": 0.25, "hit_high": 0.75, "mean_return": 0.01, "mean_low": -0.02,
            "mean_high": 0.04, "mean_favourable": 0.05, "mean_adverse": -0.03, "verdict": verdict,
        }
        for k, verdict in enumerate(verdicts)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def bars() -> pd.DataFrame:
    """Hourly closes of 100 and up."""
    index = pd.date_range(AT - pd.Timedelta("5h"), periods=20, freq="1h", name="timestamp").as_unit("ms")
    return pd.DataFrame({"close": 100.0 + np.arange(20)}, index=index)


def outcome(**changes: Any) -> dict[str, Any]:
    """A long that gained 5 % in a day."""
    given = {
        "horizon": "1d", "status": "done", "opened_at": AT, "closed_at": AT + pd.Timedelta("1D"), "entry_price": 105.0,
        "exit_price": 110.25, "forward_return": 0.05, "favourable": 0.06, "adverse": -0.01,
    }  # fmt: skip
    return {**given, **changes}


def test_groups_with_too_few_are_hollow_and_pale() -> None:
    """Colour never stands alone: the dot is hollow, too."""
    columns = review_columns(reviews("earns", "too few to tell"))
    assert columns["fill"].tolist() == [1.0, 0.0]
    assert columns["known"].tolist() == [1.0, 0.45]


def test_the_hover_has_the_numbers_in_words() -> None:
    """Percent with the interval, and the counts."""
    columns = review_columns(reviews("earns"))
    assert columns["hit_text"] == ["50.0 % (25.0 % to 75.0 %)"]
    assert columns["mean_text"] == ["+1.0 % (-2.0 % to +4.0 %)"]
    assert columns["counts"] == ["12 decided of 15, 10 independent"]


def test_an_unknown_interval_is_left_out() -> None:
    """One outcome has an estimate and no interval; none has neither."""
    assert interval(0.012, np.nan, np.nan) == "+1.2 %"
    assert interval(np.nan, np.nan, np.nan) == "–"  # noqa: RUF001 - the dash of the screen


def test_groups_without_an_outcome_are_not_drawn(pure: Callable[..., Any]) -> None:
    """They stand in the table; and no more than fit are drawn."""
    assert pure(review_columns, reviews("too few to tell", decided=0))["label"] == []
    assert len(review_columns(reviews(*["earns"] * 50))["label"]) == MOST


def test_the_review_grows_with_its_groups_in_place() -> None:
    """One row a group, the first on top; both plots share them; the models stay."""
    drawn = ReviewFigure()
    before = drawn.source
    drawn.update(reviews("earns", "loses", "no clear effect"))
    assert drawn.hit.y_range.factors == ["group 2", "group 1", "group 0"]
    assert drawn.mean.y_range is drawn.hit.y_range
    assert drawn.hit.height == drawn.mean.height > 150
    assert drawn.source is before
    assert drawn.mean.x_range.end == pytest.approx(0.044)


def test_an_interval_of_two_outcomes_does_not_flatten_the_others() -> None:
    """It runs off the axis, which fits the firm ones."""
    table = reviews("earns", "too few to tell")
    table.loc[1, ["mean_low", "mean_high", "independent"]] = [-0.6, 0.6, 2]
    drawn = ReviewFigure()
    drawn.update(table)
    assert drawn.mean.x_range.end == pytest.approx(0.044)


@pytest.mark.parametrize("groups", [0, 1])
def test_a_review_of_nothing_can_be_drawn(groups: int) -> None:
    """No group, or one without an interval."""
    drawn = ReviewFigure(theme=LIGHT)
    table = reviews(*["earns"] * groups).assign(mean_low=np.nan, mean_high=np.nan) if groups else reviews("x").head(0)
    drawn.update(table)
    assert drawn.mean.x_range.end > 0


def test_themes_recolour_in_place() -> None:
    """Both figures follow."""
    drawn, chart = ReviewFigure(theme=DARK), EntryFigure(theme=DARK)
    for figure in (drawn, chart):
        figure.set_theme(LIGHT)
    assert drawn.hit.background_fill_color == chart.root.background_fill_color == LIGHT.background


def test_an_entry_shows_when_it_was_held_and_at_what_prices() -> None:
    """Shaded from open to close, both prices in figures, the return in the title."""
    chart = EntryFigure()
    chart.update(bars(), at=AT, outcome=outcome(), side=1)
    assert chart.marks.data["price"] == [105.0, 110.25]
    assert chart.marks.data["text"] == ["105.00", "110.25"]
    assert chart._held.visible
    assert chart._held.left == AT.timestamp() * 1000
    assert chart.root.title.text == "+5.0 % as a long after 1d; best +6.0 %, worst -1.0 %"


def test_a_pending_entry_shows_prices_and_no_outcome() -> None:
    """Nothing is shaded; the title says why."""
    chart = EntryFigure()
    chart.update(bars(), at=AT, outcome=outcome(status="pending"), side=-1)
    assert not chart._held.visible
    assert chart._written.visible
    assert chart.root.title.text == "1d: pending"
    assert len(chart.source.data["price"]) == 20


def test_an_entry_without_prices_says_so() -> None:
    """Empty, with the reason in the title; prices that are unknown do not break the axis."""
    chart = EntryFigure()
    chart.update(bars().assign(close=np.nan), at=AT)
    chart.clear(title="no prices for the time after it")
    assert chart.root.title.text == "no prices for the time after it"
    assert not chart._written.visible
