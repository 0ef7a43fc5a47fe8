"""The canonical tables: their columns and units, checks, resampling, alignment, gaps, age, and plain values.

Every table of market history is a pandas DataFrame whose index is a UTC ``DatetimeIndex`` named ``timestamp``
holding the OPEN time of the bar (or the instant described). Unknown is NaN, never 0. ``attrs`` carries
``venue``, ``symbol`` and ``timeframe`` where they apply.
"""

from __future__ import annotations

from heatlab.frames.bars import align, from_ms, infer_timeframe, milliseconds, resample_candles, stamp_ms, time_index
from heatlab.frames.health import age, gaps, is_stale, report
from heatlab.frames.plain import plain_records
from heatlab.frames.schema import (
    BRACKETS,
    CANDLES,
    FUNDING,
    LIQUIDATIONS,
    OPEN_INTEREST,
    ORDER_BOOK,
    POSITIONS,
    SCHEMAS,
    TIMESTAMP,
    Column,
    Schema,
    check,
    empty,
)

__all__ = [
    "BRACKETS",
    "CANDLES",
    "FUNDING",
    "LIQUIDATIONS",
    "OPEN_INTEREST",
    "ORDER_BOOK",
    "POSITIONS",
    "SCHEMAS",
    "TIMESTAMP",
    "Column",
    "Schema",
    "age",
    "align",
    "check",
    "empty",
    "from_ms",
    "gaps",
    "infer_timeframe",
    "is_stale",
    "milliseconds",
    "plain_records",
    "report",
    "resample_candles",
    "stamp_ms",
    "time_index",
]
