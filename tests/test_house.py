"""The house of the design: which room may import which, no circles, a quick door, one reason per file."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "heatlab"
BASE = {"errors", "_checks", "_optional", "_files", "domain", "frames", "measures"}
COMPUTE = ["trend", "heat", "liquidation", "portfolio", "hedging"]
DOOR = ""
MAY_IMPORT: dict[str, set[str]] = {
    DOOR: set(),
    "errors": set(),
    "_checks": {"errors"},
    "_optional": {"errors"},
    "_files": {"errors", "_checks"},
    "domain": {"errors", "_checks"},
    "frames": {"errors", "_checks", "domain"},
    "measures": {"errors", "_checks", "domain", "frames"},
    "margin": BASE,
    "sources": BASE | {"margin"},
    "store": BASE,
    "figures": BASE,
    "backtest": BASE | {"margin", *COMPUTE},
    "execution": BASE | {"portfolio"},
    "widgets": BASE | {"figures", *COMPUTE},
    "apps": BASE | {"margin", "sources", "store", "figures", "backtest", "execution", "widgets", DOOR, *COMPUTE},
    "cli": {"errors", "apps", "sources", "store", DOOR},
    "__main__": {"cli"},
}
for place, compute_room in enumerate(COMPUTE):
    MAY_IMPORT[compute_room] = BASE | {"margin"} | set(COMPUTE[:place])
DRAWING = {"bokeh", "ipywidgets", "anywidget"}
OUTSIDE: dict[str, set[str]] = {
    **dict.fromkeys([*BASE, "margin", *COMPUTE, "backtest", "execution"], DRAWING | {"ccxt", "pyarrow", "voila"}),
    "figures": {"ipywidgets", "anywidget", "ccxt", "pyarrow", "voila", "numba"},
    "widgets": {"ccxt", "pyarrow", "voila", "numba"},
    "sources": DRAWING | {"voila"},
    "store": DRAWING | {"ccxt", "voila", "numba"},
}
"""Libraries a room must not know: figures draw without widgets, widgets compute nothing, compute draws nothing."""


def modules() -> list[tuple[str, Path]]:
    """Dotted name below heatlab and file of every module."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return found


def imported(path: Path, *, on_import: bool = False) -> set[str]:
    """Full dotted names a file imports, TYPE_CHECKING blocks left out; ``on_import`` leaves out function bodies."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        unread = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        inside = on_import and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if unread or inside:
            skipped |= set(ast.walk(node))
    found: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            found |= _from(str(node.module), {alias.name for alias in node.names})
    return found


def _from(module: str, names: set[str]) -> set[str]:
    """Tell a submodule named in ``from package import name`` from a name inside the package."""
    inside = ROOT.parent / module.replace(".", "/")
    submodules = {name for name in names if (inside / name).is_dir() or (inside / f"{name}.py").exists()}
    found = {f"{module}.{name}" for name in submodules}
    return found | {module} if len(submodules) < len(names) else found


def own(names: set[str]) -> set[str]:
    """Names below heatlab; the door is the empty name."""
    return {name.removeprefix("heatlab").removeprefix(".") for name in names if name.split(".")[0] == "heatlab"}


@pytest.mark.parametrize(("name", "path"), modules(), ids=[name or "heatlab" for name, _ in modules()])
def test_a_room_imports_only_what_the_design_allows(name: str, path: Path) -> None:
    """Data runs one way: a lower floor never knows a higher one, not even through the lazy door."""
    room = name.split(".", maxsplit=1)[0]
    used = {inner.split(".")[0] for inner in own(imported(path))} - ({room} if name else set())
    assert room in MAY_IMPORT, f"{room} has no place in the design"
    assert used <= MAY_IMPORT[room], f"heatlab.{name} must not import {sorted(used - MAY_IMPORT[room])}"


@pytest.mark.parametrize(("name", "path"), modules(), ids=[name or "heatlab" for name, _ in modules()])
def test_a_room_knows_only_its_own_libraries(name: str, path: Path) -> None:
    """Compute does not draw, figures know no widgets, widgets compile nothing."""
    libraries = {outer.split(".")[0] for outer in imported(path)}
    unwanted = libraries & OUTSIDE.get(name.split(".", maxsplit=1)[0], set())
    assert not unwanted, f"heatlab.{name} must not use {sorted(unwanted)}"


@pytest.mark.parametrize("on_import", [True, False], ids=["when imported", "anywhere"])
def test_there_is_no_circle_of_imports(on_import: bool) -> None:
    """Modules form a tree, not a circle; packages' doors, which open their rooms lazily, are left out of the second."""
    lazy = {name for name, path in modules() if path.name == "__init__.py"}
    names = {name for name, _ in modules()} - (set() if on_import else lazy)
    graph = {
        name: (own(imported(path, on_import=on_import)) & names) - {name, DOOR}
        for name, path in modules()
        if name in names
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"circle: {' -> '.join((*trail, name))}"
        if name in done:
            return
        for inner in graph[name]:
            visit(inner, (*trail, name))
        done.add(name)

    for name in graph:
        visit(name, ())


def test_only_stores_and_the_market_cache_write_files() -> None:
    """Files are written in few places; everywhere else data pass as tables."""
    allowed = {"_files", "store", "sources.simulated.cache", "apps.serve", "apps.address", "cli", "widgets.status"}
    words = (
        ".write_text(",
        ".write_bytes(",
        "write_table(",
        ".to_parquet(",
        ".to_csv(path",
        '.open("w',
        "write_atomically(",
    )
    for name, path in modules():
        if name in allowed or name.split(".")[0] in {"_files", "store"}:
            continue
        text = path.read_text(encoding="utf-8")
        assert not [word for word in words if word in text], f"heatlab.{name} writes files"


def test_no_room_is_called_utils_or_helpers() -> None:
    """A name says what a room is for."""
    assert not [path for _, path in modules() if path.stem in {"utils", "helpers", "common", "misc"}]


def test_the_door_loads_no_heavy_library() -> None:
    """``import heatlab`` brings none of the libraries only some rooms need."""
    code = (
        "import sys, heatlab; "
        "heavy = {'bokeh', 'ccxt', 'torch', 'voila', 'numba', 'scipy', 'ipywidgets', 'pyarrow', 'numpy', 'pandas'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert loaded.stdout.strip() == "[]"


def test_every_name_of_the_door_opens() -> None:
    """Each room named in ``heatlab.__all__`` can be entered."""
    import heatlab

    for name in heatlab.__all__:
        assert getattr(heatlab, name) is not None
    with pytest.raises(AttributeError, match="Its rooms are apps"):
        heatlab.kitchen  # noqa: B018


def test_top_level_holds_only_what_the_design_names() -> None:
    """No scripts, no stray folders at the top of the repository."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT.parent, capture_output=True, text=True, check=False, timeout=30
    ).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    allowed = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "notebooks", "heatlab", "tests", "binder"}
    top = {name.split("/")[0] for name in tracked}
    assert {name for name in top if not name.startswith(".")} <= allowed
