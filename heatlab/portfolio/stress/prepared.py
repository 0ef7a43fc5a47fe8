"""Stress a book by a move of the benchmark: read the book once, then ask for any move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heatlab._checks import check_range
from heatlab.domain import Side
from heatlab.portfolio.stress.betas_of import PositionBetas, position_betas
from heatlab.portfolio.stress.book import Bools, Floats, Owner, StressBook, Wallets, stress_book
from heatlab.portfolio.stress.known import known_equity
from heatlab.portfolio.stress.limits import (
    account_limits,
    account_unknown,
    isolated_moves,
    nearest,
    shocked_prices,
)
from heatlab.portfolio.stress.report import accounts_table, notes_of, positions_table
from heatlab.portfolio.stress.result import (
    KnownEquity,
    Settled,
    StressResult,
    account_losses,
    equity_of_all,
    in_words,
    settle,
    start_equity,
)
from heatlab.portfolio.stress.settings import DEFAULT, StressSettings


@dataclass(frozen=True)
class PreparedStress:
    """A book whose liquidation prices and account limits are known, ready for any move; see :func:`prepare_stress`.

    ``account_moves`` has shape (2, n_accounts): the fall and the rise of the benchmark at which each account is
    liquidated, -inf and inf for none. ``account_losses`` (2, n) is what its positions have then cost.
    """

    book: StressBook
    betas: PositionBetas
    settings: StressSettings
    account_moves: Floats
    account_losses: Floats
    account_unknown: Bools
    moves: Floats

    def at(self, move: float) -> StressResult:
        """Stress by one move of the benchmark [fraction], within ``settings.reach``.

        Raises
        ------
        ParameterError
            The move is beyond the reach.
        """
        check_range("move", move, -self.settings.reach, self.settings.reach, caller="PreparedStress.at")
        done = self._settled(np.array([float(move)]))
        unknown = self.unknown
        outcome = in_words(done.hit[0], unknown)
        used = self.betas.up if move >= 0 else self.betas.down
        equity = equity_of_all(self.book, done)
        return StressResult(
            name=f"BTC {move * 100:+.0f} %",
            move=float(move),
            positions=positions_table(
                self.book, self.betas, used=used, done=done, outcome=outcome, moves=self.moves, basis=self.betas.basis
            ),
            accounts=accounts_table(self.book, done, nearest(*self.account_moves), self.account_unknown),
            pnl=float(done.total[0]),
            collateral=float(done.collateral[0]),
            equity_before=self.equity_now,
            equity=float(equity[0]),
            liquidated=int(done.hit[0].sum()),
            unknown=int((outcome == "unknown").sum()),
            left_out=int((~self.betas.counted).sum()),
            notes=notes_of(self.book, self.betas),
            known_before=self.known_now,
            known=known_equity(self.book, done, counted=self.betas.counted, notes=self.betas.notes),
        )

    def curve(self) -> pd.DataFrame:
        """Compute the whole curve over ``settings.steps`` moves from ``-reach`` to ``reach``.

        Returns
        -------
        DataFrame
            move [fraction], pnl, equity [quote], liquidated.
        """
        moves = np.linspace(-self.settings.reach, self.settings.reach, self.settings.steps)
        done = self._settled(moves)
        return pd.DataFrame(
            {
                "move": moves,
                "pnl": done.total,
                "equity": equity_of_all(self.book, done),
                "liquidated": done.hit.sum(axis=1),
            }
        )

    def account_curves(self) -> pd.DataFrame:
        """Margin left (equity less maintenance margin [quote]) of each wallet over the moves of :meth:`curve`.

        Returns
        -------
        DataFrame
            Indexed by ``move``, one column per account with positions (venue and currency); NaN where unknown.
        """
        moves = np.linspace(-self.settings.reach, self.settings.reach, self.settings.steps)
        done = self._settled(moves)
        left = np.maximum(done.account_equity - done.maintenance, 0.0)
        names = [f"{one.venue} {one.currency}".strip() for one in self.book.accounts]
        used = np.bincount(self.book.account[self.book.account >= 0], minlength=len(names)) > 0
        table = pd.DataFrame(np.where(self.account_unknown, np.nan, left), index=pd.Index(moves, name="move"))
        table.columns = pd.Index(names)
        return table.loc[:, used]

    def marks(self) -> pd.DataFrame:
        """Where along the curve something is liquidated.

        Returns
        -------
        DataFrame
            move [fraction], label, positions (how many): one row per isolated position and per cross account within
            reach, by move.
        """
        reach, rows = self.settings.reach, []
        isolated = self.book.account < 0
        for row in np.flatnonzero(isolated & (np.abs(self.moves) <= reach)):
            base = str(self.book.positions["symbol"].iloc[row]).split("/", maxsplit=1)[0]
            rows.append((float(self.moves[row]), f"{base} {Side(int(self.book.sign[row])).label}", 1))
        for place, account in enumerate(self.book.accounts):
            count = 0 if self.account_unknown[place] else int((self.book.account == place).sum())
            near = self.account_moves[np.abs(self.account_moves[:, place]) <= reach, place] if count else []
            rows += [(float(move), f"{account.venue} cross", count) for move in near]
        return pd.DataFrame(rows, columns=["move", "label", "positions"]).sort_values("move", ignore_index=True)

    @property
    def unknown(self) -> Bools:
        """Positions whose liquidation cannot be known."""
        shared = self.book.account >= 0
        own = np.isnan(self.book.limit) | ~self.betas.counted
        spot = self.book.spot & (self.book.sign > 0)
        by_account = self.account_unknown[self.book.account] if len(self.account_unknown) else np.zeros_like(shared)
        return np.where(shared, by_account, own & ~spot)

    @property
    def equity_now(self) -> float:
        """Equity of the whole book before any move [quote]; NaN if a part is unknown."""
        return float(equity_of_all(self.book, self._now())[0])

    @property
    def known_now(self) -> KnownEquity:
        """Equity before any move of the parts that are known."""
        priced = np.isfinite(self.book.unrealised(self.book.mark))
        return known_equity(self.book, self._now(), counted=priced, notes=[""] * len(self.book))

    def _now(self) -> Settled:
        held = np.zeros((1, len(self.book)), dtype=bool)
        prices = self.book.mark[None, :]
        return settle(self.book, prices, hit=held, lost=np.zeros(len(self.book)), counted=self.betas.counted)

    def _settled(self, moves: Floats) -> Settled:
        book, rising = self.book, moves >= 0
        prices = shocked_prices(book, self.betas, moves)
        with np.errstate(invalid="ignore"):
            beyond = book.sign * (book.mark - book.limit) <= 0
            crossed = beyond | ((book.sign * (prices - book.limit) <= 0) & self.betas.counted)
        fall, rise = self.account_moves
        ended = (moves[:, None] <= fall) | (moves[:, None] >= rise)
        ended = ended & ~self.account_unknown
        shared = book.account >= 0
        hit = np.where(shared, ended[:, book.account] if len(fall) else False, crossed)
        cross = np.where(rising[:, None], self.account_losses[1], self.account_losses[0])
        lost = np.where(shared, cross, -start_equity(book))
        return settle(book, prices, hit=hit, lost=lost, counted=self.betas.counted)


def prepare_stress(
    positions: pd.DataFrame,
    betas: pd.DataFrame,
    *,
    brackets: Mapping[Owner, pd.DataFrame] | None = None,
    wallets: Wallets | None = None,
    settings: StressSettings = DEFAULT,
) -> PreparedStress:
    """Read a book once, so that any move of the benchmark can then be asked for at once.

    Prices move by beta times the move: downside beta for falls, beta for rises. An isolated position is liquidated
    once its price passes its liquidation price, a cross account once its equity meets the maintenance margin of all
    its positions, which move together; on the way, not only at the end. What is liquidated loses all of its margin
    and no more: what is left at the liquidation price is counted as the cost of being liquidated. A position that
    cannot be judged is "unknown", never held.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions.
    betas : DataFrame
        As :func:`heatlab.portfolio.stress.beta.betas` returns it. A symbol that is not there takes the beta of another
        symbol of the same base.
    brackets, wallets
        As for :func:`heatlab.portfolio.stress.book.stress_book`.
    settings : StressSettings

    Raises
    ------
    MissingColumnsError, DataError
        A table is not canonical.
    """
    book = stress_book(positions, brackets=brackets, wallets=wallets)
    per_position = position_betas(book, betas, assume=settings.assume_beta)
    limits = account_limits(book, per_position)
    losses = [
        account_losses(book, shocked_prices(book, per_position, np.where(np.isfinite(side), side, 0.0)[None, :])[0])
        for side in limits
    ]
    return PreparedStress(
        book=book,
        betas=per_position,
        settings=settings,
        account_moves=limits,
        account_losses=np.array(losses),
        account_unknown=account_unknown(book, per_position),
        moves=nearest(*_moves(book, per_position, limits)),
    )


def stress(
    positions: pd.DataFrame,
    move: float,
    betas: pd.DataFrame,
    *,
    brackets: Mapping[Owner, pd.DataFrame] | None = None,
    wallets: Wallets | None = None,
    settings: StressSettings = DEFAULT,
) -> StressResult:
    """Stress a book by one move of the benchmark [fraction], in [-0.30, 0.30]; see :func:`prepare_stress`."""
    check_range("move", move, -settings.reach, settings.reach, caller="stress")
    return prepare_stress(positions, betas, brackets=brackets, wallets=wallets, settings=settings).at(move)


def _moves(book: StressBook, betas: PositionBetas, limits: Floats) -> tuple[Floats, Floats]:
    """Fall and rise of the benchmark that liquidate each position; NaN where unknown."""
    fall, rise = isolated_moves(book, betas)
    if not book.accounts:
        return fall, rise
    unknown = account_unknown(book, betas)
    shared = np.where(unknown, np.nan, limits)[:, book.account]
    inside = book.account >= 0
    return np.where(inside, shared[0], fall), np.where(inside, shared[1], rise)
