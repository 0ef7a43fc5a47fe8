"""The Voila application behind `heatlab.apps.serve`; imported only when serving."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from collections.abc import Callable
from typing import Any

import psutil  # type: ignore[import-untyped]
from jupyter_core.utils import ensure_async, run_sync
from jupyter_server.utils import url_path_join
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import RequestHandler
from voila.app import Voila
from voila.request_info_handler import RequestInfoSocketHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.treehandler import TornadoVoilaTreeHandler

from heatlab.apps.address import GALLERY, is_loopback

DAY_MS = 24 * 3600 * 1000
REFILL_SECONDS = 3.0
"""Time a visitor who took a kernel has the machine to himself before the next one is prepared."""
LONGEST_START = 90.0


class FrontDoor(RequestHandler):
    """Lead the root of the server to the gallery, with whatever the address carried."""

    def get(self) -> None:
        """Redirect."""
        query = f"?{self.request.query}" if self.request.query else ""
        self.redirect(f"{self.request.path.rstrip('/')}/voila/render/{GALLERY}{query}")


class PageHandler(TornadoVoilaHandler):  # type: ignore[misc]
    """A notebook page whose closing may end its kernel, and which may use a preheated kernel in any theme."""

    async def prepare(self) -> None:
        """Set the cookie that the page's last request must show."""
        await super().prepare()
        _ = self.xsrf_token

    def should_use_rendered_notebook(self, _notebook_data: Any, pool_size: int, *_: Any) -> bool:
        """Whether a kernel is ready or on its way; template and theme of the address change nothing here."""
        return pool_size > 0


class HeatlabServer(Voila):  # type: ignore[misc]
    """Voila on a socket bound beforehand, without its file tree."""

    heatlab_socket: socket.socket
    heatlab_preheat: int
    heatlab_listening: Callable[[], None]
    heatlab_prepared: Callable[[], None]
    heatlab_daily: Callable[[], None]

    def init_settings(self) -> Any:
        """Compress pages where they travel; on loopback that would only cost time."""
        settings = super().init_settings()
        return {**settings, "compress_response": not is_loopback(self.ip)}

    def init_handlers(self) -> list[Any]:
        """Voila's handlers, with our page handler and front door and without the tree of files."""
        handlers = []
        for handler in super().init_handlers():
            if handler[1] is TornadoVoilaTreeHandler:
                continue
            handlers.append((handler[0], PageHandler, *handler[2:]) if handler[1] is TornadoVoilaHandler else handler)
        return [(url_path_join(self.server_url, "/?"), FrontDoor), *handlers]

    def listen(self) -> None:
        """Serve on the given socket until interrupted or terminated."""
        server = HTTPServer(self.app)
        server.add_socket(self.heatlab_socket)
        self.ioloop = IOLoop.current()
        self.ioloop.add_callback(self._open_up)
        PeriodicCallback(self.heatlab_daily, DAY_MS).start()
        signal.signal(signal.SIGINT, self._handle_signal_stop)  # an exception could surface in the middle of any task
        try:
            self.ioloop.start()
        finally:
            server.stop()
            self.stop()

    async def _open_up(self) -> None:
        """Say where the server is, prepare the kernels, and from then on replace those that visitors took."""
        self.heatlab_listening()
        names = sorted(getattr(self.kernel_manager, "_pools", ()), key=lambda name: (name != GALLERY, name))
        await self._prepare(names)
        self.heatlab_prepared()
        while names:
            await asyncio.sleep(REFILL_SECONDS)
            await self._prepare(names)

    async def _prepare(self, names: list[str]) -> None:
        """Fill the pools with one kernel after the other: kernels that start together compile the same code together.

        The gallery comes first: it computes what the apps need. A notebook whose kernel cannot be started leaves the
        list; its visitors are told by their own page.
        """
        for wanted in range(1, self.heatlab_preheat + 1):
            for name in tuple(names):
                if self.kernel_manager.get_pool_size(name) >= wanted:
                    continue
                try:
                    await asyncio.wait_for(self._one_more(name), LONGEST_START)
                except TimeoutError:
                    self.log.warning("a kernel of %s is still not ready after %g s", name, LONGEST_START)
                except Exception:
                    self.log.exception("no kernel is kept ready for %s", name)
                    names.remove(name)

    async def _one_more(self, name: str) -> None:
        """Start one kernel for the pool of a notebook and wait until it waits for its visitor, or has served one."""
        manager = self.kernel_manager
        pool = manager._pools[name]
        manager.kernel_pools_config = {"default": {"pool_size": len(pool) + 1}}
        manager.fill_if_needed(delay=0, notebook_name=name)
        manager.kernel_pools_config = {"default": {"pool_size": 0}}
        started = pool[-1]
        try:
            content = await asyncio.shield(started)
        except Exception:
            if started in pool:
                pool.remove(started)
            raise
        while not content["task"].done() and content["kernel_id"] not in RequestInfoSocketHandler._waiters:
            await asyncio.sleep(0.1)

    def stop(self) -> None:
        """End every kernel, those still starting included, and remove their connection files."""
        _cancel_all()
        try:
            run_sync(self._end_kernels)()
        finally:
            _end_starting(self.connection_dir)
            shutil.rmtree(self.connection_dir, ignore_errors=True)

    async def _end_kernels(self) -> None:
        """Ask the kernels to end; one that is going already, or not there yet, is no reason to leave the others."""
        manager = self.kernel_manager
        ending = [ensure_async(manager.shutdown_kernel(kernel, now=True)) for kernel in manager.list_kernel_ids()]
        for outcome in await asyncio.gather(*ending, return_exceptions=True):
            if isinstance(outcome, BaseException):
                self.log.info("a kernel was not ended in the usual way: %r", outcome)


def _cancel_all() -> None:
    """Cancel what still runs on the loop, such as the filling of the pool of kernels."""
    loop = IOLoop.current().asyncio_loop  # type: ignore[attr-defined]
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def _end_starting(connection_dir: str) -> None:
    """End the kernels that are left, and what they started: known by their connection file, so that nothing else goes.

    A browser this server opened is its child, too, and stays.
    """
    file = os.path.join(connection_dir, "kernel-")
    left = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(part.startswith(file) for part in child.cmdline()):
                left += [child, *child.children(recursive=True)]
    for child in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.terminate()
    _, alive = psutil.wait_procs(left, timeout=3)
    for child in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
