"""What the liquidation map assumes and shows."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from heatlab._checks import check_choice, check_positive, check_range
from heatlab.liquidation.levels import TIERS


def duration(text: str | pd.Timedelta) -> pd.Timedelta:
    """Read "48h" or "7d" (or "7D")."""
    return pd.Timedelta(text.replace("d", "D") if isinstance(text, str) else text)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSettings:
    """What the estimator assumes and what the screen shows.

    Attributes
    ----------
    tiers : tuple of float
        Leverages positions are opened with, rising.
    weights : tuple of float, optional
        Share of each tier; None is :func:`~heatlab.liquidation.levels.prior_weights`.
    bin_bps : float
        Height of a price bin [basis points of log price].
    n_bins : int
        Most bins the grid may have: bins are the smallest whole multiple of ``bin_bps`` that fits.
    price_margin : float
        Log distance the grid reaches beyond the lowest low and the highest high.
    columns : int
        Most columns the map may have.
    rho : float
        Share of the volume that opens a position (and closes another) besides the change of open interest.
    holding_half_life : str
        Prior time scale of holding. Full closing: a class of positions this old closes twice as fast as a new one, up
        to four times. Volume proxy: half of what is outstanding fades in it. Where open interest is given it, not
        this, says how much closes: no fixed share is gone after a half-life.
    recency_half_life : str, optional
        Display only: how fast older entries fade on screen. None shows the state itself.
    jitter : float
        Spread of the log distance from entry to liquidation.
    cross_share : float
        Share of positions without a near liquidation price.
    closing : {"full", "proportional"}
        Older and losing positions close faster, or all alike.
    notional : float
        Notional of the typical position [quote]; selects the leverage bracket (turned into coin at the first close
        for brackets in coin).
    """

    tiers: tuple[float, ...] = TIERS
    weights: tuple[float, ...] | None = None
    bin_bps: float = 10.0
    n_bins: int = 600
    price_margin: float = 0.15
    columns: int = 1000
    rho: float = 0.05
    holding_half_life: str = "7d"
    recency_half_life: str | None = "48h"
    jitter: float = 0.2
    cross_share: float = 1 / 3
    closing: str = "full"
    notional: float = 10_000.0

    def __post_init__(self) -> None:
        """Check every value."""
        where = "MapSettings"
        check_choice("closing", self.closing, ("full", "proportional"), caller=where)
        check_range("bin_bps", self.bin_bps, 0.1, 1_000, caller=where)
        check_range("n_bins", self.n_bins, 10, 100_000, caller=where)
        check_range("price_margin", self.price_margin, 0.001, 5, caller=where)
        check_range("columns", self.columns, 1, 1_000_000, caller=where)
        check_range("rho", self.rho, 0, 1, caller=where)
        check_range("jitter", self.jitter, 0, 1, caller=where)
        check_range("cross_share", self.cross_share, 0, 1, caller=where, closed="left")
        check_positive("notional", self.notional, caller=where)
        for name in ("holding_half_life", "recency_half_life"):
            value = getattr(self, name)
            if value is not None:
                check_positive(name, duration(value) / pd.Timedelta("1h"), caller=where)
