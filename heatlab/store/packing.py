"""Tables and plain values as they lie in a database: Arrow inside zlib for tables, strict JSON for the rest."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from heatlab.errors import DataError, ParameterError

LEVEL = 1
SECRET = re.compile(
    r"(^|[_\W])(api_?key|secret|password|passphrase|private_?key|(?:access|api|auth)_?token)([_\W]|$)", re.I
)
INFINITE = {"inf": math.inf, "-inf": -math.inf}


def pack_table(table: pd.DataFrame) -> bytes:
    """Compress a table, its index included; dtypes, NaN and infinities come back as they were, ``attrs`` do not.

    Raises
    ------
    DataError
        A column holds values of no single plain type.
    """
    bare = table.copy(deep=False)
    bare.attrs = {}
    try:
        arrow = pa.Table.from_pandas(bare, nthreads=1)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"A table to be stored must have columns of one plain type each ({error}).") from error
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, arrow.schema) as writer:
        writer.write_table(arrow)
    return zlib.compress(sink.getvalue(), LEVEL)


def unpack_table(body: bytes, *, where: str) -> pd.DataFrame:
    """Undo :func:`pack_table`.

    Raises
    ------
    DataError
        The bytes are damaged: zlib carries a checksum. The message names ``where``.
    """
    try:
        table: pd.DataFrame = pa.ipc.open_stream(zlib.decompress(body)).read_all().to_pandas(use_threads=False)
    except (zlib.error, pa.ArrowException, OSError, TypeError) as error:
        raise DataError(f"A stored table in {where} is damaged ({error}).") from error
    return table


def pack_values(values: Mapping[str, Any], *, caller: str) -> str:
    """Strict JSON: NaN becomes null, infinities the words "inf" and "-inf", times ISO text, numpy plain.

    Raises
    ------
    ParameterError
        A value is not plain, or a name looks like that of a secret: keys and passwords are never stored.
    """
    return json.dumps(_plain(dict(values), caller), allow_nan=False, separators=(",", ":"), ensure_ascii=False)


def unpack_values(text: str, *, where: str) -> dict[str, Any]:
    """Undo :func:`pack_values`; null at the top level is NaN again, the words for infinities are numbers.

    Raises
    ------
    DataError
        The text is damaged; the message names ``where``.
    """
    try:
        found = json.loads(text)
    except (ValueError, TypeError) as error:
        raise DataError(f"Stored values in {where} are damaged ({error}).") from error
    if not isinstance(found, dict):
        raise DataError(f"Stored values in {where} are damaged (a {type(found).__name__} instead of names and values).")
    return {name: _number(value) for name, value in found.items()}


def _number(value: Any) -> Any:
    if value is None:
        return math.nan
    return INFINITE.get(value, value) if isinstance(value, str) else value


def _plain(value: Any, caller: str) -> Any:
    if isinstance(value, Mapping):
        return {_name(name, caller): _plain(inner, caller) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset | np.ndarray | pd.Series):
        return [_plain(inner, caller) for inner in value]
    if value is None or value is pd.NaT or isinstance(value, str | bool):
        return None if value is pd.NaT else value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return _real(float(value))
    if isinstance(value, pd.Timestamp | pd.Timedelta):
        return value.isoformat()
    raise ParameterError(
        f"The state given to {caller} must hold plain values: numbers, text, lists and mappings of them. "
        f"Got {type(value).__name__} instead."
    )


def _real(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def _name(name: Any, caller: str) -> str:
    text = str(name)
    if SECRET.search(text):
        raise ParameterError(f"The state given to {caller} must hold no secret. Got the name {text!r}.")
    return text
