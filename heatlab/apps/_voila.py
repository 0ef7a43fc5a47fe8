"""The Voila application behind `heatlab.apps.serve`; imported only when serving."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
from collections.abc import Callable
from typing import Any

import psutil  # type: ignore[import-untyped]
from jupyter_core.utils import ensure_async, run_sync
from jupyter_server.utils import url_path_join
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.web import RequestHandler
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.treehandler import TornadoVoilaTreeHandler

from heatlab.apps import serve


class FrontDoor(RequestHandler):
    """Lead the root of the server to the gallery, with whatever the address carried."""

    def get(self) -> None:
        """Redirect."""
        query = f"?{self.request.query}" if self.request.query else ""
        self.redirect(f"{self.request.path.rstrip('/')}/voila/render/{serve.GALLERY}{query}")


class PageHandler(TornadoVoilaHandler):  # type: ignore[misc]
    """A notebook page whose closing may end its kernel, and which may use a preheated kernel in any theme."""

    async def prepare(self) -> None:
        """Set the cookie that the page's last request must show."""
        await super().prepare()
        _ = self.xsrf_token

    def should_use_rendered_notebook(self, notebook_data: Any, pool_size: int, *_: Any) -> bool:
        """Whether a kernel is ready; template and theme of the address do not change what the server renders."""
        return pool_size > 0 and bool(notebook_data)


class HeatlabServer(Voila):  # type: ignore[misc]
    """Voila on a socket bound beforehand, without its file tree."""

    heatlab_socket: socket.socket
    heatlab_ready: Callable[[], None]

    def init_settings(self) -> Any:
        """Compress pages where they travel; on loopback that would only cost time."""
        settings = super().init_settings()
        return {**settings, "compress_response": not serve.is_loopback(self.ip)}

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
        self.ioloop.add_callback(self.heatlab_ready)
        signal.signal(signal.SIGINT, self._handle_signal_stop)  # an exception could surface in the middle of any task
        try:
            self.ioloop.start()
        finally:
            server.stop()
            self.stop()

    def stop(self) -> None:
        """End every kernel, those still starting included, and remove their connection files."""
        _cancel_all()
        try:
            run_sync(self._end_kernels)()
        finally:
            _end_children()
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


def _end_children() -> None:
    """End the processes this server started and that are left: kernels that were still starting."""
    left = psutil.Process().children(recursive=True)
    for child in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.terminate()
    _, alive = psutil.wait_procs(left, timeout=3)
    for child in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
