"""Whether losses beyond a stated value at risk come as often as stated, and not in runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, xlogy

from heatlab._checks import check_range
from heatlab.domain import NAN

LEVEL = 0.05
"""A test rejects below this p-value."""


@dataclass(frozen=True, slots=True)
class CoverageTest:
    """Outcome of the tests of one series of exceptions.

    Attributes
    ----------
    count, exceptions : int
        Readings, and those whose loss went beyond the value at risk.
    stated, rate : float
        Share of exceptions the model states, and the share seen.
    kupiec, independence, conditional : float
        p-values: right share (Kupiec), no runs, and both at once (Christoffersen); NaN where there are no readings.
    """

    count: int
    exceptions: int
    stated: float
    rate: float
    kupiec: float
    independence: float
    conditional: float

    @property
    def verdict(self) -> str:
        """One of "holds", "too many", "too few", "in runs" and "unknown", at the 5 % level."""
        if not np.isfinite(self.conditional):
            return "unknown"
        if self.kupiec < LEVEL:
            return "too many" if self.rate > self.stated else "too few"
        return "in runs" if self.independence < LEVEL or self.conditional < LEVEL else "holds"


def kupiec_test(exceptions: int, count: int, *, stated: float) -> tuple[float, float]:
    """Likelihood ratio of the stated share of exceptions against the share seen, and its p-value.

    ``LR = -2 ln[(1-p)^(n-x) p^x / ((1-x/n)^(n-x) (x/n)^x)]``, chi-squared with one degree of freedom (Kupiec 1995).
    NaN for no readings.
    """
    check_range("stated", stated, 0, 1, caller="kupiec_test", closed="neither")
    if count == 0:
        return NAN, NAN
    seen = exceptions / count
    null = xlogy(count - exceptions, 1 - stated) + xlogy(exceptions, stated)
    free = xlogy(count - exceptions, 1 - seen) + xlogy(exceptions, seen)
    ratio = max(float(-2 * (null - free)), 0.0)
    return ratio, float(chdtrc(1, ratio))


def independence_test(exceptions: ArrayLike) -> tuple[float, float]:
    """Likelihood ratio of "an exception today says nothing about tomorrow", and its p-value.

    First-order Markov alternative, chi-squared with one degree of freedom (Christoffersen 1998). NaN below two
    readings; 0 and 1 where there is no exception, or nothing else.
    """
    hits = np.asarray(exceptions, dtype=bool)
    if hits.size < 2:
        return NAN, NAN
    before, after = hits[:-1], hits[1:]
    n00, n01 = int((~before & ~after).sum()), int((~before & after).sum())
    n10, n11 = int((before & ~after).sum()), int((before & after).sum())
    after_calm = n01 / (n00 + n01) if n00 + n01 else 0.0
    after_hit = n11 / (n10 + n11) if n10 + n11 else 0.0
    whole = (n01 + n11) / (n00 + n01 + n10 + n11)
    null = xlogy(n00 + n10, 1 - whole) + xlogy(n01 + n11, whole)
    free = xlogy(n00, 1 - after_calm) + xlogy(n01, after_calm) + xlogy(n10, 1 - after_hit) + xlogy(n11, after_hit)
    ratio = max(float(-2 * (null - free)), 0.0)
    return ratio, float(chdtrc(1, ratio))


def coverage_test(exceptions: ArrayLike, *, stated: float) -> CoverageTest:
    """Kupiec's and Christoffersen's tests of a series of exceptions.

    Parameters
    ----------
    exceptions : array of bool, shape (n,)
        Whether the loss went beyond the value at risk, in order of time.
    stated : float in (0, 1)
        Share of exceptions the model states: 0.01 for a 99 % value at risk.
    """
    hits = np.asarray(exceptions, dtype=bool)
    count, found = int(hits.size), int(hits.sum())
    unconditional, kupiec = kupiec_test(found, count, stated=stated)
    runs, independence = independence_test(hits)
    both = float(chdtrc(2, unconditional + runs)) if np.isfinite(unconditional + runs) else NAN
    return CoverageTest(count, found, stated, found / count if count else NAN, kupiec, independence, both)
