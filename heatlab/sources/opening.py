"""One line of text to a market source: what the command line, the environment and the notebooks share."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from heatlab.errors import ParameterError, SourceError
from heatlab.sources.base import CandleStorage, MarketSource

ALLOWED = (
    "'simulated', 'simulated:SEED', the path of an existing folder, "
    "or names of exchanges with commas between, such as 'binanceusdm,okx'"
)


def open_source(spec: str, *, positions: str | Path | None = None, store: CandleStorage | None = None) -> MarketSource:
    """Open the market source a line of text names.

    Parameters
    ----------
    spec : str
        ``"simulated"`` or ``"simulated:SEED"``; the path of an existing folder; or exchanges (ccxt ids) with commas
        between, the first being the default venue.
    positions : str or Path, optional
        CSV file of positions (see :func:`heatlab.sources.read_positions`) that replace those of the source.
    store : CandleStorage, optional
        Where an exchange's candles are kept.

    Raises
    ------
    ParameterError
        The text names none of these; the message lists what is allowed.
    SourceError
        The text is a path, and there is no folder.
    """
    source = _open(spec.strip(), store)
    if positions is None:
        return source
    from heatlab.sources.positions import WithPositions
    from heatlab.sources.positions_file import read_positions

    return WithPositions(source, read_positions(positions))


def _open(spec: str, store: CandleStorage | None) -> MarketSource:
    kind, colon, seed = spec.partition(":")
    if kind == "simulated":
        return _simulated(seed if colon else None, spec)
    if spec and Path(spec).expanduser().is_dir():
        from heatlab.sources.folder import FolderSource

        return FolderSource(spec)
    if re.search(r"[/\\~]|^\.", spec):
        raise SourceError(f"There is no folder {spec!r}. A source is {ALLOWED}.")
    venues = [name.strip().lower() for name in spec.split(",")]
    if not all(re.fullmatch(r"[a-z0-9]+", name) for name in venues):
        raise ParameterError(f"The 'spec' parameter of open_source must be {ALLOWED}. Got {spec!r} instead.")
    return _exchanges(venues, spec, store)


def _simulated(seed: str | None, spec: str) -> MarketSource:
    if seed is not None and not re.fullmatch(r"\d{1,9}", seed):
        raise ParameterError(
            f"The seed in the 'spec' parameter of open_source must be a whole number from 0 to 999999999. "
            f"Got {spec!r} instead."
        )
    from heatlab.sources.simulated import SimulatedSource

    return SimulatedSource() if seed is None else SimulatedSource(seed=int(seed))


def _exchanges(venues: list[str], spec: str, store: CandleStorage | None) -> MarketSource:
    from heatlab.sources.exchange import ExchangeSource

    try:
        return ExchangeSource(*venues, store=store)
    except ParameterError as error:
        raise ParameterError(
            f"The 'spec' parameter of open_source must be {ALLOWED}. Got {spec!r} instead. {error}"
        ) from error


def from_environment(environ: Mapping[str, str] = os.environ, *, store: CandleStorage | None = None) -> MarketSource:
    """Open the market source the environment names: how a served notebook knows what to show.

    Parameters
    ----------
    environ : mapping
        ``HEATLAB_SOURCE`` is a line as for :func:`open_source` (default ``"simulated"``), ``HEATLAB_POSITIONS`` a CSV
        file of positions. Empty counts as not given.
    store : CandleStorage, optional
        Where an exchange's candles are kept.

    Raises
    ------
    ParameterError, SourceError, DataError
        As for :func:`open_source` and :func:`heatlab.sources.read_positions`.
    """
    spec = environ.get("HEATLAB_SOURCE") or "simulated"
    return open_source(spec, positions=environ.get("HEATLAB_POSITIONS") or None, store=store)
