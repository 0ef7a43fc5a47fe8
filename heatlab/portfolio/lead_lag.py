"""Whether one venue moves before another: tested on their returns, not told."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab._checks import check_range
from heatlab.domain import NAN
from heatlab.errors import DataError, MissingColumnsError
from heatlab.frames import TIMESTAMP, milliseconds

Floats = NDArray[np.float64]
COLUMNS = ["lag", "forward", "backward", "difference", "statistic", "p_value"]


@dataclass(frozen=True, slots=True)
class LeadLagSettings:
    """How a lead is tested.

    Parameters
    ----------
    min_bars : int
        Returns both venues must share.
    blocks : int
        Blocks of time whose signs are flipped; volatility that comes in runs stays inside a block.
    flips : int
        Random flips of all signs.
    level : float
        Largest p-value at which a venue is said to move first.
    least : float
        Smallest difference of the two correlations that counts: over many bars a difference of no use is "significant".
    """

    min_bars: int = 300
    blocks: int = 60
    flips: int = 1999
    level: float = 0.05
    least: float = 0.01

    def __post_init__(self) -> None:
        """Check every setting."""
        caller = "LeadLagSettings"
        check_range("blocks", self.blocks, 10, 10_000, caller=caller)
        check_range("min_bars", self.min_bars, 3 * self.blocks, 10_000_000, caller=caller)
        check_range("flips", self.flips, 19, 1_000_000, caller=caller)
        check_range("level", self.level, 0, 1, caller=caller)
        check_range("least", self.least, 0, 2, caller=caller)


DEFAULT = LeadLagSettings()


@dataclass(frozen=True)
class LeadLag:
    """Which of two venues moves first, and how sure that is.

    Attributes
    ----------
    first, second : str
        Names of the venues.
    leader : str
        The one that moves first; empty where neither is shown to.
    lag : int
        Bars by which it does (where the difference is surest); 0 where neither does.
    by : Timedelta
        The same as time.
    p_value : float
        Chance of so clear a difference at any lag if neither leads; NaN where there are too few bars.
    same_bar : float
        Correlation of returns within one bar.
    table : DataFrame
        lag [bars], forward (correlation of ``first`` with ``second`` that much later), backward (the other way round),
        difference, statistic, p_value (corrected for the number of lags).
    bars : int
        Returns compared.
    quiet : tuple of float
        Share of bars in which each venue did not trade; they are left out on both.
    step : Timedelta
        Length of a bar.
    words : str
        One sentence for the screen.
    notes : tuple of str
        What to keep in mind.
    """

    first: str
    second: str
    leader: str = ""
    lag: int = 0
    by: pd.Timedelta = field(default_factory=lambda: pd.Timedelta(0))
    p_value: float = NAN
    same_bar: float = NAN
    table: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COLUMNS, dtype="float64"))
    bars: int = 0
    quiet: tuple[float, float] = (NAN, NAN)
    step: pd.Timedelta = field(default_factory=lambda: pd.Timedelta(0))
    words: str = ""
    notes: tuple[str, ...] = ()


def lead_lag(
    first: pd.DataFrame,
    second: pd.DataFrame,
    *,
    max_lag: int = 5,
    names: tuple[str, str] = ("", ""),
    settings: LeadLagSettings = DEFAULT,
    seed: int = 0,
) -> LeadLag:
    """Test whether one venue's moves show on the other some bars later.

    At each lag k the correlation of ``first`` with ``second`` k bars later is set against the other way round. Both
    are nearly equal by chance alone, because venues move together within a bar, so it is their DIFFERENCE that is
    tested: the sum over time of ``a[t] b[t+k] - b[t] a[t+k]`` (standardised returns) over the root of the sum of its
    squares by block. If neither leads, the sign of each block is as likely as its opposite; the p-value is the share
    of random sign flips whose LARGEST statistic over all lags reaches ours, ours included. One flip is used for all
    lags, so their dependence is kept and looking at many lags costs what it should (maximum statistic).

    Parameters
    ----------
    first, second : DataFrame
        Candles of one symbol on two venues, closed bars of one length; ``close`` and ``volume`` are read. Only bars
        both have are used.
    max_lag : int
        Longest lag [bars].
    names : tuple of str, optional
        Of the venues; else from ``attrs["venue"]``.
    settings : LeadLagSettings
    seed : int
        Of the sign flips.

    Returns
    -------
    LeadLag
        Without a verdict where the venues share too few returns.

    Raises
    ------
    MissingColumnsError
        A table lacks ``close`` or ``volume``.
    DataError
        The bars have different lengths, or an index is not sorted and unique.

    Notes
    -----
    A bar without trades repeats an old price: its return, and the one that catches up after it, would make that venue
    look late. Both are left out on both venues. Where a venue's volume is unknown, a bar counts as quiet if its close
    repeats the one before. What cannot be removed: a venue whose LAST trade of a bar tends to be earlier looks late
    by a fraction of a bar, so a lead of one bar between a busy and a thin market may be just that.
    """
    check_range("max_lag", max_lag, 1, 500, caller="lead_lag")
    titles = (
        names[0] or str(first.attrs.get("venue", "")) or "first",
        names[1] or str(second.attrs.get("venue", "")) or "second",
    )
    step = _step(first, second)
    closes, quiet, notes = _shared(first, second, titles)
    returns = _returns(closes, step)
    known = np.asarray(np.isfinite(returns).all(axis=1))
    bars = int(known.sum())
    blank = LeadLag(first=titles[0], second=titles[1], bars=bars, quiet=quiet, step=step, notes=notes)
    if bars < settings.min_bars:
        return _with(blank, words=f"{bars} returns are shared by both venues; {settings.min_bars} are needed.")
    deviation = returns[known].std(axis=0)
    if not (deviation > 0).all():
        return _with(blank, words="A price does not move: there is nothing to compare.")
    scaled = np.where(known[:, None], (returns - returns[known].mean(axis=0)) / deviation, np.nan)
    same_bar = float(np.nanmean(scaled[:, 0] * scaled[:, 1]))
    table = _test(scaled, max_lag, settings, seed)
    return _verdict(_with(blank, table=table, same_bar=same_bar), settings)


def lead_worth(lead: LeadLag, *, move: float = NAN, cost: float = NAN) -> str:
    """Say what a lead is worth to someone who trades on it; nothing where neither venue leads.

    The share of variance explained is the square of the correlation. Holding the other venue for one bar on the side
    of the leader's move earns ``|r| s sqrt(2 / pi)`` on average where returns are jointly normal, s being ``move``.

    Parameters
    ----------
    lead : LeadLag
    move : float, optional
        Standard deviation of the other venue's returns over one bar [fraction].
    cost : float, optional
        Of getting in and out, as assumed [fraction].
    """
    if not lead.leader:
        return ""
    row = lead.table.loc[lead.table["lag"] == lead.lag].iloc[0]
    ahead = lead.leader == lead.first
    strength, other = float(row["forward" if ahead else "backward"]), (lead.second if ahead else lead.first)
    bar = "next bar" if lead.lag == 1 else f"bar {lead.lag} bars later"
    share = f"{strength**2:.1%}".replace("%", " %") if strength**2 >= 0.0005 else "less than 0.1 %"
    said = f"A correlation of {strength:+.3f} explains {share} of the variance of the {bar} on {other}"
    gain = abs(strength) * move * np.sqrt(2 / np.pi)
    if not (np.isfinite(gain) and np.isfinite(cost)):
        return f"{said}."
    sizes = f"about {gain * 1e4:.1f} bp a trade before assumed costs of about {cost * 1e4:.0f} bp"
    end = "no edge after costs" if gain <= cost else "more than the costs on paper, not tested on later data"
    return f"{said}; following it would earn {sizes}: {end}."


def _with(record: LeadLag, **changes: object) -> LeadLag:
    return LeadLag(**{**record.__dict__, **changes})


def _step(first: pd.DataFrame, second: pd.DataFrame) -> pd.Timedelta:
    """Length of the bars of both."""
    steps = []
    for table in (first, second):
        missing = [name for name in ("close", "volume") if name not in table]
        if missing:
            raise MissingColumnsError(f"The candles of lead_lag must have close and volume. Missing {missing}.")
        gaps = np.diff(milliseconds(table.index)) if len(table) else np.empty(0)
        if (gaps <= 0).any():
            raise DataError("The index of the candles of lead_lag must be sorted and must not repeat.")
        steps.append(int(gaps.min()) if gaps.size else 0)
    if 0 not in steps and steps[0] != steps[1]:
        lengths = " and ".join(f"{step / 60_000:g} min" for step in steps)
        raise DataError(f"The bars of lead_lag must have one length. Got {lengths}.")
    return pd.Timedelta(milliseconds=max(steps))


def _shared(
    first: pd.DataFrame, second: pd.DataFrame, titles: tuple[str, ...]
) -> tuple[pd.DataFrame, tuple[float, float], tuple[str, ...]]:
    """Take the closes of the bars both have, NaN where either is quiet; share of quiet bars; notes."""
    common = first.index.intersection(second.index)
    closes, shares, notes, still = {}, [], [], np.zeros(len(common), dtype=bool)
    for k, table in enumerate((first, second)):
        bars = table.loc[common]
        quiet, told = _quiet(bars)
        still |= quiet
        shares.append(float(quiet.mean()) if len(quiet) else NAN)
        closes[k] = bars["close"].to_numpy(dtype=np.float64)
        if not told and len(common):
            notes.append(f"{titles[k]}: volume unknown, bars with an unchanged close count as quiet")
    for title, share in zip(titles, shares, strict=True):
        if share > 0:
            count = f"{share * len(common):,.0f} of {len(common):,}"
            notes.append(f"{title}: no trade in {count} bars, which are left out on both venues")
    values = {name: np.where(still, np.nan, close) for name, close in closes.items()}
    wide = pd.DataFrame(values, index=common.rename(TIMESTAMP))
    return wide, (shares[0], shares[1]), tuple(notes)


def _quiet(bars: pd.DataFrame) -> tuple[NDArray[np.bool_], bool]:
    """Bars without a trade, and whether volume could tell."""
    volume = bars["volume"].to_numpy(dtype=np.float64)
    if (volume > 0).any():
        return volume == 0, True
    close = bars["close"].to_numpy(dtype=np.float64)
    return np.r_[False, np.diff(close) == 0] if close.size else np.zeros(0, dtype=bool), False


def _returns(closes: pd.DataFrame, step: pd.Timedelta) -> Floats:
    """Log returns on the full grid of time, NaN across gaps and at quiet bars; a quiet bar spoils two."""
    if len(closes) < 2:
        return np.empty((0, 2))
    grid = pd.date_range(closes.index[0], closes.index[-1], freq=step, name=TIMESTAMP)
    logs = np.log(closes.reindex(grid).to_numpy(dtype=np.float64))
    return np.asarray(np.diff(logs, axis=0), dtype=np.float64)


def _test(scaled: Floats, max_lag: int, settings: LeadLagSettings, seed: int) -> pd.DataFrame:
    """Both correlations at each lag, and the test of their difference."""
    lags = np.arange(1, max_lag + 1)
    block = np.minimum(np.arange(len(scaled)) * settings.blocks // len(scaled), settings.blocks - 1)
    sums = np.zeros((settings.blocks, max_lag))
    forward, backward = np.full(max_lag, np.nan), np.full(max_lag, np.nan)
    for k in lags:
        ahead, behind = scaled[:-k, 0] * scaled[k:, 1], scaled[:-k, 1] * scaled[k:, 0]
        here = np.isfinite(ahead) & np.isfinite(behind)
        if here.any():
            forward[k - 1], backward[k - 1] = ahead[here].mean(), behind[here].mean()
            sums[:, k - 1] = np.bincount(block[:-k][here], (ahead - behind)[here], minlength=settings.blocks)
    scale = np.sqrt((sums**2).sum(axis=0))
    scaled_sums = np.divide(sums, scale, out=np.zeros_like(sums), where=scale > 0)
    statistic = scaled_sums.sum(axis=0)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(settings.flips, settings.blocks))
    largest = np.abs(signs @ scaled_sums).max(axis=1)
    reached = (largest[:, None] >= np.abs(statistic)[None, :] - 1e-12).sum(axis=0)
    p_value = (reached + 1.0) / (settings.flips + 1.0)
    values = (lags, forward, backward, forward - backward, statistic, p_value)
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def _verdict(record: LeadLag, settings: LeadLagSettings) -> LeadLag:
    row = record.table.iloc[int(record.table["statistic"].abs().argmax())]
    p_value = float(row["p_value"])
    chance = f"p = {p_value:.3f}" if p_value >= 0.0005 else "p < 0.001"
    if p_value > settings.level:
        words = f"Neither is shown to lead at this bar length, {_span(record.step)} ({chance})."
        return _with(record, p_value=p_value, words=words)
    ahead = bool(row["statistic"] > 0)
    leader, lag = (record.first if ahead else record.second), int(row["lag"])
    by = lag * record.step
    there, back = (row["forward"], row["backward"]) if ahead else (row["backward"], row["forward"])
    sizes = f"correlation {there:+.3f} that way, {back:+.3f} the other"
    if abs(there - back) < settings.least:
        words = f"Neither leads by anything of use: {leader} is ahead by a trace ({sizes}; {chance})."
        return _with(record, p_value=p_value, words=words)
    words = f"{leader} moves first by {'up to ' if lag == 1 else ''}{_span(by)} ({chance}): {sizes}."
    return _with(record, leader=leader, lag=lag, by=by, p_value=p_value, words=words)


def _span(length: pd.Timedelta) -> str:
    minutes = length / pd.Timedelta("1min")
    if minutes >= 1440:
        return f"{minutes / 1440:g} d"
    return f"{minutes / 60:g} h" if minutes >= 60 else f"{minutes:g} min"
