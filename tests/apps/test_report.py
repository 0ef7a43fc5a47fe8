"""The nightly report: what is in it, and when it refuses."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from heatlab.apps import report_app
from heatlab.apps.book import book_inputs
from heatlab.apps.report_app import check_candles, make_report, report
from heatlab.errors import DataError, SourceError, StaleDataError
from heatlab.portfolio.measure import risk_view
from heatlab.portfolio.ranking import RANKED_COLUMNS
from heatlab.sources import SimulatedSource, WithPositions
from heatlab.widgets.sections import BookInputs
from tests.portfolio.hand_made import nothing

BTC = "BTC/USDT:USDT"


@pytest.fixture(scope="module")
def source() -> SimulatedSource:
    """The simulated market and its book."""
    return SimulatedSource(7)


@pytest.fixture(scope="module")
def inputs(source: SimulatedSource) -> BookInputs:
    """Its inputs, loaded once."""
    return book_inputs(source)


@pytest.fixture(scope="module")
def made(inputs: BookInputs) -> report_app.Report:
    """Its report."""
    return make_report(inputs, risk_view(inputs.positions, inputs.candles, now=inputs.now))


def page(made: report_app.Report) -> str:
    """Its page without scripts and styles."""
    return re.sub(r"<(script|style).*?</\1>", "", made.files["report.html"].decode(), flags=re.DOTALL)


def table(made: report_app.Report, name: str) -> pd.DataFrame:
    """One of its CSV files."""
    return pd.read_csv(io.BytesIO(made.files[f"{name}.csv"]))


def test_the_page_comes_last_and_every_table_is_there(made: report_app.Report) -> None:
    """Whoever waits for report.html finds the CSV files beside it."""
    assert list(made.files) == ["ranked.csv", "orders.csv", "clusters.csv", "pairs.csv", "alerts.csv", "report.html"]


def test_the_tables_hold_what_they_are_named_for(made: report_app.Report, inputs: BookInputs) -> None:
    """All positions ranked; alerts with level and what; pairs of all symbols."""
    assert list(table(made, "ranked").columns) == RANKED_COLUMNS
    assert len(table(made, "ranked")) == len(inputs.positions) == made.positions
    assert list(table(made, "alerts").columns) == ["level", "what", "symbol", "venue", "detail", "side"]
    assert len(table(made, "alerts")) == made.alerts
    assert {"first", "second", "correlation"} <= set(table(made, "pairs").columns)
    assert {"gross_share", "risk_share"} <= set(table(made, "clusters").columns)


def test_the_page_says_what_and_as_of_when(made: report_app.Report, inputs: BookInputs) -> None:
    """Source, clock, that it is simulated, and every part."""
    text = page(made)
    assert "simulated market (seed 7)" in text
    assert f"as of {inputs.now:%Y-%m-%d %H:%M} UTC" in text
    titles = re.findall(r"<h2>(.*?)</h2>", text)
    assert titles == [
        "Alerts",
        "Positions by heat",
        "Heat by timeframe",
        "Orders that follow from the rule",
        "Concentration",
        "Clusters",
        "To decide",
        "Correlation, 30 days",
        "Stress",
        "Notes on the data",
    ]


def test_it_asks_the_network_for_nothing(made: report_app.Report) -> None:
    """No source or link to elsewhere."""
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#|data:)""", page(made))


def test_a_watch_list_has_no_orders_and_no_shares(inputs: BookInputs) -> None:
    """It is said to be one."""
    watched = inputs.positions.assign(quantity=float("nan"))
    given = BookInputs(watched, inputs.candles, inputs.now, "x", watching=True)
    made = make_report(given, risk_view(watched, inputs.candles, now=inputs.now))
    assert made.positions == 0
    assert table(made, "orders").empty
    assert "no rule applies" in page(made)
    assert "Concentration" not in page(made)


def test_an_empty_book_still_makes_a_report(inputs: BookInputs) -> None:
    """Nothing to rank, nothing to draw, and nothing fails."""
    view = nothing()
    made = make_report(BookInputs(view.positions, {}, inputs.now, "x", watching=True), view)
    assert table(made, "ranked").empty
    assert "No alert" in page(made) or "watch list" in page(made)


def test_unknown_values_are_shown_as_unknown(inputs: BookInputs) -> None:
    """A symbol nobody knows, without a price: a row, no number, no failure."""
    strange = inputs.positions.head(2).copy()
    strange.loc[0, ["symbol", "mark_price", "liquidation_price"]] = ["NEW/USDT:USDT", float("nan"), float("nan")]
    given = BookInputs(strange, inputs.candles, inputs.now, "x", notices=("okx <b>: skipped",))
    made = make_report(given, risk_view(strange, inputs.candles, now=inputs.now))
    assert "NEW long" in page(made)
    assert "okx &lt;b&gt;: skipped" in page(made)


def test_many_positions_are_cut_on_the_page_and_whole_in_the_csv(inputs: BookInputs) -> None:
    """Five hundred rows: 60 on the page, 500 in the file, and the page says so."""
    many = pd.concat([inputs.positions.head(1)] * 500, ignore_index=True)
    many["symbol"] = [f"C{k}/USDT:USDT" for k in range(499)] + [BTC]
    given = BookInputs(many, inputs.candles, inputs.now, "x")
    made = make_report(given, risk_view(many, inputs.candles, now=inputs.now))
    assert len(table(made, "ranked")) == 500
    assert "(60 of 500 shown)" in page(made)
    assert len(made.files["report.html"]) < 6_000_000


def test_a_report_is_written_with_the_change_over_a_day(source: SimulatedSource, tmp_path: Path) -> None:
    """From the source to the folder, told step by step."""
    steps: list[str] = []
    series: list[Any] = []
    made, paths = report(source, tmp_path, say=steps.append, progress=lambda *args: series.append(args))
    assert steps == ["loading", "measuring", "drawing", "writing"]
    assert series
    assert sorted(path.name for path in paths) == sorted(made.files)
    assert pd.read_csv(tmp_path / "ranked.csv")["heat_change"].notna().all()


def test_a_folder_that_cannot_be_written_stops_before_the_work(tmp_path: Path) -> None:
    """The source is not even asked."""
    (tmp_path / "out").write_text("a file")
    with pytest.raises(DataError, match="cannot be written"):
        report(None, tmp_path / "out")  # type: ignore[arg-type]


def test_without_candles_there_is_no_report(source: SimulatedSource, tmp_path: Path) -> None:
    """One line that says so and why; nothing is written."""
    strange = source.positions().head(1).assign(symbol="NEW/USDT:USDT")
    with pytest.raises(SourceError, match=r"has no candles of any position, so there is nothing to report\. .*NEW"):
        report(WithPositions(source, strange), tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_old_data_is_refused_by_name(inputs: BookInputs) -> None:
    """The oldest position, and how old; without a limit nothing is refused."""
    late = inputs.now + pd.Timedelta(hours=5)
    with pytest.raises(StaleDataError, match=r"at most 3 h old\. The last bar of .* closed 5 h ago"):
        check_candles(inputs, max_age=pd.Timedelta(hours=3), at=late)
    check_candles(inputs, max_age=pd.Timedelta(hours=6), at=late)
    check_candles(inputs, max_age=None, at=late)
