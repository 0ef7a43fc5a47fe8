"""The golden runner: every case at its tolerance, and no case passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.golden import read_cases, run_case
from tests.golden.__main__ import main

FILE = Path(__file__).resolve().parents[1] / "data" / "liquidation_cases.json"
QUANT = FILE.with_name("quant_cases.json")
CASES = {case["id"]: case for case in read_cases(FILE)}
QUANT_CASES = {case["id"]: case for case in read_cases(QUANT)}


@pytest.mark.parametrize("name", CASES)
def test_a_case_holds(name: str) -> None:
    """Each worked case comes out at its stated tolerance."""
    assert run_case(CASES[name]).problems == ()


@pytest.mark.parametrize("name", QUANT_CASES)
def test_a_case_of_portfolio_maths_holds(name: str) -> None:
    """Correlation, clusters, concentration, Euler shares, Kelly, hedge, trend rules."""
    assert run_case(QUANT_CASES[name]).problems == ()


@pytest.mark.parametrize("name", CASES)
def test_the_id_plays_no_part(name: str) -> None:
    """The same case under an id never seen before holds too."""
    assert run_case({**CASES[name], "id": "held_out_1"}).holds


def test_a_file_that_holds_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    """The last line counts the cases."""
    assert main([str(FILE)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "86 of 86 cases hold"


def test_a_mismatch_is_printed_and_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong expectation names the case, the value expected and the value got."""
    case = {**CASES["bybit_isolated_24"], "expected": {"liq_price": 8.2}}
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([case]))
    assert main([str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("bybit_isolated_24: liq_price: expected 8.2, got ")
    assert lines[-1] == "0 of 1 cases hold"


@pytest.mark.parametrize(
    "case",
    [
        {"id": "x", "venue": "mars", "contract": "linear", "inputs": {}, "expected": {"liq_price": 1.0}},
        {"id": "x", "group": "astrology", "inputs": {}, "expected": {"mood": 1.0}},
    ],
)
def test_a_case_without_a_function_does_not_hold(case: dict[str, object]) -> None:
    """It is said, not skipped."""
    assert "no function for" in run_case(case).problems[0]


def test_a_value_nobody_computes_does_not_hold() -> None:
    """An expected value the function does not return is a mismatch."""
    case = {**CASES["bybit_isolated_24"], "expected": {"liq_price": 8.1, "colour": 1.0}}
    assert run_case(case).problems == ("colour: expected 1.0, no function computes it",)


def test_a_case_that_cannot_be_computed_does_not_hold() -> None:
    """The error is reported with its case."""
    case = {**CASES["bybit_isolated_24"], "inputs": {"side": "long", "qty": 1.0}}
    assert "KeyError" in run_case(case).problems[0]


def test_quant_files_are_read_too() -> None:
    """A case with a group goes by its group; the tolerance is its own."""
    case = {"id": "x", "group": "liquidation_rule_of_thumb", "inputs": {"leverage": 10}, "tol": 1e-9}
    assert run_case({**case, "expected": {"adverse_move": 0.1}}).holds
    assert not run_case({**case, "expected": {"adverse_move": 0.11}}).holds


def test_no_file_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The usage goes to the error stream."""
    assert main([]) == 2
    assert "FILE.json" in capsys.readouterr().err


def hyperliquid_row(price: float) -> dict[str, object]:
    inputs = {"side": "long", "qty": 0.001, "entry": 50_000.0, "isolated_margin": 49.999, "max_leverage": 50}
    fields = {"venue": "hyperliquid", "contract": "linear", "margin_mode": "isolated", "rel_tol": 1e-6}
    return {"id": "x", **fields, "inputs": inputs, "expected": {"liq_price": price}}


def test_a_price_near_zero_is_held_to_the_rounding_of_its_margin() -> None:
    """The margin is known to half a thousandth: half a unit of price at this quantity, not more."""
    assert run_case(hyperliquid_row(1.3)).holds
    assert not run_case(hyperliquid_row(2.0)).holds
