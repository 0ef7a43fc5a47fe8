"""Every error heatlab raises on purpose.

::

    HeatlabError
    ├── ParameterError (ValueError)        a function was called with a value it does not allow
    ├── DataError (ValueError)             a table breaks its contract
    │   ├── MissingColumnsError
    │   └── StaleDataError
    ├── SourceError                        a market source could not deliver
    │   └── RateLimitedError
    └── MissingDependencyError (ImportError)

Each message says what, where, allowed and got.
"""

from __future__ import annotations


class HeatlabError(Exception):
    """Base of every error heatlab raises on purpose: the one to catch."""


class ParameterError(HeatlabError, ValueError):
    """A parameter lies outside what the function allows."""


class DataError(HeatlabError, ValueError):
    """A table breaks its contract; the message names the table, the column and the first bad row."""


class MissingColumnsError(DataError):
    """A table lacks columns its contract requires."""


class StaleDataError(DataError):
    """Data is too old for what was asked of it."""


class SourceError(HeatlabError):
    """A market source could not deliver what was asked."""


class RateLimitedError(SourceError):
    """A venue refused because of its rate limit, and retrying within the budget did not help."""


class MissingDependencyError(HeatlabError, ImportError):
    """A feature needs an optional dependency that is not installed."""
