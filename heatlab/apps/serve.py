"""Serve the notebooks as apps: Voila with heatlab's template, started, addressed and ended by heatlab.

The server binds before it starts kernels, leads ``/`` to the gallery, sets the cookie that lets a closing page end its
kernel, refuses foreign host names on loopback, and ends every kernel when it stops.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs

import heatlab
from heatlab.apps.address import EVERYWHERE, Settings, address, bind, is_loopback
from heatlab.errors import ParameterError

PACKAGE = Path(heatlab.__file__).parent
STUDIES = ".*_study.ipynb"
"""Notebooks that compute for a while: nobody waits for them ready, so no kernel is kept for them."""
EXTENSIONS = ("@voila-dashboards/widgets-manager8", "@jupyter-widgets/jupyterlab-manager", "anywidget")
PING_MS = 30_000
KEPT_SECONDS = 30 * 24 * 3600.0
"""Prepared folders that nobody used for this long are removed."""
OURS = re.compile(r"[0-9a-f]{16}|\.(building|old)-.*")


def notebooks_dir() -> Path:
    """Folder of the app notebooks: inside the installed package, else beside it in a checkout.

    Raises
    ------
    ParameterError
        Neither exists.
    """
    places = (PACKAGE / "notebooks", PACKAGE.parent / "notebooks")
    for place in places:
        if place.is_dir():
            return place
    raise ParameterError(f"heatlab's notebooks are missing: looked in {' and '.join(map(str, places))}. Reinstall it.")


def prepare_template(root: Path | None = None) -> Path:
    """Lay out a Jupyter data folder with the complete template and a kernel of this very Python.

    The package's template is joined by the style sheet and the BokehJS of the installed bokeh, so that pages load
    them as cached files. The folder's name is a digest of its contents; it is built beside and renamed, so that two
    processes may do it at once. Folders of other contents that nobody used for 30 days are removed.

    Parameters
    ----------
    root : Path, optional
        Where to keep it; the user's cache folder by default.

    Returns
    -------
    Path
        A folder for JUPYTER_PATH.
    """
    files = _template_files()
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(name.encode() + b"\0" + content + b"\0")
    root = root or Path(platformdirs.user_cache_dir("heatlab")) / "jupyter"
    target = root / digest.hexdigest()[:16]
    while True:
        try:
            mark_used(target)
        except FileNotFoundError:
            root.mkdir(parents=True, exist_ok=True)
            _lay(files, target)
        else:
            break
    _prune(target)
    return target


def mark_used(target: Path) -> None:
    """Note that a prepared folder is in use, so that no other process removes it."""
    os.utime(target)


def _prune(target: Path) -> None:
    """Remove the siblings of the folder in use that nobody used for long; what cannot be removed stays."""
    for path in target.parent.iterdir():
        if path != target and OURS.fullmatch(path.name) and _unused(path):
            _remove(path)


def _unused(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > KEPT_SECONDS
    except OSError:  # another process removes it
        return False


def _remove(path: Path) -> None:
    """Move a folder away, then delete it; back again if somebody took it into use meanwhile."""
    aside = path.with_name(f".old-{os.getpid()}-{path.name.lstrip('.')}")
    with contextlib.suppress(OSError):
        path.rename(aside)
        if _unused(aside):
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.rename(path)


def _template_files() -> dict[str, bytes]:
    """Relative name -> contents of the prepared folder."""
    from heatlab.widgets import css
    from heatlab.widgets.pane import bundle_bytes

    template = "voila/templates/heatlab"
    package = PACKAGE / "share" / "jupyter"
    files = {path.relative_to(package).as_posix(): path.read_bytes() for path in package.rglob("*") if path.is_file()}
    files[f"{template}/static/heatlab.css"] = css().encode()
    files[f"{template}/static/bokeh.min.js"] = bundle_bytes("bokeh")
    files[f"{template}/heatlab_assets.html.j2"] = (
        b'{{ resources.include_css("static/heatlab.css") }}\n{{ resources.include_js("static/bokeh.min.js") }}\n'
    )
    launcher = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    quiet = ["--HistoryManager.enabled=False", "--log-level=ERROR"]
    kernel = {"argv": [*launcher, *quiet], "display_name": "Python 3 (heatlab)", "language": "python"}
    files["kernels/python3/kernel.json"] = json.dumps(kernel).encode()
    return files


def _lay(files: dict[str, bytes], target: Path) -> None:
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=target.parent))
    try:
        for name, content in files.items():
            path = building / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        building.chmod(0o755)
        building.rename(target)
    except OSError:
        if not target.is_dir():  # another process may have been first: then its folder serves
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def log_file() -> Path:
    """File that takes the traces of failing callbacks in the kernels."""
    path = Path(os.environ.get("HEATLAB_LOG") or Path(platformdirs.user_log_dir("heatlab")) / "heatlab.log").absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def serve(settings: Settings, *, announce: Callable[[str], None] = print) -> None:
    """Serve until interrupted or terminated; then end every kernel.

    Parameters
    ----------
    announce : callable
        Called once with the address, when the server listens.

    Raises
    ------
    ParameterError
        The address or the port cannot be had.
    """
    listening = bind(settings.ip, settings.port)
    port = int(listening.getsockname()[1])
    data = prepare_template()
    others = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = os.pathsep.join([str(data), *([others] if others else [])])
    os.environ["HEATLAB_LOG"] = str(log_file())
    if settings.ip not in EVERYWHERE and not is_loopback(settings.ip):
        os.environ["VOILA_APP_IP"] = settings.ip
    warming: list[subprocess.Popen[bytes]] = []
    try:
        server = _server_class().instance(config=_configuration(settings, port))  # the instance takes every log
        server.heatlab_socket = listening
        server.heatlab_preheat = settings.preheat
        server.heatlab_listening = lambda: _announce(settings, port, announce)
        server.heatlab_prepared = lambda: warming.append(_warm_up())
        server.heatlab_daily = lambda: mark_used(data)
        server.initialize([])
        server.start()
    finally:
        listening.close()
        for process in warming:
            process.terminate()
            process.wait(10)


def _announce(settings: Settings, port: int, announce: Callable[[str], None]) -> None:
    announce(address(settings, port))
    if settings.open_browser:  # a text browser returns when it is closed: it must not hold the server
        url = address(settings, port, here=True)
        threading.Thread(target=webbrowser.open, args=(url,), name="browser", daemon=True).start()


def _warm_up() -> subprocess.Popen[bytes]:
    """Compile what the apps will need in a process of its own, so that the first visitor does not wait for it."""
    code = "from heatlab.apps.warm import warm_up; warm_up()"
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _configuration(settings: Settings, port: int) -> Any:
    from traitlets.config import Config

    config = Config()
    voila = config.Voila
    voila.ip, voila.port = settings.ip, port
    voila.root_dir = str(settings.notebooks.resolve())
    voila.open_browser = False
    voila.token = settings.token
    voila.config_file_paths = []
    voila.log_level = logging.INFO if settings.verbose else logging.ERROR
    voila.tornado_settings = {"ws_ping_interval": PING_MS, "ws_ping_timeout": PING_MS}
    if is_loopback(settings.ip):  # a page elsewhere must not reach us through a name of its own
        voila.tornado_settings |= {"allow_remote_access": False, "local_hostnames": ["localhost"]}
    options = config.VoilaConfiguration
    options.template, options.theme = "heatlab", "light"
    options.allow_template_override = options.allow_theme_override = "NO"
    options.show_tracebacks = False
    options.file_allowlist = []
    options.preheat_kernel = settings.preheat > 0
    options.default_pool_size = 0  # the server fills the pools itself, one kernel after the other
    options.extension_allowlist = list(EXTENSIONS)
    config.VoilaKernelManager.preheat_denylist = [STUDIES]
    config.VoilaExecutor.cell_error_instruction = "Reload the page to try again. The details are in the server's log."
    config.MappingKernelManager.cull_idle_timeout = settings.idle
    config.MappingKernelManager.cull_interval = max(1, min(60, settings.idle // 4))
    return config


def _server_class() -> Any:
    """Voila with our front door; built here because importing voila takes a second."""
    from heatlab.apps._voila import HeatlabServer

    return HeatlabServer
