"""Days of the past: which there are in the data, and what the book would have gone through, hour by hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heatlab._checks import parameter_error
from heatlab.errors import DataError
from heatlab.frames import CANDLES, check
from heatlab.portfolio.stress.beta import BENCHMARK
from heatlab.portfolio.stress.betas_of import PositionBetas
from heatlab.portfolio.stress.book import Floats, Owner
from heatlab.portfolio.stress.known import known_equity
from heatlab.portfolio.stress.limits import LEAST_PRICE
from heatlab.portfolio.stress.prepared import PreparedStress
from heatlab.portfolio.stress.report import accounts_table, notes_of, positions_table
from heatlab.portfolio.stress.result import (
    Settled,
    StressResult,
    account_losses,
    equity_of_all,
    in_words,
    settle,
    start_equity,
)

HOUR = pd.Timedelta(hours=1)
COVERAGE = 0.9
"""Share of a window's hours the benchmark must have for the scenario to be offered."""
SPANS = {"24 h": 24, "7 d": 168}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A window of the past, from ``start`` (included) to ``end`` (excluded), in UTC."""

    name: str
    start: pd.Timestamp
    end: pd.Timestamp

    def __post_init__(self) -> None:
        """Check that the window is not empty."""
        if not self.end > self.start:
            raise parameter_error("end", "Scenario", f"after its start, {self.start}", self.end)

    @property
    def hours(self) -> int:
        """Length in hours."""
        return int((self.end - self.start) / HOUR)


def _named(name: str, start: str, end: str) -> Scenario:
    return Scenario(name, pd.Timestamp(start, tz="UTC"), pd.Timestamp(end, tz="UTC"))


NAMED = (
    _named("19 May 2021", "2021-05-19", "2021-05-20"),
    _named("LUNA, 7-13 May 2022", "2022-05-07", "2022-05-14"),
    _named("FTX, 6-10 Nov 2022", "2022-11-06", "2022-11-11"),
    _named("10 Oct 2025", "2025-10-10", "2025-10-11"),
    _named("5 Feb 2026", "2026-02-05", "2026-02-06"),
)


def scenarios(
    benchmark: pd.DataFrame, *, simulated: bool = False, named: tuple[Scenario, ...] = NAMED
) -> tuple[Scenario, ...]:
    """Scenarios the data hold: named days whose hours are there, then the worst 24 hours and 7 days of the table.

    Parameters
    ----------
    benchmark : DataFrame
        Canonical hourly candles of the benchmark.
    simulated : bool
        Its dates are not those of the real market: no named day is offered.
    named : tuple of Scenario
    """
    days = () if simulated else tuple(one for one in named if covered(benchmark, one))
    return (*days, *not_among(days, worst_windows(benchmark)))


def not_among(named: Sequence[Scenario], others: Sequence[Scenario]) -> tuple[Scenario, ...]:
    """Return the others that are not one of the named windows again."""
    windows = {(one.start, one.end) for one in named}
    return tuple(one for one in others if (one.start, one.end) not in windows)


def covered(candles: pd.DataFrame, scenario: Scenario) -> bool:
    """Whether at least nine tenths of the window's hours, and its last one, are in a table of hourly candles."""
    inside = (candles.index >= scenario.start) & (candles.index < scenario.end)
    whole = len(candles) and candles.index[-1] >= scenario.end - HOUR
    return bool(whole and inside.sum() >= COVERAGE * scenario.hours)


def worst_windows(benchmark: pd.DataFrame, *, spans: Mapping[str, int] = SPANS) -> tuple[Scenario, ...]:
    """Worst windows of the benchmark by close against the close before the window.

    Parameters
    ----------
    benchmark : DataFrame
        Canonical hourly candles.
    spans : mapping of name to hours
        Lengths; one for which there are too few bars is left out.
    """
    found = []
    close = benchmark["close"].astype("float64")
    for name, hours in spans.items():
        change = close / close.shift(hours) - 1.0
        change = change[close.index.to_series().diff(hours) == hours * HOUR]
        if change.notna().any():
            end = pd.DatetimeIndex(change.index)[int(np.nanargmin(change.to_numpy()))] + HOUR
            start = end - hours * HOUR
            found.append(Scenario(f"Worst {name} here, {start:%d %b %Y}", start, end))
    return tuple(found)


@dataclass(frozen=True)
class Path:
    """Prices of positions over their mark along a window, arrays of shape (n_hours, n); the first bar opens at 1.

    ``worst`` is the low of a long and the high of a short. ``own`` says which positions have candles of their own.
    """

    hours: pd.DatetimeIndex
    benchmark: Floats
    close: Floats
    worst: Floats
    own: np.ndarray


def run_scenario(
    prepared: PreparedStress,
    scenario: Scenario,
    candles: Mapping[Owner, pd.DataFrame],
    *,
    benchmark: str = BENCHMARK,
) -> StressResult:
    """Take a book through a window of the past, hour by hour.

    Each price starts at its mark and moves as its own candles did; where there are none it moves by beta times the
    benchmark, and its row says so. Within an hour a long is judged at its low and a short at its high, all of a cross
    account's at once: this errs on the side of liquidation. What is liquidated on the way stays so.

    Parameters
    ----------
    prepared : PreparedStress
    scenario : Scenario
    candles : mapping of (venue, symbol) to DataFrame
        Canonical hourly candles that cover the window; a symbol that has none takes those of another venue, then
        those of another contract on the same coin.
    benchmark : str
        Symbol of the benchmark; its candles must be there on some venue.

    Returns
    -------
    StressResult
        At the end of the window, with ``path``; ``liquidation_move`` is the benchmark's move at the close of the hour
        of the liquidation, NaN where there was none.

    Raises
    ------
    DataError
        The benchmark has no candles in the window, or a table is not canonical.
    """
    book = prepared.book
    path = _path(prepared, scenario, candles, benchmark)
    hit, first, lost = _liquidations(prepared, path)
    counted = prepared.betas.counted | path.own
    done = settle(book, book.mark * path.close, hit=hit, lost=lost, counted=counted)
    end = _last(done)
    outcome = in_words(hit[-1], _unknown(prepared, path))
    moves = np.where(hit[-1], path.benchmark[np.minimum(first, len(path.hours) - 1)], np.nan)
    used = np.where(path.own, np.nan, np.where(path.benchmark[-1] < 0, prepared.betas.down, prepared.betas.up))
    basis = np.where(path.own, "candles", np.where(counted, "beta", ""))
    silent = np.array([(outcome[book.account == k] == "unknown").any() for k in range(len(book.accounts))], dtype=bool)
    table = positions_table(
        book, _with_own(prepared.betas, counted), used=used, done=end, outcome=outcome, moves=moves, basis=basis
    )
    return StressResult(
        name=scenario.name,
        move=float(path.benchmark[-1]),
        positions=table.assign(distance=np.nan, distance_after=_own_distance(prepared, end, outcome)),
        accounts=accounts_table(book, end, _account_moves(prepared, moves), silent),
        pnl=float(end.total[0]),
        collateral=float(end.collateral[0]),
        equity_before=prepared.equity_now,
        equity=float(equity_of_all(book, end)[0]),
        liquidated=int(hit[-1].sum()),
        unknown=int((outcome == "unknown").sum()),
        left_out=int((~counted).sum()),
        known_before=prepared.known_now,
        known=known_equity(book, end, counted=counted, notes=_with_own(prepared.betas, counted).notes),
        notes=(
            *_words(path, counted),
            *_only_by_wicks(prepared, path, hit),
            *notes_of(book, _with_own(prepared.betas, counted)),
        ),
        path=pd.DataFrame(
            {"benchmark": path.benchmark, "pnl": done.total, "liquidated": hit.sum(axis=1)}, index=path.hours
        ),
    )


def _path(prepared: PreparedStress, scenario: Scenario, candles: Mapping[Owner, pd.DataFrame], benchmark: str) -> Path:
    market = _window(_any_venue(candles, benchmark), scenario, f"{benchmark} in {scenario.name}")
    if market is None:
        raise DataError(f"The scenario {scenario.name} needs hourly candles of {benchmark}. Got none in its window.")
    hours = pd.DatetimeIndex(market.index)
    book, betas = prepared.book, prepared.betas
    shape = (len(hours), len(book))
    close, worst, own = np.ones(shape), np.ones(shape), np.zeros(len(book), dtype=bool)
    read: dict[Owner, pd.DataFrame | None] = {}
    for row, key in enumerate(zip(book.positions["venue"], book.positions["symbol"], strict=True)):
        if key not in read:
            table = candles.get(key)
            choices = (table, _any_venue(candles, key[1]), _same_coin(candles, key[1]))
            windows = (_window(one, scenario, f"{key[1]} in {scenario.name}") for one in choices)
            read[key] = next((one for one in windows if one is not None), None)
        bars = read[key]
        own[row] = bars is not None and np.isfinite(book.mark[row]) and np.isfinite(book.quantity[row])
        if own[row] and bars is not None:
            aligned = bars.reindex(hours).ffill().fillna(1.0)
            close[:, row] = aligned["close"]
            worst[:, row] = aligned["low" if book.sign[row] > 0 else "high"]
    guessed = ~own & betas.counted
    close[:, guessed] = _by_beta(market["close"], betas, guessed)
    low, high = (_by_beta(market[name], betas, guessed) for name in ("low", "high"))
    hurt = np.minimum(low, high), np.maximum(low, high)
    worst[:, guessed] = np.where(book.sign[guessed] > 0, *hurt)
    return Path(hours, market["close"].to_numpy(dtype=np.float64) - 1.0, close, worst, own)


def _any_venue(candles: Mapping[Owner, pd.DataFrame], symbol: str) -> pd.DataFrame | None:
    return next((table for (_, known), table in candles.items() if known == symbol and not table.empty), None)


def _same_coin(candles: Mapping[Owner, pd.DataFrame], symbol: str) -> pd.DataFrame | None:
    """Candles of another contract on the same coin: spot, or settled in something else."""
    base = symbol.split("/", maxsplit=1)[0]
    alike = (table for (_, known), table in candles.items() if known.split("/", maxsplit=1)[0] == base)
    return next((table for table in alike if not table.empty), None)


def _window(table: pd.DataFrame | None, scenario: Scenario, where: str) -> pd.DataFrame | None:
    """Cut closes, lows and highs of the window over its first open; None where the window is not covered."""
    if table is None or table.empty:
        return None
    check(table, CANDLES, where=where)
    if not covered(table, scenario):
        return None
    bars = table[(table.index >= scenario.start) & (table.index < scenario.end)]
    return bars[["close", "low", "high"]].astype("float64") / float(bars["open"].iloc[0])


def _by_beta(ratio: pd.Series, betas: PositionBetas, rows: np.ndarray) -> Floats:
    move = ratio.to_numpy(dtype=np.float64)[:, None] - 1.0
    beta = np.where(move < 0, betas.down[rows], betas.up[rows])
    return np.asarray(np.maximum(1.0 + beta * move, LEAST_PRICE))


def _liquidations(prepared: PreparedStress, path: Path) -> tuple[np.ndarray, np.ndarray, Floats]:
    """Positions liquidated by each hour (n_hours, n), their first hour (n,) and what they have then lost (n,)."""
    book = prepared.book
    worst = book.mark * path.worst
    with np.errstate(invalid="ignore"):
        crossed = (book.sign * (worst - book.limit) <= 0) | (book.sign * (book.mark - book.limit) <= 0)
    shared = book.account >= 0
    unknown = _account_unknown(prepared, path)
    gap = book.account_equity(worst) - book.by_account(book.maintenance(worst))
    ended = (gap <= 0) & ~unknown & (book.by_account(np.ones(len(book))) > 0)
    now = np.where(shared, ended[:, book.account] if len(book.accounts) else False, crossed)
    hit = np.logical_or.accumulate(now, axis=0)
    first = np.where(hit[-1], hit.argmax(axis=0), len(path.hours))
    lost = -start_equity(book)
    for place in range(len(book.accounts)):
        members = book.account == place
        if hit[-1][members].any():
            lost = np.where(members, account_losses(book, worst[first[members][0]]), lost)
    return hit, first, lost


def _only_by_wicks(prepared: PreparedStress, path: Path, hit: np.ndarray) -> list[str]:
    """Name accounts with both sides that are liquidated at the worst of each hour, and at no close."""
    book = prepared.book
    price = np.asarray(book.mark * path.close)
    gap = book.account_equity(price) - book.by_account(book.maintenance(price))
    broke = np.min(gap, axis=0) <= 0
    told = []
    for place, account in enumerate(book.accounts):
        members = book.account == place
        if np.unique(book.sign[members]).size > 1 and hit[-1][members].any() and not broke[place]:
            told.append(
                f"The cross account on {account.venue} is liquidated only if its longs met their lows and its shorts "
                "their highs at one moment of an hour; at the closes it held."
            )
    return told


def _account_unknown(prepared: PreparedStress, path: Path) -> np.ndarray:
    """Accounts that cannot be judged on this path: a position with candles needs no beta."""
    book = prepared.book
    missing = book.by_account((~(prepared.betas.counted | path.own)).astype(np.float64)) > 0
    lacking = np.array([bool(one.why) or not np.isfinite(one.wallet) for one in book.accounts], dtype=bool)
    return np.asarray(missing | lacking)


def _unknown(prepared: PreparedStress, path: Path) -> np.ndarray:
    book = prepared.book
    unknown = _account_unknown(prepared, path)
    own = (np.isnan(book.limit) | ~(prepared.betas.counted | path.own)) & ~(book.spot & (book.sign > 0))
    return np.where(book.account >= 0, unknown[book.account] if len(unknown) else False, own)


def _last(done: Settled) -> Settled:
    fields = ("prices", "hit", "pnl", "equity", "account_equity", "maintenance", "total", "collateral")
    return Settled(**{name: getattr(done, name)[-1:] for name in fields})


def _with_own(betas: PositionBetas, counted: np.ndarray) -> PositionBetas:
    """Betas of a path: positions with candles count whatever their beta, and lose their notes on it."""
    notes = tuple(
        "" if now and not before else note
        for now, before, note in zip(counted, betas.counted, betas.notes, strict=True)
    )
    return PositionBetas(betas.up, betas.down, betas.stated, betas.stated_down, counted, notes)


def _own_distance(prepared: PreparedStress, end: Settled, outcome: np.ndarray) -> Floats:
    """Way of each isolated price to its liquidation price at the end; NaN for what is gone, shared or unknown."""
    book = prepared.book
    never = (book.limit <= 0) | np.isinf(book.limit)
    way = np.where(never, np.inf, book.limit / end.prices[0] - 1.0)
    return np.where((outcome == "held") & (book.account < 0), way, np.nan)


def _account_moves(prepared: PreparedStress, moves: Floats) -> Floats:
    """Benchmark's move when each account was liquidated; NaN where it was not."""
    book = prepared.book
    firsts = [np.flatnonzero(book.account == place) for place in range(len(book.accounts))]
    return np.array([moves[rows[0]] if len(rows) else np.nan for rows in firsts], dtype=np.float64)


def _words(path: Path, counted: np.ndarray) -> list[str]:
    guessed = int((counted & ~path.own).sum())
    told = [f"{path.hours[0]:%Y-%m-%d %H:%M} to {path.hours[-1] + HOUR:%Y-%m-%d %H:%M} UTC, in hourly steps."]
    if guessed:
        told.append(f"{guessed} of {len(counted)} positions have no candles of that time and move by beta.")
    return told
