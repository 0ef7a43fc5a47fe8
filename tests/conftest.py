"""Fixtures every test may use: real data where it is, and a check that functions leave their inputs alone."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest


@pytest.fixture(scope="session", autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the reader's own settings and journal out of the tests, and the tests out of them."""
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path_factory.mktemp("config"))
    os.environ["HEATLAB_DATA"] = str(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def market_dir() -> Path:
    """Folder of real market data, or a skip that says how to get one."""
    named = os.environ.get("HEATLAB_MARKET_DIR")
    if not named:
        pytest.skip("real market data is not available: set HEATLAB_MARKET_DIR to its folder")
    folder = Path(named).resolve()
    if not folder.is_dir():
        pytest.fail(f"HEATLAB_MARKET_DIR names {folder}, which is not a folder")
    return folder


@pytest.fixture
def pure() -> Callable[..., Any]:
    """Call a function and fail if it changed a table it was given."""

    def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        before = copy.deepcopy((args, kwargs))
        result = function(*args, **kwargs)
        for old, new in zip([*before[0], *before[1].values()], [*args, *kwargs.values()], strict=True):
            if isinstance(new, pd.DataFrame):
                pd.testing.assert_frame_equal(old, new)
        return result

    return call


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
    """Turn a skip of a required kind into a failure where everything must run (HEATLAB_REQUIRE=market,browser)."""
    report = yield
    required = set(filter(None, os.environ.get("HEATLAB_REQUIRE", "").split(",")))
    kinds = {"market", "browser"} & required & {marker.name for marker in item.iter_markers()}
    if report.skipped and kinds and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but {', '.join(sorted(kinds))} tests are required here: {report.longrepr}"
    return report
