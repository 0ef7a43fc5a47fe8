"""Tables as plain values, for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def plain_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One dictionary a row, of text, numbers and booleans; unknown and infinite are None, times are ISO text."""
    return [{str(name): _value(value) for name, value in row.items()} for row in table.to_dict("records")]


def _value(value: Any) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return None
    if isinstance(value, pd.Timestamp | pd.Timedelta):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value
