"""Knowing whether somebody still looks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from heatlab.errors import ParameterError
from heatlab.widgets import Presence


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def events() -> list[str]:
    return []


@pytest.fixture
async def presence(events: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    clock = Clock()
    made = Presence(lambda: events.append("gone"), on_back=lambda: events.append("back"), limit=0.04, clock=clock)
    monkeypatch.setattr(made, "send", lambda content: events.append(next(iter(content))))
    made.hand = clock
    yield made
    made.close()


async def test_a_quiet_page_is_gone_once(presence: Any, events: list[str]) -> None:
    """After the limit ``on_gone`` is called, and only once."""
    presence.hand.time = 1.0
    await asyncio.sleep(0.05)
    assert events == ["gone"]
    assert presence.gone


async def test_a_ping_is_answered_and_keeps_the_page_present(presence: Any, events: list[str]) -> None:
    """Each ping gets a pong and starts the limit anew."""
    presence.hand.time = 1.0
    presence._hear(presence, {"ping": 1, "hidden": False}, [])
    await asyncio.sleep(0.05)
    assert events == ["pong"]


async def test_a_page_may_come_back(presence: Any, events: list[str]) -> None:
    """A ping after the limit calls ``on_back``."""
    presence.hand.time = 1.0
    await asyncio.sleep(0.05)
    presence._hear(presence, {"ping": 1, "hidden": False}, [])
    await asyncio.sleep(0)
    assert events == ["gone", "pong", "back"]


def test_a_limit_must_be_positive() -> None:
    """A limit of nothing would always be over."""
    with pytest.raises(ParameterError, match="'limit' parameter of Presence"):
        Presence(lambda: None, limit=0)
