"""Reloading by the clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from heatlab.errors import ParameterError
from heatlab.widgets.auto_reload import EVERY, AutoReload


@pytest.fixture
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[AutoReload, list[str]]]:
    """An interval of 10 ms in place of a minute."""
    monkeypatch.setitem(EVERY, "every minute", 0.01)
    heard: list[str] = []
    made = AutoReload(lambda: heard.append("reload"), busy=lambda: "busy" in heard)
    yield made, heard
    made.interval.value = 0.0
    made.presence.close()


async def test_it_reloads_until_it_is_set_back(quick: tuple[AutoReload, list[str]]) -> None:
    """By hand again: the clock stops."""
    made, heard = quick
    made.choose("every minute")
    await asyncio.sleep(0.1)
    assert len(heard) >= 2
    made.choose("by hand")
    assert not made.running


async def test_it_waits_while_a_load_is_under_way(quick: tuple[AutoReload, list[str]]) -> None:
    """No load is started on top of another."""
    made, heard = quick
    heard.append("busy")
    made.choose("every minute")
    await asyncio.sleep(0.05)
    assert heard == ["busy"]


async def test_it_stops_when_the_page_is_gone_and_starts_when_it_is_back(quick: tuple[AutoReload, list[str]]) -> None:
    """Nobody looks, nothing is loaded."""
    made, _ = quick
    made.choose("every minute")
    made.presence.gone = True
    made._stop()
    assert not made.running
    made.presence.gone = False
    made._start()
    assert made.running


async def test_an_unknown_interval_is_refused(quick: tuple[AutoReload, list[str]]) -> None:
    """The message lists the intervals."""
    with pytest.raises(ParameterError, match="by hand"):
        quick[0].choose("never")
