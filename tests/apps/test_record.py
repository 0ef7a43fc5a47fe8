"""The recorded study: what screen, README and notebook quote is what the study finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from heatlab.apps.studies import liquidation_study
from heatlab.liquidation.record import RECORDED

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.market
def test_the_record_is_what_the_study_finds(market_dir: Path) -> None:
    """Every figure recorded agrees with a run on the data it names, to its last digit."""
    result = liquidation_study(market_dir)
    found = result.scores.set_index(["model", "metric"])["value"]
    for model, recorded in RECORDED.auc.items():
        assert found[model, "auc"] == pytest.approx(recorded.value, abs=0.0015), model
    for model, recorded in RECORDED.auc_within.items():
        assert found[model, "auc within symbol"] == pytest.approx(recorded.value, abs=0.0015), model
    claims = result.comparisons.set_index("claim")
    for baseline, recorded in RECORDED.gains.items():
        row = claims.loc[f"AUC gain over {baseline}", ["value", "low", "high"]].tolist()
        assert row == pytest.approx([recorded.value, recorded.low, recorded.high], abs=0.0015), baseline
    hourly = result.totals.set_index(["side", "measure"])["value"]
    for side in ("long", "short"):
        assert hourly[side, "map"] == pytest.approx(RECORDED.hourly[side].value, abs=0.002)
        assert hourly[side, "level"] == pytest.approx(RECORDED.level[side].value, abs=0.1)


@pytest.mark.parametrize("name", ["README.md", "notebooks/liquidation_study.ipynb"])
def test_texts_quote_the_record(name: str) -> None:
    """Each AUC of the record stands in the text."""
    text = (ROOT / name).read_text(encoding="utf-8")
    recorded = [one.value for values in (RECORDED.auc, RECORDED.auc_within) for one in values.values()]
    assert [value for value in recorded if f"{value:.3f}" not in text] == []
