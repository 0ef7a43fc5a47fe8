"""One symbol's simulated history: bars, open interest and every account, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from heatlab.margin import liquidation_ratio
from heatlab.sources.simulated import engine, factors, settings
from heatlab.sources.simulated.contracts import bracket_table_of
from heatlab.sources.simulated.factors import HOUR_MS, FloatArray, IntArray, calendar
from heatlab.sources.simulated.settings import Listing

OWN_JUMPS_PER_HOUR, OWN_JUMP_SCALE = 1 / 240, 0.026
"""News of a single coin: one jump in ten days."""
OPEN_INTEREST_SWING, OPEN_INTEREST_HALF_LIFE = 0.18, 240.0
"""Log swing of the wanted open interest and its half-life [hours]."""
LARGEST_SHARE = 1 / 300
"""Largest account as a share of the usual open interest."""
CAPACITY_PER_FLOW = 12
MINUTE_MS = 60_000
VOLUME_RESPONSE = 0.75
"""Volume follows the bar's range to this power (log correlation with absolute returns 0.45 on real hours)."""
VOLUME_NOISE, VOLUME_HALF_LIFE = 0.30, 6.0
SESSION_VOLUME = np.ones(24)
SESSION_VOLUME[list(settings.AMERICA)] = 1.18
TAKER_TILT, TAKER_NOISE = 0.10, 0.03


@dataclass(frozen=True, slots=True)
class Tape:
    """Bars of the first venue and the ledger of accounts.

    ``start`` [ms] holds the open times of hourly bars and then of 1m bars; ``lots`` has one entry more than the bars:
    open interest at each open and at the end of the data. ``ledger`` includes accounts of the burn-in that may still
    be open at the start.
    """

    listing: Listing
    start: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    taker_buy_volume: FloatArray
    lots: IntArray
    ledger: engine.Ledger


@lru_cache(maxsize=64)
def liquidation_ratios(listing: Listing) -> FloatArray:
    """Liquidation price over entry price, shape (2 sides, n_tiers, 1 + CUSHIONS); NaN beyond the maximum leverage.

    Cushion 0 is isolated margin. Cushion k of a cross account adds a free balance of ``k / CUSHIONS`` of what is
    missing to a fully paid position, so its effective leverage is below the nominal one.
    """
    inverse = 1.0 / settings.TIERS[:, None]
    margin_rate = inverse + np.arange(settings.CUSHIONS + 1) / settings.CUSHIONS * (1.0 - inverse)
    brackets = bracket_table_of(listing)
    ratios = np.empty((2, *margin_rate.shape))
    for row, side in enumerate((1, -1)):
        ratios[row] = liquidation_ratio(
            side, 1.0 / margin_rate, venue=settings.VENUES[0], brackets=brackets, notional=settings.TRADER_NOTIONAL
        )
    ratios[:, ~_offered(listing)] = np.nan
    return ratios


def mixture(listing: Listing) -> FloatArray:
    """Return the true share of opened quantity per tier, shape (2 sides, n_tiers), cut at the listing's maximum."""
    shares = np.vstack([settings.LONG_WEIGHTS, settings.SHORT_WEIGHTS])
    shares = np.where(_offered(listing), shares, 0.0)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _offered(listing: Listing) -> npt.NDArray[np.bool_]:
    return np.array([tier <= listing.max_leverage for tier in settings.TIERS])


def _cumulative(listing: Listing) -> FloatArray:
    total = np.cumsum(mixture(listing), axis=1)
    total[total > 1.0 - 1e-12] = 1.0
    return total


def _shock(listing: Listing, seed: int, place: int) -> FloatArray:
    common = factors.factors(seed)
    rng = factors.random(seed, "own", place)
    volatility = factors.volatility_path(rng, listing.own_volatility, common.log_volatility)
    shock = factors.step_returns(rng, volatility)
    factors.add_jumps(
        shock, rng, rate=OWN_JUMPS_PER_HOUR, scale=OWN_JUMP_SCALE * listing.own_volatility / settings.MARKET_VOLATILITY
    )
    factors.add_bounce(shock, rng, np.hypot(volatility, listing.beta * common.volatility))
    shock += listing.beta * common.market
    shock += common.sectors[listing.sector]
    return shock


def _anchor(listing: Listing) -> FloatArray:
    ends = np.log([listing.start_price, listing.end_price])
    steps = calendar()
    share = (steps.start - steps.start[0]) / (steps.start[-1] - steps.start[0])
    return np.asarray(ends[0] + (ends[1] - ends[0]) * share)


def _target(listing: Listing, rng: np.random.Generator) -> IntArray:
    """Wanted open interest [lots] at flow steps, -1 elsewhere; it grows from nothing over the burn-in."""
    steps = calendar()
    hours = len(steps.per_hour)
    swing = OPEN_INTEREST_SWING * engine.autoregress(rng.standard_normal(hours), factors.decay(OPEN_INTEREST_HALF_LIFE))
    price = (listing.start_price * listing.end_price) ** 0.5
    level = listing.open_interest / price / listing.lot_size * np.exp(swing)
    level *= np.minimum(1.0, (np.arange(hours) + 1) / (settings.BURN_IN_DAYS * 24 / 2))
    every = np.where(steps.per_hour == settings.COARSE_STEPS, *settings.FLOW_EVERY)[steps.hour]
    step = np.arange(len(steps.hour))
    return np.where(step % every == 0, level[steps.hour].astype(np.int64), -1)


def _rules(listing: Listing, seed: int, place: int, price: float) -> engine.Rules:
    sigma_day = np.sqrt(24 * ((listing.beta * settings.MARKET_VOLATILITY) ** 2 + listing.own_volatility**2))
    return engine.Rules(
        seed=int(factors.random(seed, "accounts", place).integers(2**62)),
        cross_share=settings.CROSS_SHARE,
        mean_life_ms=settings.HALF_LIFE.total_seconds() * 1000 / np.log(2),
        impact=float(settings.DEPTH_FACTOR * sigma_day),
        linear_below=settings.LINEAR_BELOW,
        impact_half_life_hours=settings.IMPACT_HALF_LIFE_HOURS,
        reversion_per_hour=float(np.log(2) / (settings.REVERSION_HALF_LIFE_DAYS * 24)),
        take_profit_share=settings.TAKE_PROFIT_SHARE,
        deleveraging_per_hour=float(np.log(2) / settings.DELEVERAGING_HALF_LIFE_HOURS),
        daily_volume_lots=listing.daily_volume / price / listing.lot_size,
        largest_lots=int(LARGEST_SHARE * listing.open_interest / price / listing.lot_size),
    )


def record(listing: Listing, seed: int, *, place: int) -> Tape:
    """Simulate one symbol; ``place`` is its number among the listings and chooses its random streams."""
    steps = calendar()
    target = _target(listing, factors.random(seed, "accounts", 1000 + place))
    rules = _rules(listing, seed, place, (listing.start_price * listing.end_price) ** 0.5)
    ledger = engine.empty_ledger(CAPACITY_PER_FLOW * int((target >= 0).sum()))
    price, lots = np.empty(len(steps.hour)), np.empty(len(steps.hour), dtype=np.int64)
    used = engine.simulate(
        _shock(listing, seed, place),
        _anchor(listing),
        steps.hours,
        steps.start + steps.length // 2,
        target,
        _cumulative(listing),
        liquidation_ratios(listing),
        rules,
        ledger,
        engine.empty_book(),
        price,
        lots,
    )
    return _bars(listing, seed, place, price=price, lots=lots, ledger=engine.first_rows(ledger, used))


def bar_starts() -> tuple[IntArray, IntArray]:
    """Open times [ms] of the visible bars, hourly and then 1m, and the first hidden step of each."""
    begin, fine, end = (int(t.timestamp() * 1000) for t in (settings.START, settings.FINE_START, settings.END))
    start = np.r_[np.arange(begin, fine, HOUR_MS), np.arange(fine, end, MINUTE_MS)]
    return start, np.asarray(np.searchsorted(calendar().start, start), dtype=np.int64)


def _bars(listing: Listing, seed: int, place: int, *, price: FloatArray, lots: IntArray, ledger: engine.Ledger) -> Tape:
    start, first = bar_starts()
    unit = 10.0**listing.decimals
    opening = price[first - 1]
    last = np.r_[first[1:], len(price)] - 1
    bars = {
        "open": np.round(opening * unit) / unit,
        "high": np.ceil(np.maximum(np.maximum.reduceat(price, first), opening) * unit) / unit,
        "low": np.floor(np.minimum(np.minimum.reduceat(price, first), opening) * unit) / unit,
        "close": np.round(price[last] * unit) / unit,
    }
    volume = _volume(listing, seed, place, start=start, bars=bars, ledger=ledger)
    rng = factors.random(seed, "volume", 1000 + place)
    move = np.log(bars["close"] / bars["open"]) / np.log(bars["high"] / bars["low"]).clip(1e-9)
    share = (0.5 + TAKER_TILT * move + TAKER_NOISE * rng.standard_normal(len(start))).clip(0.02, 0.98)
    return Tape(
        listing,
        start,
        **bars,
        volume=volume,
        taker_buy_volume=np.minimum(round_lots(volume * share, listing.lot_size), volume),
        lots=np.r_[lots[first - 1], lots[-1]],
        ledger=ledger,
    )


def _volume(
    listing: Listing, seed: int, place: int, *, start: IntArray, bars: dict[str, FloatArray], ledger: engine.Ledger
) -> FloatArray:
    """Traded quantity of each bar [base]: session, range and noise, and never less than what accounts traded."""
    rng = factors.random(seed, "volume", place)
    span = np.diff(np.r_[start, int(settings.END.timestamp() * 1000)]) / HOUR_MS
    excursion = np.log(bars["high"] / bars["low"]) / np.sqrt(span)
    activity = (excursion / excursion.mean()) ** VOLUME_RESPONSE
    noise = VOLUME_NOISE * engine.autoregress(rng.standard_normal(len(start)), factors.decay(VOLUME_HALF_LIFE))
    hour = (start // HOUR_MS) % 24
    price = (listing.start_price * listing.end_price) ** 0.5
    usual = listing.daily_volume / price / 24 * span * SESSION_VOLUME[hour] * activity * np.exp(noise)
    traded = np.zeros(len(start))
    for stamps in (ledger.opened, ledger.closed):
        bar = np.searchsorted(start, stamps, side="right") - 1
        seen = (bar >= 0) & (stamps < int(settings.END.timestamp() * 1000))
        traded += np.bincount(bar[seen], ledger.lots[seen], len(start)) * (listing.lot_size / 2)
    return round_lots(usual + traded, listing.lot_size)


def round_lots(quantity: npt.ArrayLike, lot_size: float) -> npt.NDArray[np.float64]:
    """Round to whole lots [base]."""
    return np.round(np.round(np.asarray(quantity, dtype=np.float64) / lot_size) * lot_size, 8)
