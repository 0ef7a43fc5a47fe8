"""Long jobs that report and can be cancelled, and bursts in which the latest value wins."""

from __future__ import annotations

import asyncio
import time

import ipywidgets
import pytest

from heatlab.errors import DataError, ParameterError
from heatlab.widgets import Job, LatestWins, Runner


async def test_a_job_returns_its_result_and_unlocks() -> None:
    """Controls are locked while it runs and free afterwards."""
    slider = ipywidgets.IntSlider()
    done: list[int] = []
    runner = Runner(lambda job: 42, label="Sum", lock=(slider,), on_done=done.append)
    task = runner.start()
    await asyncio.sleep(0)
    assert slider.disabled
    assert not runner.cancel_button.disabled
    assert await task == 42
    assert done == [42]
    assert not slider.disabled
    assert runner.status.text == "Sum: done"


async def test_a_second_start_joins_the_first() -> None:
    """Run twice in a row starts one job."""
    runner = Runner(lambda job: time.sleep(0.02))
    assert runner.start() is runner.start()
    await runner.start()


async def test_cancel_stops_a_thread_at_its_next_check() -> None:
    """The job ends soon, its result is None and the line says so."""
    reached: list[int] = []

    def work(job: Job) -> None:
        for step in range(1000):
            time.sleep(0.005)
            job.progress(step, 1000)
            reached.append(step)

    runner = Runner(work)
    task = runner.start()
    await asyncio.sleep(0.05)
    runner.cancel()
    assert await task is None
    assert len(reached) < 100
    assert runner.status.text == "Cancelled"
    assert not runner.run_button.disabled


async def test_cancel_stops_a_coroutine() -> None:
    """A coroutine is cancelled where it waits."""

    async def work(job: Job) -> None:
        await asyncio.sleep(30)

    runner = Runner(work)
    task = runner.start()
    await asyncio.sleep(0.01)
    runner.cancel()
    assert await asyncio.wait_for(task, 1) is None
    assert runner.status.text == "Cancelled"


async def test_a_failing_job_says_why() -> None:
    """The error becomes the status line and the controls come back."""

    def work(job: Job) -> None:
        raise DataError("candles: no rows")

    runner = Runner(work)
    assert await runner.start() is None
    assert (runner.status.state, runner.status.text) == ("error", "candles: no rows")
    assert not runner.run_button.disabled


async def test_progress_is_sent_at_most_ten_times_a_second() -> None:
    """A thousand reports in a fifth of a second become a handful of messages, the last one among them."""
    shown: list[float] = []
    job = Job(lambda done, total, text: shown.append(done))

    def work() -> None:
        for step in range(1, 1001):
            job.progress(step, 1000)
            time.sleep(0.0002)

    begun = time.monotonic()
    await asyncio.to_thread(work)
    await asyncio.sleep(0)
    assert len(shown) <= 10 * (time.monotonic() - begun) + 2
    assert shown[-1] == 1000


async def test_the_latest_value_of_a_burst_wins() -> None:
    """Twenty values while one is worked on lead to few runs, the last value in the last of them."""
    seen: list[int] = []

    async def slow(value: int) -> None:
        await asyncio.sleep(0.02)
        seen.append(value)

    latest = LatestWins(slow)
    for value in range(20):
        latest(value)
        await asyncio.sleep(0.002)
    await latest.settled()
    assert seen[-1] == 19
    assert len(seen) + latest.skipped == 20
    assert len(seen) < 10


def test_without_an_event_loop_every_value_runs() -> None:
    """In a plain script the function is called at once."""
    seen: list[int] = []
    latest = LatestWins(seen.append)
    latest(1)
    latest(2)
    assert seen == [1, 2]


def test_a_negative_gap_is_refused() -> None:
    """The gap is a time."""
    with pytest.raises(ParameterError, match="'min_gap' parameter of LatestWins"):
        LatestWins(print, min_gap=-1)
