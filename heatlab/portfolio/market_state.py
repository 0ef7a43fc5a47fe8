"""States of the market in which historical correlation is not to be trusted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MarketState:
    """What is unusual about the market right now.

    Attributes
    ----------
    weekend : bool
        Saturday or Sunday, UTC, with volume below its usual level.
    low_liquidity : bool
        Volume far below what is usual at this hour of the week.
    news_shock : bool
        A common move far beyond recent volatility: everything correlates to panic.
    trusted : bool
        Whether historical correlation may be read as usual.
    words : tuple of str
        One sentence per state for the screen; empty when nothing is unusual.
    """

    weekend: bool = False
    low_liquidity: bool = False
    news_shock: bool = False
    trusted: bool = True
    words: tuple[str, ...] = ()
