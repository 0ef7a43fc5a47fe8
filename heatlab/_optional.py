"""Optional dependencies: imported where they are used, with an error that says which extra to install."""

from __future__ import annotations

import importlib
from types import ModuleType

from heatlab.errors import MissingDependencyError


def require(module: str, *, extra: str, feature: str) -> ModuleType:
    """Import ``module`` or say which extra brings it.

    Parameters
    ----------
    module : str
        Import name, for example ``"torch"``.
    extra : str
        The extra of heatlab that installs it, for example ``"deep"``.
    feature : str
        What the user asked for, in their words.

    Raises
    ------
    MissingDependencyError
        The module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f"{feature} needs the '{module}' package, which is not installed. "
            f'Install it with: python -m pip install "heatlab[{extra}]"'
        ) from error
