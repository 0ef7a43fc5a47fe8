"""Numbers on screen."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from heatlab.figures import format as show


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "$0"),
        (12.5, "$12.5"),
        (980, "$980"),
        (999.7, "$1k"),
        (1_240_000, "$1.24M"),
        (-5e9, "-$5B"),
        (math.nan, "\u2013"),
    ],
)
def test_dollars_are_short(value: float, text: str) -> None:
    """Three digits and a unit."""
    assert show.usd(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(65_432, "65,432"), (0.1234, "0.12340"), (1.5e-9, "0.0000000015"), (123_456.7, "123,457"), (math.nan, "\u2013")],
)
def test_prices_keep_five_digits(value: float, text: str) -> None:
    """Decimals follow the magnitude."""
    assert show.price(value) == text


@pytest.mark.parametrize(
    ("span", "text"), [("42s", "42 s"), ("5min", "5 min"), ("3h", "3 h"), ("49h", "2 d"), (None, "\u2013")]
)
def test_ages_are_coarse(span: str | None, text: str) -> None:
    """One number and one unit."""
    assert show.age(pd.Timedelta(span) if span else pd.NaT) == text


def test_fractions_become_percent() -> None:
    """With their sign."""
    assert show.percent(-0.0312) == "-3.1 %"


def test_a_sum_of_known_parts_says_so() -> None:
    """A lower bound, or a part that may move either way; a dash where nothing is known."""
    assert show.at_least(200.0, partial=True) == "at least $200"
    assert show.of_known(-200.0, partial=True) == "-$200 of the known"
    assert (show.at_least(200.0, partial=False), show.of_known(200.0, partial=False)) == ("$200", "$200")
    assert (show.at_least(float("nan"), partial=True), show.of_known(float("nan"), partial=True)) == (
        "\u2013",
        "\u2013",
    )
