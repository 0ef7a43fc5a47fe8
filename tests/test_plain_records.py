"""Tables as plain values."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from heatlab.frames import plain_records


def test_rows_are_plain_and_unknown_is_none() -> None:
    """NaN, infinity and NaT are None, times are text, numbers are Python's own."""
    when = pd.Timestamp("2026-01-01", tz="UTC")
    table = pd.DataFrame(
        {"n": [1, 2], "x": [0.5, np.nan], "y": [np.inf, 1.0], "at": [when, pd.NaT], "ok": [True, False]}
    )
    rows = plain_records(table)
    assert rows == [
        {"n": 1, "x": 0.5, "y": None, "at": "2026-01-01T00:00:00+00:00", "ok": True},
        {"n": 2, "x": None, "y": 1.0, "at": None, "ok": False},
    ]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
