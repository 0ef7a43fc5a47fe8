"""Ask again when asking again can help: exponential backoff with full jitter, Retry-After honoured, within a budget."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from heatlab.errors import RateLimitedError, SourceError

T = TypeVar("T")
Sleep = Callable[[float], None]


class FetchCancelledError(SourceError):
    """The caller asked to stop; everything fetched before is in the store."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to try.

    Attributes
    ----------
    attempts : int
        Requests at most, the first one included.
    first_delay, longest_delay : float
        Upper bound of the first pause and of every pause [s]; the bound doubles from try to try and the pause is
        drawn evenly below it ("full jitter").
    budget : float
        Pauses of one request in total [s].
    """

    attempts: int = 6
    first_delay: float = 0.5
    longest_delay: float = 20.0
    budget: float = 60.0


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, judged: whether to ask again, after how long, and what to tell the user."""

    text: str
    retry: bool
    rate_limited: bool = False
    wait: float | None = None


class RequestFailed(Exception):  # noqa: N818
    """Internal signal from a client to :func:`retrying`; never reaches the user."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def retrying(
    call: Callable[[], T],
    *,
    what: str,
    policy: RetryPolicy,
    sleep: Sleep | None = None,
    rng: random.Random | None = None,
    cancel: threading.Event | None = None,
) -> T:
    """Call until it works, the failure is final, or the budget is spent.

    Parameters
    ----------
    call : callable
        Raises :class:`RequestFailed` with its judgement.
    what : str
        Words for the message, such as ``"binanceusdm: candles of BTC/USDT:USDT"``.
    policy : RetryPolicy
    sleep, rng : optional
        Pause and randomness; the defaults are the clock's and the system's.
    cancel : Event, optional
        Ends the pauses and the tries.

    Raises
    ------
    RateLimitedError
        The venue still refuses because of its rate limit.
    SourceError
        The failure is final, or trying again did not help.
    FetchCancelledError
        ``cancel`` was set.
    """
    draw = rng or random
    waited, failure = 0.0, Failure("it was never asked", retry=False)
    for attempt in range(policy.attempts):
        stop_if(cancel, what)
        try:
            return call()
        except RequestFailed as error:
            failure = error.failure
        if not failure.retry:
            break
        bound = min(policy.longest_delay, policy.first_delay * 2**attempt)
        pause = draw.uniform(0.0, bound) if failure.wait is None else failure.wait + draw.uniform(0.0, 0.1 * bound)
        if attempt + 1 == policy.attempts or waited + pause > policy.budget:
            break
        waited += pause
        _pause(pause, sleep, cancel)
    raise _final(failure, what, attempt + 1, waited)


def stop_if(cancel: threading.Event | None, what: str) -> None:
    """Raise :class:`FetchCancelledError` if the caller asked to stop."""
    if cancel is not None and cancel.is_set():
        raise FetchCancelledError(f"{what}: stopped on request.")


def _pause(seconds: float, sleep: Sleep | None, cancel: threading.Event | None) -> None:
    if sleep is not None:
        sleep(seconds)
    elif cancel is not None:
        cancel.wait(seconds)
    else:
        time.sleep(seconds)


def _final(failure: Failure, what: str, tries: int, waited: float) -> SourceError:
    if not failure.retry:
        return SourceError(f"{what}: {failure.text}")
    asked = f"asked {tries} time{'s' if tries > 1 else ''} over {waited:.1f} s"
    if failure.rate_limited:
        again = f" Try again in {failure.wait:.0f} s." if failure.wait else " Try again later."
        return RateLimitedError(f"{what}: refused because of the rate limit ({asked}).{again} {failure.text}")
    return SourceError(f"{what}: {failure.text} ({asked})")
