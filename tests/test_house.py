"""The house of the design: which room may import which, no circles, a quick door, one reason per file."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "heatlab"
BASE = {"", "errors", "_checks", "_optional", "domain", "frames", "measures"}
COMPUTE = ["trend", "heat", "liquidation", "portfolio", "hedging"]
MAY_IMPORT: dict[str, set[str]] = {
    **{room: set() for room in BASE},
    "domain": {"errors", "_checks"},
    "_checks": {"errors"},
    "_optional": {"errors"},
    "frames": {"errors", "_checks", "domain"},
    "measures": {"errors", "_checks", "domain", "frames"},
    "margin": BASE,
    "sources": BASE | {"margin"},
    "store": BASE,
    "figures": BASE,
    "backtest": BASE | {"margin", *COMPUTE},
    "execution": BASE | {"margin", "portfolio"},
    "widgets": BASE | {"figures", "margin", *COMPUTE},
    "cli": BASE | {"apps", "sources", "store", "margin"},
    "__main__": {"cli"},
}
for place, room in enumerate(COMPUTE):
    MAY_IMPORT[room] = BASE | {"margin"} | set(COMPUTE[:place])
EVERYTHING = {"apps"}


def modules() -> list[tuple[str, Path]]:
    """Dotted name below heatlab and file of every module."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return found


def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    """Dotted names below heatlab that a file imports, TYPE_CHECKING blocks left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    nodes = tree.body if top_level_only else ast.walk(tree)
    found: set[str] = set()
    for node in nodes:
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            inside = ROOT.parent / str(node.module).replace(".", "/")
            modules_named = {
                a.name for a in node.names if (inside / a.name).is_dir() or (inside / f"{a.name}.py").exists()
            }
            found |= {f"{node.module}.{name}" for name in modules_named}
            if len(modules_named) < len(node.names):
                found.add(str(node.module))
    return {name.removeprefix("heatlab").removeprefix(".") for name in found if name.split(".")[0] == "heatlab"}


@pytest.mark.parametrize(("name", "path"), modules(), ids=[name or "heatlab" for name, _ in modules()])
def test_a_room_imports_only_what_the_design_allows(name: str, path: Path) -> None:
    """Data runs one way: a lower floor never knows a higher one."""
    room = name.split(".", maxsplit=1)[0]
    used = {imported.split(".")[0] for imported in imports(path)} - {room, "__version__"}
    known = {p.stem for p in ROOT.iterdir()}
    used &= known | {""}
    if room in EVERYTHING:
        return
    assert room in MAY_IMPORT, f"{room} has no place in the design"
    if name:
        used -= {""}
    assert used <= MAY_IMPORT[room], f"heatlab.{name} must not import {sorted(used - MAY_IMPORT[room])}"


def test_there_is_no_circle_of_imports() -> None:
    """Module-level imports form a tree, not a circle."""
    names = {name for name, _ in modules()}
    graph = {name: {i for i in imports(path, top_level_only=True) if i in names} - {name} for name, path in modules()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"circle: {' -> '.join((*trail, name))}"
        if name in done:
            return
        for imported in graph[name]:
            if imported:
                visit(imported, (*trail, name))
        done.add(name)

    for name in graph:
        visit(name, ())


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
