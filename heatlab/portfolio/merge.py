"""Books of several accounts as one, and what a position is worth whatever its contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from heatlab.domain import NAN, Contract, MarginMode
from heatlab.frames import POSITIONS, check, empty
from heatlab.margin import contract_of, is_spot

LEG = ["symbol", "venue", "side", "margin_mode"]
WALLET = "wallet_balance"
ACCOUNTS = "accounts"
NEAREST = "nearest_liquidation_price"
DETAIL = ("account", "quantity", "entry_price", "leverage", "margin", "liquidation_price")


def contract_kind(symbol: str) -> Contract:
    """Spot, linear or inverse, by what a ccxt-unified symbol settles in."""
    return Contract.SPOT if is_spot(symbol) else contract_of(symbol)


def position_value(positions: pd.DataFrame) -> pd.Series:
    """Worth of each position at its mark price [quote], without sign: ``quantity * mark_price``.

    This holds for every contract: the quantity of an inverse position is its worth in coin at the mark, so the product
    is the contracts' fixed worth in quote, which is also what a move of the price acts on.

    Returns
    -------
    Series
        Same index; NaN where the mark price is unknown.
    """
    return (positions["quantity"] * positions["mark_price"]).astype("float64").rename("value")


def position_pnl(positions: pd.DataFrame) -> pd.Series:
    """Profit of each position at its mark price [quote].

    Spot and linear: ``s*Q*(P - E)``. Inverse: ``s*N*(1/E - 1/P)`` coin of contracts worth ``N = Q*P`` quote, valued at
    the mark: ``s*Q*P*(P - E)/E``.

    Returns
    -------
    Series
        Same index; NaN where a price is unknown.
    """
    move = positions["side"] * positions["quantity"] * (positions["mark_price"] - positions["entry_price"])
    growth = positions["mark_price"] / positions["entry_price"]
    return move.where(~_inverse(positions), move * growth).astype("float64").rename("pnl")


def quantity_at_entry(positions: pd.DataFrame) -> pd.Series:
    """Quantity as a file states it: of an inverse position its worth in coin at entry, else the quantity [base]."""
    growth = positions["mark_price"] / positions["entry_price"]
    stated = positions["quantity"].where(~_inverse(positions) | growth.isna(), positions["quantity"] * growth)
    return stated.astype("float64").rename("quantity")


def merge_positions(books: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One book of several accounts: what is the same leg on the same venue becomes one row.

    A leg is symbol, venue, side and margin mode; legs on different venues stay apart, as do long and short. Quantities
    and margins add up; the entry price is weighted by quantity (an inverse one harmonically, as coin is what adds up),
    the mark price too; the leverage is what margin and value give. Accounts are liquidated one by one: the price of a
    merged leg is known only where all its accounts share it, and ``nearest_liquidation_price`` is the first that the
    mark would meet. Wallet balances of a venue add up; one that an account with a cross position there leaves out makes
    the sum unknown.

    Parameters
    ----------
    books : mapping of account to DataFrame
        Canonical positions, in the order accounts are to be named.

    Returns
    -------
    DataFrame
        Canonical positions in order of first appearance, and columns ``account`` (names, joined by commas) and
        ``nearest_liquidation_price`` [quote]. ``attrs["wallet_balance"]`` maps venue to balance [quote];
        ``attrs["accounts"]`` lists every leg of every account as a dict.

    Raises
    ------
    MissingColumnsError, DataError
        A book is no positions table.
    """
    for account, book in books.items():
        check(book, POSITIONS, where=account)
    full = [book.assign(account=account) for account, book in books.items() if not book.empty]
    if not full:
        merged = empty(POSITIONS).assign(account=pd.Series(dtype="object"), **{NEAREST: pd.Series(dtype="float64")})
    else:
        for book in full:
            book.attrs = {}
        legs = pd.concat(full, ignore_index=True)
        rows = [_leg(group) for _, group in legs.groupby(LEG, sort=False)]
        merged = pd.DataFrame(rows, columns=[*POSITIONS.names, "account", NEAREST])
        merged.attrs[ACCOUNTS] = legs[[*LEG, *DETAIL]].to_dict("records")
    merged.attrs[WALLET] = _wallets(books)
    return merged


def joined_accounts(positions: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether the liquidation of each position is that of several accounts, shape (n_positions,).

    True for an isolated leg that several accounts hold, and for cross positions of a venue and settlement currency
    that several accounts have cross positions in: each account is liquidated by itself, so the sums of
    :func:`merge_positions` say nothing about when.
    """
    owners: dict[tuple[Any, ...], set[str]] = {}
    for leg in positions.attrs.get(ACCOUNTS, ()):
        owners.setdefault(_shared(leg), set()).add(str(leg["account"]))
    joined = [len(owners.get(_shared(row), ())) > 1 for row in positions[LEG].to_dict("records")]
    return np.array(joined, dtype=bool)


def _shared(leg: Mapping[Any, Any]) -> tuple[Any, ...]:
    """Name what decides together when a leg is liquidated: an isolated leg itself, a cross one with its account."""
    if str(leg["margin_mode"]) != MarginMode.CROSS:
        return (leg["symbol"], leg["venue"], int(leg["side"]))
    return (leg["venue"], str(leg["symbol"]).partition(":")[2])


def _leg(group: pd.DataFrame) -> dict[str, Any]:
    """One row of the legs of several accounts."""
    first = {name: group[name].iloc[0] for name in LEG}
    prices = group["liquidation_price"].to_numpy(dtype="float64")
    nearest = _nearest(prices, int(first["side"]))
    names = ", ".join(dict.fromkeys(group["account"]))
    if len(group) == 1:
        row = {name: group[name].iloc[0] for name in POSITIONS.names}
        return {**row, "account": names, NEAREST: nearest}
    inverse = contract_kind(str(first["symbol"])) is Contract.INVERSE
    quantity = group["quantity"].to_numpy(dtype="float64")
    mark = _mean(group["mark_price"].to_numpy(dtype="float64"), quantity)
    at_entry = quantity_at_entry(group).to_numpy(dtype="float64") if inverse else quantity
    entries = group["entry_price"].to_numpy(dtype="float64")
    entry = float((at_entry * entries).sum() / at_entry.sum())
    margin = float(group["margin"].sum(skipna=False))
    return {
        **first,
        "quantity": float((quantity * group["mark_price"]).sum() / mark) if inverse and mark > 0 else quantity.sum(),
        "entry_price": entry,
        "mark_price": mark,
        "leverage": _leverage(group, at_entry * entries),
        "margin": margin,
        "liquidation_price": float(prices[0]) if (prices == prices[0]).all() else NAN,
        "account": names,
        NEAREST: nearest,
    }


def _leverage(group: pd.DataFrame, worth: np.ndarray[Any, Any]) -> float:
    """Value at entry over what was put down for it: the leverages' harmonic mean."""
    put_down = (worth / group["leverage"].to_numpy(dtype="float64")).sum()
    return float(worth.sum() / put_down)


def _mean(values: np.ndarray[Any, Any], weights: np.ndarray[Any, Any]) -> float:
    known = np.isfinite(values) & np.isfinite(weights)
    return float(np.average(values[known], weights=weights[known])) if known.any() else NAN


def _nearest(prices: np.ndarray[Any, Any], side: int) -> float:
    """First price met from the mark: the highest of longs, the lowest of shorts; an unknown one could come first."""
    known = prices[~np.isnan(prices)]
    return float(known.max() if side > 0 else known.min()) if len(known) else NAN


def _wallets(books: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    sums: dict[str, float] = {}
    unknown: set[str] = set()
    for book in books.values():
        stated: Mapping[str, float] = book.attrs.get(WALLET, {})
        for venue, balance in stated.items():
            sums[venue] = sums.get(venue, 0.0) + balance
        cross = set(book.loc[book["margin_mode"] == MarginMode.CROSS, "venue"]) if len(book) else set()
        unknown |= cross - set(stated)
    return {venue: balance for venue, balance in sums.items() if venue not in unknown}


def _inverse(positions: pd.DataFrame) -> pd.Series:
    symbols: Sequence[str] = positions["symbol"].tolist()
    flags = [contract_kind(symbol) is Contract.INVERSE for symbol in symbols]
    return pd.Series(flags, index=positions.index, dtype="bool")
