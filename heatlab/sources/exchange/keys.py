"""API keys: read from the environment or the OS keyring, shown to nobody.

For the venue ``okx`` the names are ``HEATLAB_OKX_API_KEY``, ``HEATLAB_OKX_SECRET`` and ``HEATLAB_OKX_PASSWORD``
(venues that need a passphrase), and ``HEATLAB_HYPERLIQUID_WALLET_ADDRESS`` for Hyperliquid, where reading takes a
public address only. The keyring holds them under the service ``heatlab`` with the same names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, cast

SERVICE = "heatlab"
FIELDS = {"apiKey": "API_KEY", "secret": "SECRET", "password": "PASSWORD", "walletAddress": "WALLET_ADDRESS"}
HIDDEN = "[hidden]"
_SIGNED = re.compile(r"(?i)\b(signature|sign|api_key|apikey|timestamp|recvwindow)=[^&\s\"']+")


class Keyring(Protocol):
    """What heatlab needs of a keyring: one lookup."""

    def get_password(self, service_name: str, username: str, /) -> str | None:
        """Return the stored word or None."""
        ...


class Credentials:
    """Keys of one venue. Printing, pickling or comparing them shows nothing.

    Parameters
    ----------
    venue : str
    fields : mapping
        ccxt names (``apiKey``, ``secret``, ``password``, ``walletAddress``) to their values.
    """

    __slots__ = ("_fields", "venue")

    def __init__(self, venue: str, fields: Mapping[str, str] | None = None) -> None:
        self.venue = venue
        values = {name: value for name, value in (fields or {}).items() if value}

        def reveal() -> dict[str, str]:
            return dict(values)

        self._fields = reveal

    def __bool__(self) -> bool:
        """Tell whether any key is there."""
        return bool(self._fields())

    def __repr__(self) -> str:
        """Name the venue and whether there are keys."""
        return f"Credentials({self.venue!r}, {HIDDEN if self else 'none'})"

    def __reduce__(self) -> Any:
        """Refuse to be pickled or copied."""
        raise TypeError("Credentials cannot be pickled or copied: keys stay in this process.")

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the keys that are there, never their values."""
        return iter(self._fields())

    def config(self) -> dict[str, str]:
        """Return the keys as ccxt client settings. Hand them to the client only."""
        return self._fields()

    def missing(self, required: Mapping[str, bool]) -> tuple[str, ...]:
        """Names of environment variables this venue needs and that are not set."""
        needed = ["walletAddress"] if required.get("walletAddress") else [n for n in FIELDS if required.get(n)]
        present = set(self)
        return tuple(_variable(self.venue, FIELDS[name]) for name in needed if name not in present)

    def scrub(self, text: str) -> str:
        """Return ``text`` without any key, signature or signed query."""
        for value in sorted(self._fields().values(), key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return _SIGNED.sub(lambda match: f"{match.group(1)}={HIDDEN}", text)


def find_credentials(venue: str, *, environ: Mapping[str, str], keyring: Keyring | None) -> Credentials:
    """Look the keys of a venue up: the environment first, then the keyring.

    Parameters
    ----------
    venue : str
        ccxt id.
    environ : mapping
        Environment variables.
    keyring : Keyring or None
        None leaves the keyring out.

    Returns
    -------
    Credentials
        Empty where nothing is stored.
    """
    found = {}
    for name, suffix in FIELDS.items():
        variable = _variable(venue, suffix)
        value = environ.get(variable) or (keyring.get_password(SERVICE, variable) if keyring else None)
        if value:
            found[name] = value.strip()
    return Credentials(venue, found)


def system_keyring() -> Keyring | None:
    """Return the keyring of the operating system, or None where there is none that can be read."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.get_password(SERVICE, "probe")
    except KeyringError:
        return None
    return cast("Keyring", keyring)


def _variable(venue: str, suffix: str) -> str:
    return f"HEATLAB_{venue.upper()}_{suffix}"
