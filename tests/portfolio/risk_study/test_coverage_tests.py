"""Kupiec's and Christoffersen's tests against values worked by hand."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatlab.errors import ParameterError
from heatlab.portfolio.risk_study.coverage_tests import coverage_test, independence_test, kupiec_test


def test_kupiec_by_hand() -> None:
    """7 exceptions in 250 days at 1 %: LR = -2 ln(0.99^243 0.01^7 / (0.972^243 0.028^7)) = 5.497, p = 0.019."""
    ratio, p_value = kupiec_test(7, 250, stated=0.01)
    assert ratio == pytest.approx(-2 * (243 * np.log(0.99 / 0.972) + 7 * np.log(0.01 / 0.028)), rel=1e-12)
    assert (round(ratio, 3), round(p_value, 3)) == (5.497, 0.019)


def test_kupiec_without_exceptions() -> None:
    """None in 250 days at 1 %: LR = -500 ln 0.99 = 5.025."""
    assert kupiec_test(0, 250, stated=0.01)[0] == pytest.approx(-500 * np.log(0.99))


def test_kupiec_holds_exactly() -> None:
    """The stated share gives ratio 0 and p 1."""
    assert kupiec_test(5, 100, stated=0.05) == pytest.approx((0.0, 1.0))


def test_independence_by_hand() -> None:
    """Transitions 00:5 01:2 10:1 11:1: LR = 2 ln(L1/L0) with pi = 3/9, pi01 = 2/7, pi11 = 1/2."""
    hits = [0, 0, 0, 0, 1, 1, 0, 0, 0, 1]
    free = 5 * np.log(5 / 7) + 2 * np.log(2 / 7) + 2 * np.log(0.5)
    null = 6 * np.log(6 / 9) + 3 * np.log(3 / 9)
    assert independence_test(hits)[0] == pytest.approx(2 * (free - null), rel=1e-12)


def test_runs_are_found_and_scatter_is_not() -> None:
    """Ten exceptions in a row are no accident; the same number spread out is."""
    runs, spread = np.zeros(500, dtype=bool), np.zeros(500, dtype=bool)
    runs[100:110], spread[::50] = True, True
    assert independence_test(runs)[1] < 1e-6
    assert independence_test(spread)[1] > 0.4


def test_verdicts() -> None:
    """Too many, too few, in runs, holds, unknown."""
    hits = np.zeros(1000, dtype=bool)
    few = coverage_test(hits, stated=0.05)
    runs = hits.copy()
    runs[:50] = True
    many = np.arange(1000) % 7 == 0
    fair = np.random.default_rng(0).random(1000) < 0.05
    found = [coverage_test(x, stated=0.05).verdict for x in (many, runs, fair, hits[:0])]
    assert [few.verdict, *found] == ["too few", "too many", "in runs", "holds", "unknown"]


def test_conditional_joins_both() -> None:
    """The joint ratio is the sum, with two degrees of freedom: exp(-LR/2)."""
    hits = np.random.default_rng(1).random(300) < 0.08
    test = coverage_test(hits, stated=0.05)
    total = kupiec_test(int(hits.sum()), 300, stated=0.05)[0] + independence_test(hits)[0]
    assert test.conditional == pytest.approx(np.exp(-total / 2))


@given(st.lists(st.booleans(), min_size=2, max_size=60), st.floats(0.01, 0.5))
def test_p_values_are_p_values(hits: list[bool], stated: float) -> None:
    """All in [0, 1], whatever the series."""
    test = coverage_test(hits, stated=stated)
    assert all(0 <= p <= 1 for p in (test.kupiec, test.independence, test.conditional))


def test_size_of_the_joint_test() -> None:
    """On independent exceptions at the stated rate it rejects about one in twenty."""
    rng = np.random.default_rng(2)
    rejected = [coverage_test(rng.random(1000) < 0.05, stated=0.05).conditional < 0.05 for _ in range(400)]
    assert 0.02 < np.mean(rejected) < 0.09


def test_a_share_outside_0_and_1_is_refused() -> None:
    """A value at risk that is never or always passed states nothing."""
    with pytest.raises(ParameterError, match="stated"):
        kupiec_test(1, 10, stated=0.0)


def test_what_an_app_shows_of_the_study_loads_no_distributions() -> None:
    """``scipy.stats`` costs a page a third of a second; ``scipy.special`` has the few quantiles that are needed."""
    code = "import sys, heatlab.portfolio.risk_study.record; print('scipy.stats' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert told.stdout.strip() == "False"
