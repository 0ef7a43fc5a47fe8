"""Turn what callers pass into float arrays and signs, and results back into scalars where scalars came in."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

from heatlab._checks import parameter_error
from heatlab.domain import Side

FloatArray = npt.NDArray[np.float64]


def floats(*values: npt.ArrayLike) -> tuple[FloatArray, ...]:
    """Broadcast values to float64 arrays of one shape."""
    return tuple(np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values)))


def signs(side: npt.ArrayLike | Side | str, *, caller: str) -> FloatArray:
    """Read sides ("long"/"short", +1/-1, one or many) as an array of +1.0 and -1.0.

    Raises
    ------
    ParameterError
        A value names no side.
    """
    given = np.asarray(side)
    if given.dtype.kind in "USO":
        words = [float(Side.parse(item)) for item in given.ravel().tolist()]
        return np.asarray(words, dtype=np.float64).reshape(given.shape)
    result = given.astype(np.float64)
    if not np.isin(result, (1.0, -1.0)).all():
        raise parameter_error("side", caller, "long or short (+1 or -1)", side)
    return result


def plain(values: npt.ArrayLike) -> FloatArray:
    """Return a 0-d array as a float scalar, any other array as it is."""
    return cast(FloatArray, np.asarray(values)[()])
