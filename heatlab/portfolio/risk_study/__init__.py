"""The study of the risk model on real prices: value at risk, stated contributions, the systemic warning, venues."""

from __future__ import annotations

from heatlab.portfolio.risk_study.result import RiskStudyResult
from heatlab.portfolio.risk_study.study import risk_study

__all__ = ["RiskStudyResult", "risk_study"]
