"""One book on several timeframes: how much it moves per bar, with or against the trend, and what a reading is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from heatlab._checks import check_range, parameter_error
from heatlab.domain import NAN, Side, Timeframe
from heatlab.errors import MissingColumnsError
from heatlab.frames import align
from heatlab.heat import HeatSettings, momentum_heat
from heatlab.portfolio.book import exposure
from heatlab.portfolio.concentration import CANCELLED
from heatlab.portfolio.correlation.estimate import CorrelationSettings, estimate_correlation
from heatlab.portfolio.risk import effective_principal_bets, net_contributions, portfolio_volatility

Key = tuple[str, str, str]
IDENTITY = ["symbol", "venue", "side"]
HEAT = HeatSettings()
DAY = pd.Timedelta("24h")
POSITION_COLUMNS = [
    *IDENTITY, "timeframe", "exposure", "volatility", "volatility_day", "amount", "heat", "zone", "forecast", "aligned",
    "risk_share", "flips", "readings", "noise",
]  # fmt: skip
BOOK_COLUMNS = [
    "timeframe", "window", "volatility", "volatility_day", "with_trend", "against_trend", "unknown", "independent_bets",
    "largest_share", "flips", "readings", "noise",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class TimeframeSettings:
    """How timeframes are compared.

    Parameters
    ----------
    timeframes : tuple of str
    windows : tuple of (timeframe, length)
        History the covariance of its returns is taken from: long bars need a longer one.
    min_bars : int
        Returns two symbols must share.
    noise_limit : float
        A timeframe shorter than a day is noise for positions held for days where at least this share of its readings
        changes sign within a day. A convention, not fitted.
    """

    timeframes: tuple[str, ...] = ("1h", "4h", "1d")
    windows: tuple[tuple[str, str], ...] = (("1h", "30D"), ("4h", "90D"), ("1d", "365D"))
    min_bars: int = 48
    noise_limit: float = 0.2

    def __post_init__(self) -> None:
        """Check every setting."""
        check_range("min_bars", self.min_bars, 3, 1_000_000, caller="TimeframeSettings")
        check_range("noise_limit", self.noise_limit, 0, 1, caller="TimeframeSettings")
        missing = [name for name in self.timeframes if name not in dict(self.windows)]
        if missing:
            raise parameter_error("windows", "TimeframeSettings", "given for every timeframe", self.windows)
        for name in self.timeframes:
            Timeframe.parse(name)


DEFAULT = TimeframeSettings()


@dataclass(frozen=True)
class TimeframeExposure:
    """A book on several timeframes.

    Attributes
    ----------
    positions : DataFrame
        One row per position and timeframe: ``symbol, venue, side, timeframe``; ``exposure`` signed value [quote];
        ``volatility`` per bar and ``volatility_day`` scaled to a day by the square root of time [fraction];
        ``amount`` value times volatility per bar [quote]; ``heat``, ``zone``, ``forecast`` on that timeframe;
        ``aligned`` the value with (+) or against (-) its trend [quote]; ``risk_share`` from returns of that
        timeframe; ``flips`` share of readings whose trend changes sign within a day, over ``readings``; ``noise``.
    book : DataFrame
        One row per timeframe: ``window``; ``volatility`` of the book per bar and scaled to a day [quote];
        ``with_trend``, ``against_trend``, ``unknown`` gross value by alignment [quote]; ``independent_bets``
        along the principal components of that timeframe's covariance, and ``largest_share`` of risk, both by symbol,
        whatever the venue; ``flips``, ``readings``, ``noise``.
    words : tuple of str
        What follows, in sentences.
    """

    positions: pd.DataFrame
    book: pd.DataFrame
    words: tuple[str, ...] = field(default=())


def timeframe_exposure(
    positions: pd.DataFrame,
    candles: Mapping[Key, pd.DataFrame],
    table: pd.DataFrame,
    *,
    now: pd.Timestamp,
    settings: TimeframeSettings = DEFAULT,
    heat: HeatSettings = HEAT,
) -> TimeframeExposure:
    """Exposure, risk and readings of a book on each timeframe side by side.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions.
    candles : mapping of (venue, symbol, timeframe) to DataFrame
        Canonical candles; bars that close after ``now`` are left out.
    table : DataFrame
        As :func:`heatlab.heat.heat_table` returns it.
    now : Timestamp (UTC)
    settings : TimeframeSettings
    heat : HeatSettings
        Of the past readings that are counted.

    Returns
    -------
    TimeframeExposure
        What cannot be known is NaN.

    Raises
    ------
    MissingColumnsError
        ``table`` lacks a column.
    """
    needed = [*IDENTITY, "timeframe", "heat", "zone", "forecast"]
    if missing := [name for name in needed if name not in table.columns]:
        raise MissingColumnsError(f"The heat table of timeframe_exposure lacks the columns {', '.join(missing)}.")
    held = positions.reset_index(drop=True)
    parts, books = [], []
    for name in settings.timeframes:
        part, book = _one(held, _closed(candles, name, now), table, name, settings, heat)
        parts.append(part)
        books.append(book)
    whole = pd.concat(parts, ignore_index=True)[POSITION_COLUMNS]
    order = np.argsort(np.tile(np.arange(len(held)), len(parts)), kind="stable")
    frame = pd.DataFrame(books, columns=BOOK_COLUMNS)
    return TimeframeExposure(whole.iloc[order].reset_index(drop=True), frame, _words(frame, settings))


def sign_flips(forecast: pd.Series, timeframe: str) -> tuple[float, int]:
    """Share of readings whose sign is the opposite at any bar of the following day, and how many were counted.

    A reading counts once a whole day has passed after it, so nothing is said of the newest. Signs are of the trend
    forecast, so a long and a short of one market flip together. NaN and 0 where nothing could be counted.
    """
    sign = np.sign(forecast.to_numpy(dtype=np.float64))
    ahead = max(int(DAY / Timeframe.parse(timeframe).delta), 1)
    if sign.size <= ahead:
        return NAN, 0
    windows = np.lib.stride_tricks.sliding_window_view(sign, ahead + 1)
    known = np.isfinite(windows).all(axis=1) & (windows[:, 0] != 0)
    if not known.any():
        return NAN, 0
    flipped = (windows[known][:, 1:] * windows[known][:, :1] < 0).any(axis=1)
    return float(flipped.mean()), int(known.sum())


def _closed(candles: Mapping[Key, pd.DataFrame], timeframe: str, now: pd.Timestamp) -> dict[Key, pd.DataFrame]:
    limit = now - Timeframe.parse(timeframe).delta
    chosen = {key: bars for key, bars in candles.items() if key[2] == timeframe}
    return {key: bars[bars.index <= limit] for key, bars in chosen.items()}


def _one(
    held: pd.DataFrame,
    candles: Mapping[Key, pd.DataFrame],
    table: pd.DataFrame,
    timeframe: str,
    settings: TimeframeSettings,
    heat: HeatSettings,
) -> tuple[pd.DataFrame, dict[str, object]]:
    window = dict(settings.windows)[timeframe]
    matrix = _covariance(held, candles, timeframe, window, settings)
    value = exposure(held)
    bars_per_day = DAY / Timeframe.parse(timeframe).delta
    symbols = list(held["symbol"])
    wide = matrix.loc[symbols, symbols].to_numpy(dtype=np.float64)
    deviation = np.sqrt(np.diag(wide)) if len(held) else np.empty(0)
    part = held[IDENTITY].assign(timeframe=timeframe, exposure=value, volatility=deviation)
    part["volatility_day"] = deviation * np.sqrt(bars_per_day)
    part["amount"] = np.abs(value) * deviation
    readings = table.loc[table["timeframe"] == timeframe, [*IDENTITY, "heat", "zone", "forecast"]]
    part = part.merge(readings.drop_duplicates(IDENTITY), on=IDENTITY, how="left")
    part["aligned"] = np.abs(value) * np.sign(part["side"] * part["forecast"])
    part["risk_share"] = net_contributions(value, wide, instruments=symbols)
    _count_flips(part, candles, timeframe, heat)
    noisy = bars_per_day > 1
    part["noise"] = (part["flips"] >= settings.noise_limit) & noisy
    total = int(part["readings"].sum())
    flips = float((part["flips"].fillna(0.0) * part["readings"]).sum() / total) if total else NAN
    volatility = portfolio_volatility(value, wide) if len(held) else NAN
    bets = part.groupby("symbol", sort=False)["risk_share"].sum(min_count=1)
    return part, {
        "timeframe": timeframe,
        "window": window,
        "volatility": volatility,
        "volatility_day": volatility * np.sqrt(bars_per_day),
        **_alignment(part, value),
        "independent_bets": _independent(value, matrix, symbols),
        "largest_share": float(bets.max()) if bets.notna().any() else NAN,
        "flips": flips,
        "readings": total,
        "noise": bool(noisy and flips >= settings.noise_limit),
    }


def _covariance(
    held: pd.DataFrame,
    candles: Mapping[Key, pd.DataFrame],
    timeframe: str,
    window: str,
    settings: TimeframeSettings,
) -> pd.DataFrame:
    """Covariance per bar by symbol; closes of the first venue that has any, one bar is too short to look for breaks."""
    known: dict[str, pd.DataFrame] = {}
    for symbol, venue in zip(held["symbol"], held["venue"], strict=True):
        bars = candles.get((venue, symbol, timeframe))
        if symbol not in known and bars is not None and not bars.empty:
            known[symbol] = bars
    closes = align(known).reindex(columns=list(dict.fromkeys(held["symbol"]))).astype("float64")
    chosen = CorrelationSettings(window=window, short_window="1h", min_bars=settings.min_bars)
    return estimate_correlation(closes, settings=chosen).covariance


def _independent(value: np.ndarray, matrix: pd.DataFrame, symbols: list[str]) -> float:
    """Independent bets (Meucci) of the net value of each symbol; round-off of a whole hedge is no bet."""
    groups = pd.Series(value).groupby(symbols, sort=False)
    net, gross = groups.sum(skipna=False), groups.agg(lambda part: part.abs().sum())
    exact = net.mask(net.abs() <= CANCELLED * gross, 0.0)
    wide = matrix.loc[exact.index, exact.index].to_numpy(dtype=np.float64)
    return effective_principal_bets(exact.to_numpy(dtype=np.float64), wide)


def _count_flips(part: pd.DataFrame, candles: Mapping[Key, pd.DataFrame], timeframe: str, heat: HeatSettings) -> None:
    counted: dict[tuple[str, str], tuple[float, int]] = {}
    for symbol, venue in zip(part["symbol"], part["venue"], strict=True):
        bars = candles.get((venue, symbol, timeframe))
        if (symbol, venue) in counted:
            continue
        if bars is None or bars.empty:
            counted[symbol, venue] = NAN, 0
        else:
            forecast = momentum_heat(bars, Side.LONG, settings=heat)["forecast"]
            counted[symbol, venue] = sign_flips(forecast, timeframe)
    found = [counted[owner] for owner in zip(part["symbol"], part["venue"], strict=True)]
    part["flips"] = np.array([share for share, _ in found], dtype=np.float64)
    part["readings"] = np.array([count for _, count in found], dtype=np.int64)


def _alignment(part: pd.DataFrame, value: np.ndarray) -> dict[str, float]:
    """Gross value with, against and of unknown trend [quote]; NaN where a value is unknown."""
    size = np.abs(value)
    sign = np.sign((part["side"] * part["forecast"]).to_numpy(dtype=np.float64))
    return {
        "with_trend": float(size[sign > 0].sum()),
        "against_trend": float(size[sign < 0].sum()),
        "unknown": float(size[~(np.abs(sign) > 0)].sum()),
    }


def _words(book: pd.DataFrame, settings: TimeframeSettings) -> tuple[str, ...]:
    said = []
    for row in book.to_dict("records"):
        name, intraday = str(row["timeframe"]), Timeframe.parse(str(row["timeframe"])).delta < DAY
        if not intraday or np.isnan(row["flips"]):
            continue
        measured = f"{row['flips']:.0%} of {row['readings']:,} readings of the {name} trend here turned within a day"
        if row["noise"]:
            said.append(f"{name} is noise for a position held for days: {measured}.")
        else:
            said.append(f"{name} is not marked as noise: {measured}, below the {settings.noise_limit:.0%} mark.")
    return tuple(said)
