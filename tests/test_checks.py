"""Errors, parameter checks and optional dependencies: one shape of message."""

from __future__ import annotations

from typing import Any

import pytest

from heatlab import errors
from heatlab._checks import check_choice, check_positive, check_range
from heatlab._optional import require
from heatlab.errors import HeatlabError, MissingDependencyError, ParameterError


def test_a_value_in_range_passes() -> None:
    """Ends belong to a closed interval."""
    check_range("lookback", 2, 2, 100, caller="f")
    check_range("lookback", 100, 2, 100, caller="f")
    check_range("share", 0.5, 0, 1, caller="f", closed="neither")


def test_the_message_says_name_caller_allowed_and_got() -> None:
    """One shape for every parameter error."""
    with pytest.raises(ParameterError) as caught:
        check_range("lookback", 1, 2, 100_000, caller="momentum_heat")
    assert str(caught.value) == "The 'lookback' parameter of momentum_heat must be in [2, 100000]. Got 1 instead."


@pytest.mark.parametrize(
    ("value", "closed", "allowed"),
    [
        (0.0, "right", r"\(0, 1\]"),
        (1.0, "left", r"\[0, 1\)"),
        (0.0, "neither", r"\(0, 1\)"),
        (float("nan"), "both", r"\[0, 1\]"),
        ("half", "both", r"\[0, 1\]"),
        (None, "both", r"\[0, 1\]"),
        (True, "both", r"\[0, 1\]"),
    ],
)
def test_values_outside_are_refused(value: Any, closed: str, allowed: str) -> None:
    """Open ends, text, nothing, NaN and booleans are no numbers in the interval."""
    with pytest.raises(ParameterError, match=f"must be in {allowed}. Got"):
        check_range("share", value, 0, 1, caller="f", closed=closed)


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), "x", None, True])
def test_what_is_not_positive_is_refused(value: Any) -> None:
    """A positive number is finite and above zero."""
    with pytest.raises(ParameterError, match="must be a positive finite number"):
        check_positive("quantity", value, caller="f")


def test_positive_numbers_pass() -> None:
    """Any finite number above zero."""
    check_positive("quantity", 1e-12, caller="f")


def test_a_choice_lists_the_others() -> None:
    """The message lists every choice."""
    check_choice("mode", "a", ["a", "b"], caller="f")
    with pytest.raises(ParameterError, match=r"must be one of 'a', 'b'\. Got 'c' instead"):
        check_choice("mode", "c", iter(["a", "b"]), caller="f")


def test_every_error_has_one_base() -> None:
    """HeatlabError catches all; old habits catch ValueError and ImportError."""
    raised = [item for item in vars(errors).values() if isinstance(item, type)]
    assert all(issubclass(item, HeatlabError) for item in raised)
    assert issubclass(errors.ParameterError, ValueError)
    assert issubclass(errors.MissingColumnsError, errors.DataError)
    assert issubclass(errors.RateLimitedError, errors.SourceError)


def test_a_missing_extra_says_how_to_install_it() -> None:
    """The message names the feature, the package and the command."""
    with pytest.raises(MissingDependencyError, match=r'Deep forecasts needs .* pip install "heatlab\[deep\]"'):
        require("a_package_nobody_has", extra="deep", feature="Deep forecasts")


def test_an_installed_extra_is_imported() -> None:
    """The module itself comes back."""
    assert require("json", extra="deep", feature="Deep forecasts").loads("1") == 1
