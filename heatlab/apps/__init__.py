"""The apps: one widget each, and the only room that joins all others."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heatlab.apps.concentration_app import concentration
    from heatlab.apps.gallery import index
    from heatlab.apps.journal_app import journal
    from heatlab.apps.liquidation_app import liquidation
    from heatlab.apps.market import open_market, user_settings
    from heatlab.apps.portfolio_heat_app import portfolio_heat
    from heatlab.apps.report_app import report
    from heatlab.apps.risk_page import risk_study_page
    from heatlab.apps.risk_studies import risk_study, simulated_risk_study
    from heatlab.apps.studies import liquidation_study, simulated_liquidation_study
    from heatlab.apps.user_data import user_books, user_data, user_journal, user_records, user_snapshots
    from heatlab.apps.warm import warm_up

__all__ = [
    "concentration",
    "index",
    "journal",
    "liquidation",
    "liquidation_study",
    "open_market",
    "portfolio_heat",
    "report",
    "risk_study",
    "risk_study_page",
    "simulated_liquidation_study",
    "simulated_risk_study",
    "user_books",
    "user_data",
    "user_journal",
    "user_records",
    "user_settings",
    "user_snapshots",
    "warm_up",
]
_PLACES = {
    "concentration": "concentration_app",
    "user_records": "user_data",
    "index": "gallery",
    "journal": "journal_app",
    "liquidation": "liquidation_app",
    "liquidation_study": "studies",
    "open_market": "market",
    "portfolio_heat": "portfolio_heat_app",
    "report": "report_app",
    "risk_study": "risk_studies",
    "risk_study_page": "risk_page",
    "simulated_liquidation_study": "studies",
    "simulated_risk_study": "risk_studies",
    "user_books": "user_data",
    "user_data": "user_data",
    "user_journal": "user_data",
    "user_settings": "market",
    "user_snapshots": "user_data",
    "warm_up": "warm",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'heatlab.apps' has no attribute {name!r}. It has {', '.join(__all__)}.")
    return getattr(importlib.import_module(f"heatlab.apps.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
