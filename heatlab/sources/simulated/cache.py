"""Tapes kept on disk between runs; every failure only means that the tape is simulated again."""

from __future__ import annotations

import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import platformdirs

from heatlab._files import write_atomically
from heatlab.sources.simulated import settings
from heatlab.sources.simulated.engine import Ledger
from heatlab.sources.simulated.settings import Listing
from heatlab.sources.simulated.tape import Tape

DEFAULT_FOLDER = Path(platformdirs.user_cache_path("heatlab", appauthor=False)) / "simulated"
LEDGER = "ledger_"


def file_of(folder: Path, listing: Listing, seed: int) -> Path:
    """Where a tape is kept: one file per seed, version and symbol."""
    return folder / f"v{settings.VERSION}-seed{seed}" / f"{listing.base}.npz"


def load(folder: Path, listing: Listing, seed: int) -> Tape | None:
    """Read a kept tape; None if there is none.

    Raises
    ------
    OSError, ValueError
        The file cannot be read or is no tape.
    """
    path = file_of(folder, listing, seed)
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        ledger = Ledger(**{name: arrays.pop(LEDGER + name) for name in Ledger._fields})
        return Tape(listing=listing, ledger=ledger, **arrays)
    except (KeyError, TypeError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path} is not a kept tape of the simulated market: {error}") from error


def save(folder: Path, tape: Tape, seed: int) -> None:
    """Write a tape so that a reader sees all of it or nothing.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    path = file_of(folder, tape.listing, seed)
    arrays = {field.name: getattr(tape, field.name) for field in fields(Tape)}
    arrays = {name: value for name, value in arrays.items() if name not in ("listing", "ledger")}
    arrays |= {LEDGER + name: column for name, column in tape.ledger._asdict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda handle: np.savez(handle, **arrays))
