"""Heat of the whole book: the positions' momentum heat weighted by the risk they carry."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from heatlab._checks import check_range, parameter_error
from heatlab.heat import HeatSettings, zone_of
from heatlab.heat.kernels import next_zone

DEFAULT = HeatSettings()


def portfolio_heat(position_heat: pd.DataFrame | ArrayLike, contributions: ArrayLike) -> float:
    """Mean momentum heat weighted by absolute risk contribution.

    Parameters
    ----------
    position_heat : array of shape (n,) in [0, 100], or a table with the column ``heat``
        NaN where unknown.
    contributions : array of shape (n,)
        Risk contributions of the same positions; a hedge counts by the size of its contribution.

    Returns
    -------
    float in [0, 100]
        Positions with unknown heat or contribution are left out; NaN where none is left.

    Raises
    ------
    ParameterError
        The lengths differ, or a heat lies outside [0, 100].
    """
    source = position_heat["heat"] if isinstance(position_heat, pd.DataFrame) else position_heat
    heat = np.asarray(source, dtype=np.float64)
    shares = np.abs(np.asarray(contributions, dtype=np.float64))
    if heat.shape != shares.shape:
        raise parameter_error("contributions", "portfolio_heat", f"of shape {heat.shape}", shares.shape)
    known = np.isfinite(heat) & np.isfinite(shares)
    for value in heat[known]:
        check_range("position_heat", value, 0, 100, caller="portfolio_heat")
    heat, shares = heat[known], shares[known]
    if not shares.sum() > 0:
        return float("nan")
    return float(np.clip(heat @ (shares / shares.sum()), heat.min(), heat.max()))


def portfolio_zone(heat: float, *, previous: float = float("nan"), settings: HeatSettings = DEFAULT) -> float:
    """Zone of the book: +1 green, 0 amber, -1 red, NaN if the heat is unknown.

    The thresholds are those of median volatility: a book has no volatility history of its own here.

    Parameters
    ----------
    heat : float in [0, 100]
    previous : float
        Zone before this reading: it is left only ``hysteresis`` points behind its threshold. NaN: no memory.
    settings : HeatSettings
    """
    if np.isnan(heat):
        return float("nan")
    check_range("heat", heat, 0, 100, caller="portfolio_zone")
    if np.isnan(previous):
        return float(zone_of(heat, settings.green, settings.red))
    return float(next_zone(previous, heat, settings.green, settings.red, settings.hysteresis))
