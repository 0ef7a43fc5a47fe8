"""How the server prepares kernels: one after the other, the gallery first, and past those that cannot start."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from voila.request_info_handler import RequestInfoSocketHandler

from heatlab.apps import _voila
from heatlab.apps._voila import HeatlabServer


class Manager:
    """A kernel manager whose kernels take a moment to get ready and then wait for a visitor."""

    def __init__(self, *names: str, failing: str = "") -> None:
        self._pools: dict[str, list[Any]] = {name: [] for name in names}
        self.kernel_pools_config: dict[str, Any] = {"default": {"pool_size": 0}}
        self.failing = failing
        self.started: list[str] = []
        self.preparing = self.most = 0

    def get_pool_size(self, name: str) -> int:
        return len(self._pools[name])

    def fill_if_needed(self, *, delay: float, notebook_name: str) -> None:
        pool = self._pools[notebook_name]
        while len(pool) < self.kernel_pools_config["default"]["pool_size"]:
            pool.append(asyncio.get_running_loop().create_task(self._start(notebook_name)))

    async def _start(self, name: str) -> dict[str, Any]:
        self.started.append(name)
        if name == self.failing:
            raise RuntimeError("no such kernel")
        self.preparing += 1
        self.most = max(self.most, self.preparing)
        kernel_id = f"{name} {len(self.started)}"
        return {"kernel_id": kernel_id, "task": asyncio.create_task(self._compute(kernel_id))}

    async def _compute(self, kernel_id: str) -> None:
        await asyncio.sleep(0.05)
        self.preparing -= 1
        RequestInfoSocketHandler._waiters[kernel_id] = object()
        await asyncio.sleep(60)


@pytest.fixture(autouse=True)
def _no_waiters() -> Iterator[None]:
    yield
    RequestInfoSocketHandler._waiters.clear()


def server(manager: Manager, *, preheat: int = 1) -> Any:
    """What the methods under test need of a server."""
    made = SimpleNamespace(kernel_manager=manager, heatlab_preheat=preheat, log=logging.getLogger("test"))
    made._one_more = lambda name: HeatlabServer._one_more(made, name)
    made._prepare = lambda names: HeatlabServer._prepare(made, names)
    made.heatlab_listening = lambda: manager.started.append("listening")
    made.heatlab_prepared = lambda: manager.started.append("prepared")
    return made


async def test_one_kernel_at_a_time_the_gallery_first() -> None:
    """The address is said before any kernel starts, and the warm-up comes after the last."""
    manager = Manager("a.ipynb", "index.ipynb", "z.ipynb")
    opening = asyncio.create_task(HeatlabServer._open_up(server(manager)))
    while "prepared" not in manager.started:
        await asyncio.sleep(0.01)
    opening.cancel()
    assert manager.started == ["listening", "index.ipynb", "a.ipynb", "z.ipynb", "prepared"]
    assert manager.most == 1
    assert manager.kernel_pools_config["default"]["pool_size"] == 0


async def test_a_kernel_that_was_taken_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a moment the pool is full again."""
    monkeypatch.setattr(_voila, "REFILL_SECONDS", 0.01)
    manager = Manager("index.ipynb")
    opening = asyncio.create_task(HeatlabServer._open_up(server(manager, preheat=2)))
    while "prepared" not in manager.started:
        await asyncio.sleep(0.01)
    manager._pools["index.ipynb"].pop(0)
    while manager.started.count("index.ipynb") < 3:
        await asyncio.sleep(0.01)
    opening.cancel()
    assert manager.get_pool_size("index.ipynb") == 2


async def test_a_kernel_that_does_not_start_stops_no_other() -> None:
    """Its notebook leaves the list, and its pool stays empty, so that visitors get a kernel of their own."""
    manager, names = Manager("a.ipynb", "b.ipynb", failing="a.ipynb"), ["a.ipynb", "b.ipynb"]
    await HeatlabServer._prepare(server(manager), names)
    assert names == ["b.ipynb"]
    assert manager.get_pool_size("a.ipynb") == 0
    assert manager.get_pool_size("b.ipynb") == 1


def test_only_kernels_of_this_server_are_ended(tmp_path: Path) -> None:
    """A process is ended by its connection file, and with what it started; another child is left alone."""
    sleep = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    code = f"{sleep}; time.sleep(60)"
    kernel = subprocess.Popen([sys.executable, "-c", code, "-f", str(tmp_path / "kernel-1.json")])
    browser = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(tmp_path)])
    try:
        while not (inner := psutil.Process(kernel.pid).children()):
            pass
        _voila._end_starting(str(tmp_path))
        assert not inner[0].is_running()
        assert kernel.poll() is not None
        assert browser.poll() is None
    finally:
        browser.kill()
        browser.wait(5)
        kernel.kill()


def test_the_warm_up_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process of its own is told to run exists, and is the warm-up."""
    from heatlab.apps import serve, warm

    told: list[list[str]] = []
    ran: list[int] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: told.append(command))
    monkeypatch.setattr(warm, "warm_up", lambda: ran.append(1))
    serve._warm_up()
    exec(told[0][-1], {})
    assert ran == [1]
