"""A book as arrays: what each position is worth, owes and needs at any prices, and which share a wallet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heatlab.domain import NAN, Contract, MarginMode
from heatlab.frames import POSITIONS, check
from heatlab.margin import contract_of, default_brackets, has_formula, liquidation_price, maximum_leverage
from heatlab.margin.venues import formula_of
from heatlab.portfolio.merge import joined_accounts, quantity_at_entry
from heatlab.portfolio.stress.upkeep import Upkeep, upkeep

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Owner = tuple[str, str]
Wallets = Mapping[str, float] | Mapping[Owner, float]
LEEWAY = 1.0 + 1e-6
JOINED = "several accounts are joined in it, and each is liquidated by itself"


@dataclass(frozen=True)
class Account:
    """A wallet that cross positions share: one venue and one settlement currency.

    ``wallet`` is in that currency, NaN where unknown; ``why`` says why its liquidation cannot be known, if so.
    """

    venue: str
    currency: str
    wallet: float
    inverse: bool = False
    inferred: bool = False
    why: str = ""


@dataclass(frozen=True)
class StressBook:
    """Positions as arrays of shape (n,); prices handed to the methods have shape (..., n).

    ``margin`` is the own margin of an isolated position in its margin currency, ``limit`` its liquidation price
    [quote]: both NaN for a cross one. ``account`` is the row in ``accounts``, -1 for none. ``why`` says why the
    liquidation of a position of its own margin cannot be known; empty where it is.
    """

    positions: pd.DataFrame
    sign: Floats
    quantity: Floats
    entry: Floats
    mark: Floats
    inverse: Bools
    spot: Bools
    margin: Floats
    limit: Floats
    account: NDArray[np.intp]
    accounts: tuple[Account, ...]
    upkeep: Upkeep
    why: tuple[str, ...]
    assumed: tuple[str, ...]

    def __len__(self) -> int:
        """Count the positions."""
        return len(self.sign)

    def unrealised(self, prices: Floats) -> Floats:
        """Profit since entry in the margin currency: ``s*q*(P - E)``, inverse ``s*N*(1/E - 1/P)`` with ``N = q*E``."""
        linear = self.sign * self.quantity * (prices - self.entry)
        return np.where(self.inverse, self.sign * self.quantity * (1.0 - self.entry / prices), linear)

    def change(self, prices: Floats) -> Floats:
        """Profit from the mark price to these prices, in the margin currency."""
        return self.unrealised(prices) - self.unrealised(self.mark)

    def maintenance(self, prices: Floats) -> Floats:
        """Maintenance margin in the margin currency; 0 for spot, which needs none."""
        value = np.where(self.inverse, self.quantity * self.entry / prices, self.quantity * prices)
        return np.where(self.spot, 0.0, self.upkeep(value))

    def in_quote(self, amount: Floats, prices: Floats) -> Floats:
        """Amounts of the margin currency in quote: coin at the position's own price."""
        return np.where(self.inverse, amount * prices, amount)

    def by_account(self, amount: Floats) -> Floats:
        """Sum amounts of shape (..., n) by account: shape (..., n_accounts), unknown ones (NaN) counted as 0."""
        members = self.account[:, None] == np.arange(len(self.accounts))
        return np.asarray(np.nan_to_num(amount) @ members.astype(np.float64))

    def account_equity(self, prices: Floats) -> Floats:
        """Wallet plus profit of the cross positions, in the settlement currency; shape (..., n_accounts)."""
        wallets = np.array([one.wallet for one in self.accounts], dtype=np.float64)
        return wallets + self.by_account(self.unrealised(prices))

    def coin_price(self, prices: Floats) -> Floats:
        """Price of each account's settlement currency [quote]: that of its first inverse position, else 1."""
        result = np.ones((*prices.shape[:-1], len(self.accounts)))
        for place, one in enumerate(self.accounts):
            if one.inverse:
                result[..., place] = prices[..., np.flatnonzero(self.account == place)[0]]
        return result


def stress_book(
    positions: pd.DataFrame, *, brackets: Mapping[Owner, pd.DataFrame] | None = None, wallets: Wallets | None = None
) -> StressBook:
    """Read a book once, for any number of shocks.

    Parameters
    ----------
    positions : DataFrame
        Canonical positions; a liquidation price on record of an isolated position is taken as it is, one that is
        missing is computed by the formula of its venue.
    brackets : mapping of (venue, symbol) to DataFrame, optional
        Canonical brackets in the margin currency. Typical ones are assumed where there are none.
    wallets : mapping, optional
        Balance of cross accounts: by venue [quote], or by (venue, settlement currency) in that currency, which is the
        only way for an inverse contract. ``positions.attrs["wallet_balance"]`` without it. A wallet that is not given
        is inferred from a liquidation price the venue gave for one of its positions, where there is one.

    Raises
    ------
    MissingColumnsError, DataError
        ``positions`` is not a canonical table, or a bracket table is not.
    """
    check(positions, POSITIONS, where="stress_book")
    table = positions.reset_index(drop=True)
    table["quantity"] = quantity_at_entry(table)  # of an inverse position: coin at entry, so that N = q*E
    columns = {name: table[name].to_numpy(dtype=np.float64) for name in ("quantity", "entry_price", "mark_price")}
    symbols, venues = list(table["symbol"].astype(str)), list(table["venue"].astype(str))
    inverse = np.array([contract_of(symbol) is Contract.INVERSE for symbol in symbols], dtype=bool)
    spot = np.array([":" not in symbol for symbol in symbols], dtype=bool)
    tables, assumed = _tables(venues, symbols, inverse, columns["entry_price"], brackets or {})
    at_entry = np.where(inverse, columns["quantity"], columns["quantity"] * columns["entry_price"])
    rules = upkeep(venues, inverse, at_entry, tables)
    given = dict(wallets if wallets is not None else positions.attrs.get("wallet_balance", {}))
    cross = (table["margin_mode"] == MarginMode.CROSS.value).to_numpy() & ~spot
    joined = joined_accounts(positions) & ~spot
    account, accounts = _accounts(venues, symbols, cross, inverse, given)
    torn = set(account[joined & cross].tolist())
    accounts = tuple(replace(one, why=JOINED) if place in torn else one for place, one in enumerate(accounts))
    margin = _margins(table, inverse, at_entry, cross | spot)
    limit, why = _limits(table, tables, margin, cross | spot, inverse, at_entry, joined)
    book = StressBook(
        table, table["side"].to_numpy(dtype=np.float64), columns["quantity"], columns["entry_price"],
        columns["mark_price"], inverse, spot, margin, limit, account, accounts, rules, why, assumed,
    )  # fmt: skip
    return _completed(book)


def _tables(
    venues: Sequence[str],
    symbols: Sequence[str],
    inverse: Bools,
    entry: Floats,
    brackets: Mapping[Owner, pd.DataFrame],
) -> tuple[list[pd.DataFrame], tuple[str, ...]]:
    """Brackets of each position in its margin currency, and the names of those that had to be assumed."""
    typical = default_brackets()
    amounts = ["notional_floor", "notional_cap", "maintenance_amount"]
    tables, assumed = [], []
    for venue, symbol, coin, price in zip(venues, symbols, inverse, entry, strict=True):
        table = brackets.get((venue, symbol))
        guessed = table is None or bool(table.attrs.get("assumed"))
        table = typical if table is None else table
        if guessed and ":" in symbol:
            assumed.append(f"{symbol} on {venue}")
        if guessed and coin:
            table = table.assign(**{name: table[name] / price for name in amounts})
        tables.append(table)
    return tables, tuple(dict.fromkeys(assumed))


def _accounts(
    venues: Sequence[str], symbols: Sequence[str], cross: Bools, inverse: Bools, wallets: Mapping[str | Owner, float]
) -> tuple[NDArray[np.intp], tuple[Account, ...]]:
    """Account of each position (-1: none) and the accounts; a venue's quote wallet without cross positions is one."""
    currency = [symbol.partition(":")[2].split("-")[0] for symbol in symbols]
    keys = dict.fromkeys(
        (venue, settle) for venue, settle, shared in zip(venues, currency, cross, strict=True) if shared
    )
    coins = {(v, c) for v, c, shared, coin in zip(venues, currency, cross, inverse, strict=True) if shared and coin}
    quoted = [venue for venue, settle in keys if (venue, settle) not in coins]
    accounts = [_account(key, key in coins, quoted.count(key[0]), wallets) for key in keys]
    idle = [venue for venue in wallets if isinstance(venue, str) and venue not in quoted]
    accounts += [Account(venue, "", float(wallets[venue])) for venue in idle]
    place = {key: row for row, key in enumerate(keys)}
    rows = [
        place[venue, settle] if shared else -1 for venue, settle, shared in zip(venues, currency, cross, strict=True)
    ]
    return np.array(rows, dtype=np.intp), tuple(accounts)


def _account(key: Owner, inverse: bool, sharing: int, wallets: Mapping[str | Owner, float]) -> Account:
    venue, currency = key
    wallet = float(wallets.get(key, NAN))
    if np.isnan(wallet) and not inverse and sharing == 1:
        wallet = float(wallets.get(venue, NAN))
    why = ""
    if not has_formula(venue):
        why = f"no exact margin formula of {venue} is known"
    elif formula_of(venue) == "bybit":
        why = "cross margin on bybit has no closed form"
    return Account(venue, currency, wallet, inverse, why=why)


def _margins(table: pd.DataFrame, inverse: Bools, at_entry: Floats, other: Bools) -> Floats:
    """Own margin in the margin currency: the one on record, else value at entry over leverage."""
    stated, leverage = (table[name].to_numpy(dtype=np.float64) for name in ("margin", "leverage"))
    mark, entry = (table[name].to_numpy(dtype=np.float64) for name in ("mark_price", "entry_price"))
    rate = np.where(inverse, np.where(mark > 0, mark, entry), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = np.where(stated > 0, stated / rate, at_entry / np.where(leverage > 0, leverage, np.nan))
    return np.where(other, np.nan, own)


def _limits(
    table: pd.DataFrame,
    tables: Sequence[pd.DataFrame],
    margin: Floats,
    other: Bools,
    inverse: Bools,
    at_entry: Floats,
    joined: Bools,
) -> tuple[Floats, tuple[str, ...]]:
    """Liquidation price of each isolated position, and why it is unknown where it is."""
    limits = np.where(other, np.nan, table["liquidation_price"].to_numpy(dtype=np.float64))
    records = table.to_dict("records")
    why = [""] * len(table)
    groups: dict[tuple[str, int, bool], list[int]] = {}
    for row in np.flatnonzero(np.isnan(limits) & ~other).tolist():
        why[row] = JOINED if joined[row] else _unknown(records[row], float(margin[row]), float(at_entry[row]))
        if not why[row]:
            groups.setdefault((records[row]["venue"], id(tables[row]), bool(inverse[row])), []).append(row)
    for (venue, _, coin), rows in groups.items():
        brackets, part = tables[rows[0]], table.iloc[rows]
        limits[rows] = liquidation_price(
            part["side"].to_numpy(dtype=np.float64),
            part["quantity"].to_numpy(dtype=np.float64),
            venue=venue,
            entry_price=part["entry_price"].to_numpy(dtype=np.float64),
            brackets=brackets,
            margin=margin[rows],
            contract=Contract.INVERSE if coin else Contract.LINEAR,
        )
        most = maximum_leverage(at_entry[rows], brackets)
        for row, allowed in zip(rows, np.atleast_1d(most), strict=True):
            times = at_entry[row] / margin[row]
            if times > allowed * LEEWAY and not records[row]["margin"] > 0:
                limits[row], why[row] = np.nan, f"{venue} does not allow {times:.3g}x here"
    return limits, tuple(why)


def _unknown(position: Mapping[Any, Any], margin: float, at_entry: float) -> str:
    """Why the liquidation price of an isolated position cannot be computed; empty where it can."""
    if not np.isfinite(at_entry):
        return "its quantity or entry price is not known"
    if not has_formula(str(position["venue"])):
        return f"no exact margin formula of {position['venue']} is known"
    return "" if margin > 0 else "neither its leverage nor its margin is known"


def _completed(book: StressBook) -> StressBook:
    """Fill in what follows from a liquidation price the venue gave: an isolated margin, a cross wallet."""
    limit = np.where((book.limit > 0) & np.isfinite(book.limit), book.limit, np.nan)
    needed = book.maintenance(limit) - book.unrealised(limit)
    margin = np.where(np.isnan(book.margin) & (needed > 0), needed, book.margin)
    accounts = tuple(_inferred(book, place) for place in range(len(book.accounts)))
    return replace(book, margin=margin, accounts=accounts)


def _inferred(book: StressBook, place: int) -> Account:
    """Account with the wallet that a stated liquidation price implies: there equity equals maintenance margin."""
    account = book.accounts[place]
    rows = np.flatnonzero(book.account == place)
    if np.isfinite(account.wallet) or account.why or not len(rows):
        return account
    stated = book.positions["liquidation_price"].to_numpy(dtype=np.float64)
    usable = rows[(stated[rows] > 0) & np.isfinite(stated[rows])]
    if not len(usable):
        return account
    at = book.mark.copy()
    chosen = usable[np.argmax(book.quantity[usable] * book.mark[usable])]
    at[chosen] = stated[chosen]
    wallet = float((book.maintenance(at) - book.unrealised(at))[rows].sum())
    return replace(account, wallet=wallet, inferred=True) if wallet > 0 else account
