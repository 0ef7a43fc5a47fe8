"""The README: what it links exists, what it shows runs, what it claims is what the study recorded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from heatlab.cli import cli
from heatlab.frames.position_records import NUMBERS, REQUIRED
from heatlab.portfolio.risk_study.record import recorded

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_linked_file_exists() -> None:
    """Screenshots and paths named in the README are in the repository."""
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert len(linked) >= 2
    assert [name for name in linked if not (ROOT / name).exists()] == []


def test_nothing_is_left_to_fill_in() -> None:
    """No placeholder survives."""
    assert not re.search(r"\b(TODO|TBD|FIXME|XXX|[A-Z]+_TABLE)\b", README)


def test_the_python_example_runs() -> None:
    """The notebook snippet works as written, widgets included."""
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def test_every_command_named_is_a_command() -> None:
    """Each ``heatlab WORD`` in a code block is a command."""
    plain = re.sub(r"```python\n.*?```", "", README, flags=re.S)
    blocks = "\n".join(re.findall(r"```\n(.*?)```", plain, flags=re.S))
    words = set(re.findall(r"^heatlab ([a-z]+)", blocks, flags=re.M))
    assert {"doctor", "study"} <= words
    for word in words:
        assert CliRunner().invoke(cli, [word, "--help"]).exit_code == 0, word


def test_the_columns_of_a_positions_file_are_listed() -> None:
    """Required and optional columns are documented by their names."""
    for name in (*REQUIRED, *NUMBERS, "margin_mode"):
        assert f"`{name}`" in README


@pytest.mark.parametrize(
    "name", ["heatlab", "doctor", "study", "--positions", "--source", "tests.golden", "tests.benchmarks"]
)
def test_ways_in_are_shown(name: str) -> None:
    """A newcomer finds every way in."""
    assert name in README


def test_the_risk_study_is_quoted_as_it_was_recorded() -> None:
    """Counts, shares and the systemic warning's record stand in the README as in the record."""
    found = recorded()
    counted = re.compile(r"(?:holds|mixed|fails): value at risk over (1 [dh]), (.*?): (\d+) of (\d+) tests")
    lines = [match.groups() for note in found.notes if (match := counted.search(note))]
    counts = {(horizon, model): (int(held), int(total)) for horizon, model, held, total in lines}
    assert f"{counts['1 d', '30-day covariance, fat tails'][0]} of 42 tests" in README
    assert f"plain covariance ({counts['1 d', '30-day covariance'][0]} of 42)" in README
    assert f"({max(held for (horizon, _), (held, _) in counts.items() if horizon == '1 h')} of 42 at best" in README
    shares = found.contributions.query("horizon == '7 d' and period == 'all'").set_index("book")
    text = " ".join(README.split())
    assert f"within 10 points on {shares.loc['both long', 'within_10']:.0%}".replace("%", " %") in text
    assert f"on only {shares.loc['long one, short the other', 'within_10']:.0%}".replace("%", " %") in text
    warning = found.warning.query("period == 'all'").set_index("measure")
    rise, foretold = (
        warning.loc[name] for name in ("rise of the correlation, day 0 to 7", "crossings warned of in the 14 d before")
    )
    assert f"{rise['value']:+.3f} [{rise['low']:.3f}, {rise['high']:.3f}]" in text
    assert f"only {foretold['value']:.0%}".replace("%", " %") in text
