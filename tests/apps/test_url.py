"""Settings in the address are read safely."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatlab.apps import url


def test_the_address_is_read() -> None:
    """Names and values are unquoted; the last value of a name counts."""
    environ = {"QUERY_STRING": "symbol=BTC%2FUSDT%3AUSDT&scale=log&scale=linear"}
    assert url.query_parameters(environ) == {"symbol": "BTC/USDT:USDT", "scale": "linear"}


def test_without_an_address_there_are_no_parameters() -> None:
    """JupyterLab has none."""
    assert url.query_parameters({}) == {}


def test_a_preheated_kernel_waits_for_its_visitor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only there Voila is asked, and only once."""
    import voila.utils

    calls: list[int] = []

    def visitor() -> None:
        calls.append(1)
        monkeypatch.setenv("QUERY_STRING", "step=4")

    monkeypatch.setattr(voila.utils, "wait_for_request", visitor)
    monkeypatch.setenv("VOILA_PREHEAT", "True")
    assert url.query_parameters() == {"step": "4"}
    assert url.query_parameters() == {"step": "4"}
    assert calls == [1]


@pytest.mark.parametrize(
    ("text", "expected"), [("5", 5.0), ("-3", 0.0), ("1e9", 10.0), ("nan", 2.0), ("x", 2.0), ("inf", 10.0), ("", 2.0)]
)
def test_a_number_is_clamped(text: str, expected: float) -> None:
    """Out of range becomes the nearest limit; anything but a number becomes the default."""
    assert url.number({"n": text}, "n", default=2.0, low=0.0, high=10.0) == expected


@given(st.dictionaries(st.sampled_from(["n", "c"]), st.text(max_size=20)))
def test_no_address_can_break_the_reading(parameters: Mapping[str, str]) -> None:
    """Whatever stands in the address, the values stay within what is allowed."""
    assert 0 <= url.integer(parameters, "n", default=2, low=0, high=10) <= 10
    assert url.choice(parameters, "c", default="log", allowed=("log", "linear")) in ("log", "linear")
    assert set(url.choices(parameters, "c", default=("a",), allowed=("a", "b"))) <= {"a", "b"}


def test_choices_keep_their_order_and_drop_the_unknown() -> None:
    """A comma-separated list is read in order, without doubles."""
    assert url.choices({"c": "b,x,a,b"}, "c", default=("a",), allowed=("a", "b")) == ("b", "a")
