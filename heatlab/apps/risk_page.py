"""The page of the risk study: what was found on real prices, and a button to run it again."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import ipywidgets

from heatlab.apps.risk_studies import risk_study, simulated_risk_study
from heatlab.figures import THEMES
from heatlab.portfolio.risk_study import RiskStudyResult
from heatlab.portfolio.risk_study.record import recorded
from heatlab.widgets import Job, Runner, Status, guard, stylesheet
from heatlab.widgets.risk_study_view import RiskStudyView

INTRO = (
    "<h1>Does the risk model hold?</h1><p>18 Binance perpetuals, hourly, February 2020 to February 2026. Every day at "
    "midnight UTC the model states a value at risk and shares of risk from the 30 days before; what the prices did "
    "after is counted. No setting was tuned to them. Failures are shown as they are.</p>"
)


def risk_study_page(market_path: str | Path | None = None) -> ipywidgets.Widget:
    """Show what the study found on real prices, and run it again on a folder, or on the simulated market.

    Parameters
    ----------
    market_path : str or Path, optional
        Folder of market data; without it the button runs the study on the simulated market.
    """
    style = stylesheet()
    theme = THEMES[style.theme]
    status = Status("Recorded results are shown", state="ready")
    view = RiskStudyView(recorded(), theme=theme, status=status)
    fresh = ipywidgets.VBox()

    def run(job: Job) -> RiskStudyResult:
        job.progress(0, 1, "walking through the prices, about half a minute")
        return simulated_risk_study() if market_path is None else risk_study(market_path)

    def done(result: RiskStudyResult) -> None:
        fresh.children = (
            _title(f"Run just now on {_place(market_path)}"),
            RiskStudyView(result, theme=THEMES[style.theme]),
        )

    runner = Runner(run, label="Run the study", on_done=done, status=status)

    def retheme(change: Any) -> None:
        for shown in (view, *fresh.children[1:]):
            shown.set_theme(THEMES[change["new"]])

    style.observe(guard(retheme, status), "theme")
    intro = ipywidgets.HTML(INTRO)
    again = ipywidgets.HTML(f'<p class="hl-muted">The button runs it on {escape(_place(market_path))}.</p>')
    bar = ipywidgets.Box([runner, status])
    bar.add_class("hl-toolbar")
    page = ipywidgets.VBox([style, intro, view, _title("Run it again"), again, bar, fresh])
    page.add_class("hl-app")
    return page


def _title(text: str) -> ipywidgets.HTML:
    return ipywidgets.HTML(f"<h1>{escape(text)}</h1>")


def _place(market_path: str | Path | None) -> str:
    return "the simulated market" if market_path is None else f"the folder {Path(market_path).name}"
