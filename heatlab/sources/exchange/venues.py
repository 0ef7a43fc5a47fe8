"""Several venues side by side: which one is meant, work on all of them at once, and what went wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from heatlab.errors import ParameterError, SourceError
from heatlab.sources.base import Notice
from heatlab.sources.exchange.retry import FetchCancelledError
from heatlab.sources.exchange.venue import Venue, nearest

T = TypeVar("T")


class VenuePanel:
    """The venues of a source, first is the default, with the notices they gave rise to.

    Parameters
    ----------
    places : iterable of Venue
    """

    def __init__(self, places: Iterable[Venue]) -> None:
        self._places = {place.name: place for place in places}
        self._notices: dict[Notice, None] = {}
        self._lock = threading.Lock()
        for place in self.places:
            if place.has_some_keys and place.missing_keys():
                missing = ", ".join(place.missing_keys())
                self.notice(place.name, f"the key is incomplete, so positions are left out. Set {missing}.")

    @property
    def places(self) -> tuple[Venue, ...]:
        """The venues in order."""
        return tuple(self._places.values())

    @property
    def names(self) -> tuple[str, ...]:
        """Their names in order."""
        return tuple(self._places)

    def named(self, venue: str) -> Venue:
        """Return a venue by name.

        Raises
        ------
        ParameterError
            It is not one of ours; the message lists them.
        """
        if venue not in self._places:
            raise ParameterError(
                f"The 'venue' parameter must be one of {', '.join(self.names)}. Got {venue!r} instead."
            )
        return self._places[venue]

    def pick(self, symbol: str, venue: str | None) -> Venue:
        """Return the named venue, else the first that lists the symbol.

        Raises
        ------
        SourceError
            No venue lists it, or none of those asked could be reached.
        """
        if venue is not None or len(self._places) == 1:
            place = self.named(venue) if venue is not None else self.places[0]
            place.market(symbol)
            return place
        reasons, silent = [], False
        for place in self.places:
            try:
                if symbol in place.markets():
                    return place
                reasons.append(f"{place.name}: {nearest(symbol, place.markets())}")
            except SourceError as error:
                self.notice(place.name, str(error))
                reasons.append(str(error))
                silent = True
        raise SourceError(f"No venue {'within reach ' if silent else ''}lists {symbol!r}. {' '.join(reasons)}")

    def on_each(self, places: Iterable[Venue], work: Callable[[Venue], T]) -> dict[str, T]:
        """Run ``work`` on venues side by side, one thread each; one that fails becomes a notice."""
        todo = list(places)
        if not todo:
            return {}
        with ThreadPoolExecutor(max_workers=len(todo), thread_name_prefix="heatlab-venue") as pool:
            futures = {place.name: pool.submit(work, place) for place in todo}
        results = {}
        for name, future in futures.items():
            try:
                results[name] = future.result()
            except FetchCancelledError:
                raise
            except SourceError as error:
                self.notice(name, str(error))
        return results

    def notice(self, where: str, message: str) -> None:
        """Note something that was skipped; the same note counts once."""
        with self._lock:
            self._notices[Notice(where, message)] = None

    def notices(self) -> tuple[Notice, ...]:
        """Everything noted so far, oldest first."""
        with self._lock:
            return tuple(self._notices)
