"""What the reader chose last, per app, so that an app opens as it was left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heatlab._files import locked, write_atomically
from heatlab.errors import DataError


class SettingsStore:
    """Settings of the apps in one small JSON file.

    Parameters
    ----------
    path : str or Path
        The file; it and its folder are made when first written.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path).expanduser()

    def __repr__(self) -> str:
        """Show where the file is."""
        return f"SettingsStore({str(self._path)!r})"

    def read(self, app: str) -> dict[str, Any]:
        """Return the settings last written for an app; empty where there are none.

        Raises
        ------
        DataError
            The file is not what :meth:`write` writes; the message names it.
        """
        found = self._all().get(app, {})
        if not isinstance(found, dict):
            raise self._damaged(f"{app!r} holds {type(found).__name__}")
        return found

    def write(self, app: str, settings: Mapping[str, Any]) -> None:
        """Keep the settings of an app; those of the other apps stay."""
        with locked(self._path.with_suffix(".lock")):
            kept = {**self._all(), app: dict(settings)}
            write_atomically(self._path, lambda handle: handle.write(json.dumps(kept, indent=1).encode()))

    def _all(self) -> dict[str, Any]:
        if not self._path.exists():
            return {}
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._damaged(str(error)) from error
        if not isinstance(found, dict):
            raise self._damaged(f"the file holds {type(found).__name__}")
        return found

    def _damaged(self, why: str) -> DataError:
        return DataError(f"The settings in {self._path} cannot be read ({why}). Delete the file to start afresh.")
