"""Where the apps are served: settings of the server, its socket, its address and the token it asks for."""

from __future__ import annotations

import errno
import ipaddress
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from heatlab.errors import ParameterError

USUAL_PORT = 8866
GALLERY = "index.ipynb"
EVERYWHERE = ("0.0.0.0", "::", "")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to serve.

    Parameters
    ----------
    ip : str
        Address to listen on.
    port : int, optional
        None: 8866 or, where that is taken, any free one. 0: any free one. Else exactly this one.
    token : str
        Asked of every visitor unless empty.
    notebooks : Path
        Folder to serve.
    open_browser : bool
        Open the gallery once the server listens.
    preheat : int
        Kernels kept ready per notebook.
    idle : int
        Seconds after which a kernel without a page ends.
    verbose : bool
        Print the server's own log.
    """

    ip: str = "127.0.0.1"
    port: int | None = None
    token: str = ""
    notebooks: Path = Path()
    open_browser: bool = True
    preheat: int = 1
    idle: int = 600
    verbose: bool = False


def is_loopback(ip: str) -> bool:
    """Whether only this machine can reach the address."""
    if ip == "localhost":
        return True
    try:
        return ipaddress.ip_address(ip).is_loopback
    except ValueError:
        return False


def choose_token(ip: str, token: str | None) -> str:
    """Token to ask for: the one given, a random one beyond loopback, none on loopback."""
    if token:
        return token
    return "" if is_loopback(ip) else secrets.token_urlsafe(24)


def bind(ip: str, port: int | None) -> socket.socket:
    """Bind a listening socket, before anything else starts.

    Raises
    ------
    ParameterError
        The address or the port cannot be had.
    """
    wanted = USUAL_PORT if port is None else port
    try:
        return _listen(ip, wanted)
    except OSError as error:
        if port is None and error.errno == errno.EADDRINUSE:
            return _listen(ip, 0)
        reason = error.strerror or str(error)
        raise ParameterError(f"heatlab cannot listen on {ip} port {wanted}: {reason}. Try --port 0.") from error


def _listen(ip: str, port: int) -> socket.socket:
    made = socket.create_server((ip, port), family=socket.AF_INET6 if ":" in ip else socket.AF_INET, backlog=128)
    made.setblocking(False)
    return made


def address(settings: Settings, port: int, *, here: bool = False) -> str:
    """Where to point a browser, token included.

    Parameters
    ----------
    here : bool
        A browser on this machine, rather than anywhere on the network.
    """
    host = settings.ip
    if host in EVERYWHERE:
        host = "127.0.0.1" if here else socket.gethostname()
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/" + (f"?token={settings.token}" if settings.token else "")
