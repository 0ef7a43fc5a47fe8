"""Start the real command, talk to it, and end it by its process id."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = Path(__file__).parent / "notebooks"
START = 60.0


@dataclass
class Server:
    """A running server: its address, its process and the file its output goes to."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    started_in: float
    errors: list[str] = field(default_factory=list)

    def kernels(self) -> dict[str, psutil.Process]:
        """Kernel id -> process, of the kernels this server started."""
        found = {}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                named = re.search(r"kernel-([0-9a-f-]{36})\.json", " ".join(child.cmdline()))
                if named:
                    found[named[1]] = child
        return found

    def status(self, path: str = "", *, method: str = "GET") -> int:
        """HTTP status of a path, redirects not followed."""
        return fetch(self.url.split("?")[0] + path, method=method)[0]


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


def fetch(url: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Status and location (or body) of one request, redirects not followed."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)
    request = urllib.request.Request(url, method=method, headers=headers or {})
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers.get("Location") or answer.read().decode()


def environment(cache: Path) -> dict[str, str]:
    """Environment of a server under test: this checkout, a cache of its own, no keys."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEATLAB_")}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {
        **kept,
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        "XDG_CACHE_HOME": str(cache),
        "XDG_CONFIG_HOME": str(cache / "config"),
        "HEATLAB_DATA": str(cache / "data"),
        "HEATLAB_LOG": str(cache / "heatlab.log"),
        "JUPYTER_CONFIG_DIR": str(cache / "jupyter-config"),
    }


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def heatlab(cache: Path, *options: str) -> Iterator[Server]:
    """Run ``python -m heatlab --no-browser --port 0 ...`` until the block ends, then end it by its id."""
    command = ("heatlab", "--no-browser", "--port", "0", *options)
    with _running(cache, command, environment(cache), r"heatlab is at (\S+)") as server:
        yield server


@contextlib.contextmanager
def plain_voila(cache: Path, notebooks: Path) -> Iterator[Server]:
    """Run Voila itself, as on Binder: the template as it is packaged and the settings that binder/ brings."""
    settings = cache / "jupyter-config"
    settings.mkdir(parents=True)
    shutil.copy(ROOT / "binder" / "voila.json", settings)
    environ = environment(cache) | {"JUPYTER_PATH": str(ROOT / "heatlab" / "share" / "jupyter")}
    command = ("voila", str(notebooks), "--no-browser", f"--port={free_port()}", "--Voila.ip=127.0.0.1")
    with _running(cache, command, environ, r"(?s)is running at:\s+(http\S+)") as server:
        yield server


@contextlib.contextmanager
def _running(cache: Path, command: tuple[str, ...], environ: dict[str, str], said: str) -> Iterator[Server]:
    cache.mkdir(parents=True, exist_ok=True)
    log = cache / "server.log"
    begun = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], env=environ, stdout=output, stderr=subprocess.STDOUT, cwd=cache
        )
    try:
        url = _announced(process, log, said)
        yield Server(url, process, log, time.perf_counter() - begun)
    finally:
        end(process)


def _announced(process: subprocess.Popen[bytes], log: Path, words: str) -> str:
    limit = time.monotonic() + START
    while time.monotonic() < limit:
        said = re.search(words, log.read_text(errors="replace"))
        if said:
            return said[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{log.read_text(errors='replace')}")


def end(process: subprocess.Popen[bytes], *, with_signal: int = signal.SIGINT) -> int:
    """Interrupt a process and wait; kill it, by its id, only if it does not end."""
    if process.poll() is None:
        process.send_signal(with_signal)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
    return int(process.returncode)
