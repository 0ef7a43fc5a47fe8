"""How numbers look on screen, in Python and, for ticks and read-outs, in the browser: the same rules twice."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

UNKNOWN = "\u2013"


def usd(value: float) -> str:
    """Short dollars: ``$1.24M``, ``$980``; a dash where unknown."""
    if not math.isfinite(value):
        return UNKNOWN
    sign, size = ("-" if value < 0 else ""), abs(value)
    for limit, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= limit * 0.9995:
            return f"{sign}${size / limit:.3g}{unit}" if size < limit * 999.5 else f"{sign}${size / limit:,.0f}{unit}"
    return f"{sign}${size:.3g}" if size < 999.5 else f"{sign}${size:.0f}"


def at_least(value: float, *, partial: bool) -> str:
    """Short dollars of a sum that can only grow; "at least" where parts of it are unknown."""
    return f"at least {usd(value)}" if partial and math.isfinite(value) else usd(value)


def of_known(value: float, *, partial: bool) -> str:
    """Short dollars of a sum that may go either way; "of the known" where parts of it are unknown."""
    return f"{usd(value)} of the known" if partial and math.isfinite(value) else usd(value)


def price_decimals(value: float) -> int:
    """Decimals that give a price about five significant digits, at most 10."""
    if not math.isfinite(value) or value == 0:
        return 2
    return int(min(max(4 - math.floor(math.log10(abs(value))), 0), 10))


def price(value: float) -> str:
    """Price with decimals that fit its magnitude: ``65,432``, ``0.12340``."""
    return UNKNOWN if not math.isfinite(value) else f"{value:,.{price_decimals(value)}f}"


def percent(fraction: float, *, signed: bool = True) -> str:
    """Fraction as a percentage with one decimal: ``+3.2 %``."""
    if not math.isfinite(fraction):
        return UNKNOWN
    return f"{fraction * 100:+.1f} %" if signed else f"{fraction * 100:.1f} %"


def age(span: Any) -> str:
    """Coarse length of time: ``42 s``, ``5 min``, ``3 h``, ``2 d``."""
    if pd.isna(span):
        return UNKNOWN
    seconds = span.total_seconds()
    for limit, unit, length in ((90, "s", 1), (5_400, "min", 60), (172_800, "h", 3_600)):
        if abs(seconds) < limit:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def number(value: float, decimals: int = 0) -> str:
    """Plain number with thousands separators; a dash where unknown."""
    return UNKNOWN if not math.isfinite(value) else f"{value:,.{decimals}f}"


USD_JS = """
const usd = (v, mark = '$') => {
  if (!isFinite(v)) return '\\u2013';
  const s = v < 0 ? '-' : '', a = Math.abs(v);
  for (const [limit, unit] of [[1e12, 'T'], [1e9, 'B'], [1e6, 'M'], [1e3, 'k']])
    if (a >= limit * 0.9995) return s + mark + +(a / limit).toPrecision(3) + unit;
  return s + mark + +a.toPrecision(3);
};
"""
PRICE_JS = """
const price = (v) => {
  if (!isFinite(v)) return '\\u2013';
  const d = v === 0 ? 2 : Math.min(Math.max(4 - Math.floor(Math.log10(Math.abs(v))), 0), 10);
  return v.toLocaleString('en-US', {minimumFractionDigits: d, maximumFractionDigits: d});
};
"""
LEVEL_JS = """
const amount = (level) => level < 1 ? 0
  : log ? low * Math.pow(high / low, (level - 1) / 254) : low + (level - 1) / 254 * (high - low);
"""
