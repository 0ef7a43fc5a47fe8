"""What ``heatlab doctor`` looks at: Python, packages, the market source, positions, venues and keys."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatlab.errors import HeatlabError, SourceError

OLDEST_PYTHON = (3, 11)
CLOCK_TOLERANCE_MS = 1000.0
MOST_NOTICES = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes
    ----------
    name : str
        What was looked at.
    state : {"ok", "note", "broken"}
        "note" is worth reading and stops nothing.
    message : str
        What was found, and what to do where something is wrong.
    """

    name: str
    state: str
    message: str


def examine(
    spec: str, *, positions: Path | None = None, check_venue: Callable[[str], Any] | None = None
) -> list[Finding]:
    """Look at everything an app needs.

    Parameters
    ----------
    spec : str
        Source as the command takes it.
    positions : Path, optional
        Positions file.
    check_venue : callable, optional
        ``check_venue(venue)``, by default `heatlab.sources.exchange.health.check_venue`.

    Returns
    -------
    list of Finding
        A failure is a finding, not an error. Keys are named as present or absent, never shown.
    """
    found = [_python(), *_packages()]
    source, opened = _source(spec, positions)
    found.append(opened)
    if source is None:
        return found
    if positions is not None:
        found.append(_positions(source))
    found += [Finding(notice.where, "note", notice.message) for notice in source.notices()]
    if not source.is_simulated and not Path(spec).expanduser().is_dir():
        found += [_venue(venue, check_venue or _default_check()) for venue in source.venues()]
    return found


def venues_of(source: Any) -> tuple[str, ...]:
    """Venues of a source that has something to show.

    Raises
    ------
    SourceError
        It has none; the message says what was left out and what to do.
    """
    venues = tuple(source.venues())
    if venues:
        return venues
    notices = source.notices()
    left_out = "; ".join(f"{notice.where}: {notice.message}" for notice in notices[:MOST_NOTICES])
    more = f"; and {len(notices) - MOST_NOTICES} more" if len(notices) > MOST_NOTICES else ""
    found = f"Left out: {left_out}{more}." if notices else "It holds no candle file."
    raise SourceError(
        f"{source.name} has no candles to show. {found.replace('..', '.')} A folder needs files such as "
        "binanceusdm/BTC-USDT-USDT_1h.csv with the columns timestamp, open, high, low, close, volume."
    )


def _python() -> Finding:
    enough = sys.version_info[:2] >= OLDEST_PYTHON
    wanted = "" if enough else f"; heatlab needs {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer"
    return Finding("Python", "ok" if enough else "broken", f"{platform.python_version()} at {sys.executable}{wanted}")


def _packages() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    for line in importlib.metadata.requires("heatlab") or []:
        needed = Requirement(line)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(needed.name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(needed.name, "broken", f"missing. Install it: python -m pip install '{needed}'")
            continue
        if needed.specifier.contains(version, prereleases=True):
            yield Finding(needed.name, "ok", version)
        else:
            yield Finding(needed.name, "broken", f"{version}, but heatlab needs {needed.specifier}")


def _source(spec: str, positions: Path | None) -> tuple[Any, Finding]:
    from heatlab import sources

    try:
        source = sources.open_source(spec, positions=positions)
        symbols = [instrument.symbol for instrument in source.instruments()] if source.is_simulated else []
        venues = ", ".join(venues_of(source))
    except HeatlabError as error:
        return None, Finding("source", "broken", str(error))
    return source, Finding(
        "source", "ok", f"{source.name}, venues {venues}" + (f", {len(symbols)} symbols" if symbols else "")
    )


def _positions(source: Any) -> Finding:
    try:
        table = source.positions()
    except HeatlabError as error:
        return Finding("positions", "broken", str(error))
    return Finding("positions", "ok" if len(table) else "note", f"{len(table)} open positions")


def _venue(venue: str, check: Callable[[str], Any]) -> Finding:
    try:
        health = check(venue)
    except HeatlabError as error:
        return Finding(venue, "broken", str(error))
    in_time = not abs(health.clock_skew_ms) > CLOCK_TOLERANCE_MS  # NaN: not measured
    good = health.reachable and in_time
    keys = "key present" if health.keys_present else "no key"
    message = health.message if "key" in health.message else f"{health.message} ({keys})"
    return Finding(venue, "ok" if good else "broken", message)


def _default_check() -> Callable[[str], Any]:
    from heatlab.sources.exchange.health import check_venue

    return check_venue
