"""Auto-deleveraging: who is closed first when the insurance fund cannot take over a liquidated position.

Source: BitMEX, "What is Auto-Deleveraging" (18589621443357).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heatlab.margin._arrays import FloatArray, floats, plain


@dataclass(frozen=True, slots=True)
class DeleveragingRank:
    """Score of a position in the queue; the highest is closed first. Fields are scalars or arrays alike."""

    effective_leverage: FloatArray
    profit: FloatArray
    rank: FloatArray


def deleveraging_rank(
    mark_value: npt.ArrayLike, entry_value: npt.ArrayLike, *, bankruptcy_value: npt.ArrayLike
) -> DeleveragingRank:
    """Rank a position for auto-deleveraging.

    ``effective leverage = |MV| / (MV - BV)``, ``profit = (MV - EV) / |EV|``; the rank is their product for a winner
    and ``profit / effective leverage`` for a loser.

    Parameters
    ----------
    mark_value, entry_value, bankruptcy_value : float or array
        Value of the position at the mark, average entry and bankruptcy price; NEGATIVE for a short. One currency.

    Returns
    -------
    DeleveragingRank
    """
    mark, entry, ruin = floats(mark_value, entry_value, bankruptcy_value)
    leverage = np.abs(mark) / (mark - ruin)
    profit = (mark - entry) / np.abs(entry)
    rank = np.where(profit > 0, profit * leverage, profit / leverage)
    return DeleveragingRank(plain(leverage), plain(profit), plain(rank))
