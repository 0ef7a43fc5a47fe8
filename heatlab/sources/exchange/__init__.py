"""Live exchanges through ccxt: read-only, with retries, pages and a store that is filled as pages arrive."""

from __future__ import annotations

from heatlab.sources.base import CandleStorage
from heatlab.sources.exchange.health import VenueHealth, check_venue
from heatlab.sources.exchange.retry import FetchCancelledError, RetryPolicy
from heatlab.sources.exchange.source import ExchangeSource

__all__ = ["CandleStorage", "ExchangeSource", "FetchCancelledError", "RetryPolicy", "VenueHealth", "check_venue"]
