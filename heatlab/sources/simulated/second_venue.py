"""The second venue: the first one's prices with a small basis and a lag, its own volume and open interest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from heatlab.sources.simulated import engine, factors, settings
from heatlab.sources.simulated.tape import Tape, round_lots

BASIS, BASIS_KEEP = 0.0002, 0.9
"""Standard deviation of the log basis (a few basis points between real venues) and its memory from bar to bar."""
LAG = 0.06
"""Share of a bar's return that arrives a bar later."""
VOLUME_NOISE, OPEN_INTEREST_NOISE = 0.25, 0.02


def follow(tape: Tape, seed: int, *, place: int) -> Tape:
    """Tape of the second venue; its ledger is empty because accounts are simulated on the first venue only."""
    rng = factors.random(seed, "okx", place)
    count, unit = len(tape.start), 10.0**tape.listing.decimals
    basis = BASIS * engine.autoregress(rng.standard_normal(count + 1), BASIS_KEEP)
    lag = LAG * np.log(tape.close / tape.open)
    opening = tape.open[0] * np.exp(basis[0])
    close = np.round(tape.close * np.exp(basis[1:] - lag) * unit) / unit
    first = np.r_[np.round(opening * unit) / unit, close[:-1]]
    high = np.maximum.reduce([np.ceil(tape.high * np.exp(basis[1:]) * unit) / unit, first, close])
    low = np.minimum.reduce([np.floor(tape.low * np.exp(basis[1:]) * unit) / unit, first, close])
    noise = settings.OKX_SHARE * np.exp(VOLUME_NOISE * rng.standard_normal(count))
    volume = round_lots(tape.volume * noise, tape.listing.lot_size)
    taker = round_lots(tape.taker_buy_volume * noise, tape.listing.lot_size)
    swing = OPEN_INTEREST_NOISE * engine.autoregress(rng.standard_normal(count + 1), 0.995)
    return replace(
        tape,
        open=first,
        high=high,
        low=low,
        close=close,
        volume=volume,
        taker_buy_volume=np.minimum(taker, volume),
        lots=np.round(tape.lots * settings.OKX_SHARE * np.exp(swing)).astype(np.int64),
        ledger=engine.empty_ledger(0),
    )
