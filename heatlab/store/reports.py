"""Reports on disk: a folder of files, each there wholly or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from heatlab._files import locked, remove_leftovers, write_atomically
from heatlab.errors import DataError

LOCK = ".report.lock"


def write_report(folder: str | Path, files: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Write files into a folder in the order given; put last what the reader opens first.

    A reader sees each file old or new, never half of one. Two reports into one folder wait for each other.

    Parameters
    ----------
    folder : str or Path
        Made where it is missing.
    files : mapping of file name to content

    Returns
    -------
    tuple of Path

    Raises
    ------
    DataError
        The folder cannot be made or written to, or is a file; the message names it and says why.
    """
    place = report_folder(folder)
    try:
        with locked(place / LOCK):
            mode = (place / LOCK).stat().st_mode & 0o777  # as the system gives new files
            for name in files:
                remove_leftovers(place, name)
            return tuple(_written(place / name, content, mode) for name, content in files.items())
    except OSError as error:
        raise _refused(place, error) from error


def report_folder(folder: str | Path) -> Path:
    """Make the folder of a report, and see that it can be written to, before the work is done.

    Raises
    ------
    DataError
        It cannot.
    """
    place = Path(folder).expanduser()
    try:
        place.mkdir(parents=True, exist_ok=True)
        with locked(place / LOCK):
            return place
    except OSError as error:
        raise _refused(place, error) from error


def _refused(place: Path, error: OSError) -> DataError:
    return DataError(f"The report cannot be written to {str(place)!r}: {error.strerror or error}.")


def _written(path: Path, content: bytes, mode: int) -> Path:
    write_atomically(path, lambda handle: handle.write(content))
    path.chmod(mode)
    return path
