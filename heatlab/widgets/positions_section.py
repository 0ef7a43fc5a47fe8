"""Positions typed in: a table that checks as you type, books that are kept, and what the book in use holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Protocol

import ipywidgets
import numpy as np
import pandas as pd

from heatlab.domain import NAN, Contract, MarginMode
from heatlab.errors import HeatlabError
from heatlab.figures import format as show
from heatlab.figures.heat_grid import position_label
from heatlab.figures.tables import html_table
from heatlab.figures.theme import Theme
from heatlab.frames.position_records import WALLET, records_of
from heatlab.portfolio.hedges import recognised_hedges
from heatlab.portfolio.merge import ACCOUNTS, contract_kind, position_pnl, position_value, quantity_at_entry
from heatlab.portfolio.view import RiskView
from heatlab.widgets.downloads import download_link
from heatlab.widgets.positions_table import COLUMNS, PositionsTable
from heatlab.widgets.sections import BookInputs, Shared
from heatlab.widgets.status import guard

MOST_LISTED = 12
MOST_HEDGES = 40
NEAR = 0.01
"""A margin this close to the initial one follows from the leverage [fraction]."""
LABELS = {str(column["name"]): str(column["label"]) for column in COLUMNS}
HELP = (
    "Type a row, or paste rows from a spreadsheet or a CSV file: with or without a header. Columns with * are needed. "
    "Enter goes to the row below and adds one at the end, arrows move between rows. Spot is BTC/USDT, a linear "
    "perpetual BTC/USDT:USDT, a coin-margined one BTC/USD:BTC. Nothing is sent anywhere: the book is for looking at."
)


class Books(Protocol):
    """Books that are kept under names."""

    def names(self) -> Sequence[str]:
        """Names of the books."""
        ...

    def read(self, name: str) -> pd.DataFrame:
        """Positions of a book, quantities as typed."""
        ...


class PositionsSection:
    """Section to bring positions in.

    Parameters
    ----------
    shared : Shared
    markets : mapping of venue to symbols
        Markets of the source: offered while typing; others are noted as unknown.
    save : callable
        ``save(name, table)`` keeps a book and puts it in use; its ``HeatlabError`` is shown.
    books : Books, optional
        Books kept so far, to open again.
    """

    title, name = "Positions", "positions"

    def __init__(
        self,
        shared: Shared,
        *,
        markets: Mapping[str, Sequence[str]],
        save: Callable[[str, pd.DataFrame], Any],
        books: Books | None = None,
    ) -> None:
        self._shared, self._save, self._books = shared, save, books
        self._touched = False
        self._current: pd.DataFrame | None = None
        self.table = PositionsTable(markets=markets)
        self.label = ipywidgets.Text(description="Name", value="my book", placeholder="name of the book")
        self.use = ipywidgets.Button(description="Use this book", button_style="primary")
        self.kept = ipywidgets.Dropdown(description="Kept", options=[("open a book", "")])
        self.current = ipywidgets.Button(description="Edit the book in use", tooltip="Put its positions into the table")
        self.current.layout.width = self.use.layout.width = "auto"
        self.current.disabled = True
        self.messages, self.in_use = ipywidgets.HTML(), ipywidgets.HTML()
        self.root = ipywidgets.VBox(self._layout())
        self.root.add_class("hl-positions")
        self._listen()
        self._offer()
        self._say()

    def show(self, inputs: BookInputs, view: RiskView) -> None:
        """Show what the book in use holds; it fills the table while nothing has been typed."""
        self._current = None if inputs.watching else _as_typed(inputs.positions)
        self.current.disabled = self._current is None
        if not self._touched and self._current is not None:
            self._fill(self._current)
        self.in_use.value = in_use_html(inputs, view)
        self._offer()
        self._say()

    def set_theme(self, theme: Theme) -> None:
        """Nothing here is drawn in a theme's colours but by the style sheet."""

    def _layout(self) -> list[Any]:
        save = ipywidgets.Box([self.label, self.use, download_link("positions.csv", self._csv, label="As CSV")])
        open_ = ipywidgets.Box([self.kept, self.current])
        for bar in (save, open_):
            bar.add_class("hl-toolbar")
        head = ipywidgets.HTML(f'<h2>Type positions in</h2><p class="hl-muted">{escape(HELP)}</p>')
        return [self.in_use, head, open_, self.table, self.messages, save]

    def _listen(self) -> None:
        status = self._shared.status
        self.table.observe(guard(self._typed, status), "rows")
        self.table.on_msg(guard(self._heard, status))
        self.use.on_click(guard(self._used, status))
        self.current.on_click(guard(self._edit_current, status))
        self.kept.observe(guard(self._opened, status), "value")

    def _typed(self, _change: Any) -> None:
        self._touched = True
        self._say()

    def _heard(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        status = self._shared.status
        if "paste" in content:
            count = self.table.add_text(
                str(content["paste"]), row=int(content.get("row", 0)), column=str(content.get("column", "symbol"))
            )
            status.ready(f"{count} row{'s' if count > 1 else ''} pasted")
        elif "file" in content:
            count = self.table.add_text(str(content["file"]))
            status.ready(f"{count} row{'s' if count > 1 else ''} from {content.get('name', 'the file')}")
        elif "refused" in content:
            status.error(
                f"{content['refused']} is larger than 2 MB.", next_step="Split it, or use --positions FILE.csv."
            )
        elif content.get("clear"):
            self.table.put([])

    def _used(self, _button: Any) -> None:
        read, name = self.table.read, self.label.value.strip()
        if not name:
            self._shared.status.error("The book needs a name.")
        elif read.table is None:
            count = len(read.problems)
            self._shared.status.error(
                f"The book has {count} problem{'s' if count != 1 else ''}.", next_step="See the cells."
            )
        elif read.table.empty:
            self._shared.status.error("The table has no positions.", next_step="Add a row first.")
        else:
            self._save(name, read.table)
            self._touched = False
            count = len(read.table)
            self._shared.status.ready(f"{name}: {count} position{'s' if count > 1 else ''} in use")
            self._offer()

    def _fill(self, positions: pd.DataFrame) -> None:
        """Show a book in the table as what nobody has typed in yet."""
        rows = records_of(positions)
        if [row for _, row in self.table.filled()] != rows:
            self.table.put(rows)
        self._touched = False

    def _edit_current(self, _button: Any) -> None:
        if self._current is not None:
            self._fill(self._current)

    def _opened(self, change: Mapping[str, Any]) -> None:
        if not change["new"] or self._books is None:
            return
        self._fill(self._books.read(change["new"]))
        self._touched = True
        self.label.value = change["new"]
        self.kept.value = ""

    def _offer(self) -> None:
        if self._books is None:
            self.kept.layout.display = "none"
            return
        try:
            names = self._books.names()
        except HeatlabError as error:
            self._shared.status.error(str(error))
            return
        options = [("open a book", ""), *((name, name) for name in names)]
        if list(self.kept.options) != options:
            self.kept.options = options

    def _say(self) -> None:
        read, count = self.table.read, len(self.table.filled())
        self.use.disabled = read.table is None or not count
        self.messages.value = messages_html(read.problems, read.notes, count)

    def _csv(self) -> bytes:
        rows = pd.DataFrame([row for _, row in self.table.filled()], columns=list(LABELS))
        return rows.to_csv(index=False).encode()


def messages_html(problems: Sequence[Any], notes: Sequence[Any], count: int) -> str:
    """List what is wrong, and what stays unknown, under the table."""
    if not count:
        return '<div class="hl-empty" role="status">No positions typed. Add a row, paste rows, or import a file.</div>'
    parts = []
    if problems:
        head = f"{len(problems)} problem{'s' if len(problems) > 1 else ''} to put right"
        parts.append(_callout(head, problems, "hl-error", role="alert"))
    else:
        words = f"{count} position{'s' if count > 1 else ''} can be used."
        parts.append(f'<div class="hl-callout hl-good" role="status">{words}</div>')
    if notes:
        parts.append(_callout("Allowed, but it leaves something unknown", notes, "hl-warning", role="status"))
    return "".join(parts)


def _callout(head: str, found: Sequence[Any], kind: str, *, role: str) -> str:
    lines = "".join(
        f"<li>Row {one.row}{f', {LABELS[one.column]}' if one.column else ''}: {escape(one.message)}</li>"
        for one in found[:MOST_LISTED]
    )
    more = f"<li>and {len(found) - MOST_LISTED} more</li>" if len(found) > MOST_LISTED else ""
    return f'<div class="hl-callout {kind}" role="{role}"><strong>{escape(head)}</strong><ul>{lines}{more}</ul></div>'


def in_use_html(inputs: BookInputs, view: RiskView) -> str:
    """Say what the book in use holds: contracts, value, profit, accounts, and the hedges in it."""
    held = view.positions
    if inputs.watching or held.empty:
        return '<div class="hl-empty" role="status">No book in use yet: the source has no positions of yours.</div>'
    value, pnl = position_value(held), position_pnl(held)
    kinds = [contract_kind(symbol) for symbol in held["symbol"]]
    names = {Contract.SPOT: "spot", Contract.LINEAR: "linear", Contract.INVERSE: "coin-margined"}
    split = ", ".join(f"{kinds.count(kind)} {word}" for kind, word in names.items() if kinds.count(kind))
    accounts = sorted({leg["account"] for leg in held.attrs.get(ACCOUNTS, inputs.positions.attrs.get(ACCOUNTS, []))})
    figures = {
        "Positions": f"{len(held)}",
        "Contracts": split,
        "Gross value": _sum(value, show.at_least),
        "Net value": _sum(value * held["side"], show.of_known),
        "Profit at the mark": _sum(pnl, show.of_known),
        "Venues": ", ".join(dict.fromkeys(held["venue"])),
    }
    if accounts:
        figures["Accounts"] = ", ".join(accounts)
    cells = "".join(
        f'<div class="hl-figure" role="group" aria-label="{escape(name)}">'
        f'<div class="hl-figure-name">{escape(name)}</div>'
        f'<div class="hl-figure-value" style="font-size:15px;line-height:1.35">{escape(text)}</div></div>'
        for name, text in figures.items()
    )
    missing = _missing_html(held, value, pnl)
    return f'<h2>The book in use</h2>{missing}<div class="hl-figures">{cells}</div>{hedges_html(view)}'


def _sum(values: pd.Series, words: Callable[..., str]) -> str:
    """Sum of what is known, and of how many; a dash where nothing is."""
    known = int(values.notna().sum())
    total = float(values.sum(min_count=1))
    if known == len(values):
        return words(total, partial=False)
    return f"{words(total, partial=True)}, {known} of {len(values)} positions"


def _missing_html(held: pd.DataFrame, value: pd.Series, pnl: pd.Series) -> str:
    """Name the positions that a sum does not count; "" where there are none."""
    lacking = held[value.isna() | pnl.isna()]
    if lacking.empty:
        return ""
    names = [f"{symbol} on {venue}" for symbol, venue in zip(lacking["symbol"], lacking["venue"], strict=True)]
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    words = f"Not in every sum, for want of a quantity or a price: {', '.join(names[:MOST_LISTED])}{more}."
    return f'<div class="hl-callout hl-warning" role="status">{escape(words)}</div>'


def hedges_html(view: RiskView) -> str:
    """Hedges recognised in the book, each leg with its kind of contract."""
    found = recognised_hedges(view.positions, view.correlation.matrix)
    legs = [_label(row) for row in view.positions.to_dict("records")]
    rows = [
        [legs[row["leg"]], legs[row["against"]], f"{row['ratio']:.0%}", show.number(row["rho"], 2), row["kind"]]
        for row in found.head(MOST_HEDGES).to_dict("records")
    ]
    heads = ("position", "hedged by", "of its value", "correlation", "kind")
    caption = "Hedges recognised" + (f", {MOST_HEDGES} of {len(found)}" if len(found) > MOST_HEDGES else "")
    return html_table(caption, heads, rows, empty="No hedge recognised: no position stands against another.")


def _label(row: Mapping[Any, Any]) -> str:
    return f"{position_label(row['symbol'], row['venue'], int(row['side']))} ({contract_kind(row['symbol']).value})"


def _as_typed(positions: pd.DataFrame) -> pd.DataFrame:
    """Positions as a person would type them: what follows from the rest, or from the market, is left open."""
    table = positions.assign(quantity=quantity_at_entry(positions), mark_price=NAN)
    kinds = np.array([contract_kind(symbol) for symbol in table["symbol"]], dtype=object)
    initial = table["quantity"] * table["entry_price"] / table["leverage"]
    follows = ((table["margin"] / initial - 1).abs() < NEAR) | (kinds != Contract.LINEAR)
    table["margin"] = table["margin"].mask(follows & table["leverage"].notna())
    wallets = list(positions.attrs.get(WALLET, {}))
    shares = (table["margin_mode"] == MarginMode.CROSS) & ~table["venue"].isin(wallets) & (kinds != Contract.SPOT)
    table["liquidation_price"] = table["liquidation_price"].where(shares)
    table.attrs = dict(positions.attrs)
    return table
