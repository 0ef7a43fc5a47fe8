"""Files that two processes may share: a lock per name, and writes that happen wholly or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows: no advisory locks; a store there serves one process at a time
    fcntl = None  # type: ignore[assignment]

TEMPORARY = ".tmp"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` alone; waits for whoever holds it. The system frees it if the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def write_atomically(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Fill a temporary file beside ``path`` with ``write(handle)``, flush it to disk, then put it in place.

    A reader sees the old file or the new one. A process killed on the way leaves ``path`` as it was and a temporary
    file, which :func:`remove_leftovers` clears.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMPORARY)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            write(handle)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def remove_leftovers(folder: Path, prefix: str) -> None:
    """Delete temporary files of names that start with ``prefix``; call it only while holding their lock."""
    for path in folder.iterdir():
        if path.name.startswith(f".{prefix}") and path.name.endswith(TEMPORARY):
            path.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
