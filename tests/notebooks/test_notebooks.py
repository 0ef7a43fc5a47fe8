"""Every notebook runs offline on the simulated market, and is kept short and free of stored output."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell runs without an error and the last one shows something."""
    monkeypatch.setenv("HEATLAB_SOURCE", "simulated")
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(notebook, timeout=180, kernel_name="python3", resources=where).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code[-1].outputs, "the last cell shows nothing"
    kinds = {output.output_type for cell in code for output in cell.outputs}
    assert "error" not in kinds
    widgets = str(notebook.metadata.get("widgets", {}))
    assert "could not start" not in widgets, "an app could not start"
    assert "'state': 'error'" not in widgets, "an app shows an error"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebook_is_stored_clean(path: Path) -> None:
    """No stored outputs, no functions, no cell over 15 lines, no environment of one machine."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        assert len(cell.source.splitlines()) <= 15
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None
            tree = ast.parse(cell.source)
            assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def test_there_is_a_notebook_for_every_app() -> None:
    """The gallery's apps each have their notebook."""
    assert {"index", "portfolio_heat", "liquidation"} <= {path.stem for path in NOTEBOOKS}
