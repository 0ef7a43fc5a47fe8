"""Which alerts are new, which go on and which are over: a state machine without a clock or a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from heatlab._checks import check_range
from heatlab.errors import DataError, ParameterError

Key = tuple[str, str, str, int]
URGENCY = {"red": 0, "amber": 1, "note": 2}
MOST_PAST = 100
VERSION = 1


@dataclass(frozen=True, slots=True)
class AlertStateSettings:
    """How alerts come and go.

    Parameters
    ----------
    clear_below : float
        Strength below which an alert is over; it was raised at 1. The band between holds it.
    repeat_after : Timedelta
        Least time between two notifications of the same alert. A red one that nobody has acknowledged is told again
        after it; an amber one or a note only if it comes back after it.
    """

    clear_below: float = 0.8
    repeat_after: pd.Timedelta = field(default_factory=lambda: pd.Timedelta(hours=4))

    def __post_init__(self) -> None:
        """Refuse a band that is none and a time that runs backwards."""
        check_range("clear_below", self.clear_below, 0, 1, caller="AlertStateSettings")
        check_range("repeat_after", self.repeat_after.total_seconds(), 0, 1e9, caller="AlertStateSettings")


@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """One alert in force, or one that was.

    Attributes
    ----------
    key : (what, symbol, venue, side)
    level : str
        "red", "amber" or "note".
    detail : str
    since : Timestamp
    acknowledged : bool
        The trader has seen it: it is not told again unless it turns red.
    snoozed_until : Timestamp, optional
        It is not told before.
    cleared : Timestamp, optional
        When it ended.
    """

    key: Key
    level: str
    detail: str
    since: pd.Timestamp
    acknowledged: bool = False
    snoozed_until: pd.Timestamp | None = None
    cleared: pd.Timestamp | None = None


@dataclass(frozen=True)
class AlertState:
    """What is known between two updates.

    Attributes
    ----------
    active : mapping of key to ActiveAlert
    told : mapping of key to (Timestamp, level)
        When an alert was last notified and at which level, also of those that are over.
    past : tuple of ActiveAlert
        The last hundred that are over, newest first.
    """

    active: Mapping[Key, ActiveAlert] = field(default_factory=dict)
    told: Mapping[Key, tuple[pd.Timestamp, str]] = field(default_factory=dict)
    past: tuple[ActiveAlert, ...] = ()

    def ranked(self) -> list[ActiveAlert]:
        """Alerts in force, most urgent first, the newest of a level first."""
        return sorted(self.active.values(), key=lambda alert: (URGENCY[alert.level], -alert.since.value))

    def to_dict(self) -> dict[str, Any]:
        """Plain values that a JSON file can hold."""
        return {
            "version": VERSION,
            "active": [_plain(alert) for alert in self.active.values()],
            "told": [[*key, _text(when), level] for key, (when, level) in self.told.items()],
            "past": [_plain(alert) for alert in self.past],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> AlertState:
        """Read what :meth:`to_dict` wrote; an empty mapping is a fresh start.

        Raises
        ------
        DataError
            It is something else.
        """
        if not stored:
            return cls()
        if stored.get("version") != VERSION:
            raise DataError(f"The state of the alerts must be of version {VERSION}. Got {stored.get('version')!r}.")
        try:
            active = [_alert(row) for row in stored["active"]]
            told = {_key(row[:4]): (_time(row[4]), str(row[5])) for row in stored["told"]}
            past = tuple(_alert(row) for row in stored["past"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise DataError(f"The state of the alerts cannot be read: {error!r}.") from error
        return cls({alert.key: alert for alert in active}, told, past)


@dataclass(frozen=True)
class AlertChange:
    """What an update did.

    Attributes
    ----------
    raised : tuple of ActiveAlert
        To be told now, most urgent first: new ones, ones that turned red, red ones nobody has acknowledged for long.
    cleared : tuple of ActiveAlert
        Those that are over.
    active : AlertState
        The state from now on.
    """

    raised: tuple[ActiveAlert, ...]
    cleared: tuple[ActiveAlert, ...]
    active: AlertState


def update_alerts(
    active: AlertState,
    current: pd.DataFrame,
    *,
    now: pd.Timestamp,
    settings: AlertStateSettings | None = None,
) -> AlertChange:
    """Bring the alerts up to date.

    An alert is raised when its strength reaches 1 and is over once that falls below ``clear_below``; between the two
    what is raised stays and what is not does not come. A red one falls to amber in the same way. Rows of one key count
    as one alert, the strongest.

    Parameters
    ----------
    active : AlertState
    current : DataFrame
        As :func:`heatlab.portfolio.alerts.current.risk_alerts` returns it with ``fading=True``.
    now : Timestamp (UTC)
    settings : AlertStateSettings, optional

    Returns
    -------
    AlertChange
    """
    limits = settings or AlertStateSettings()
    going: dict[Key, ActiveAlert] = {}
    for key, row in _strongest(current).items():
        level = _level(row, active.active.get(key), limits)
        if level:
            going[key] = _carried(active.active.get(key), key, level, str(row["detail"]), now)
    gone = tuple(replace(alert, cleared=now) for key, alert in active.active.items() if key not in going)
    ranked = AlertState(going).ranked()
    raised = tuple(alert for alert in ranked if _due(alert, active.told.get(alert.key), now, limits))
    told = {**_recent(active.told, going, now, limits), **{alert.key: (now, alert.level) for alert in raised}}
    return AlertChange(raised, gone, AlertState(going, told, (*gone, *active.past)[:MOST_PAST]))


def acknowledge(state: AlertState, key: Key) -> AlertState:
    """Mark an alert as seen: it stays in force and is not told again unless it turns red.

    Raises
    ------
    ParameterError
        There is no such alert.
    """
    return _changed(state, key, "acknowledge", acknowledged=True)


def snooze(state: AlertState, key: Key, *, until: pd.Timestamp) -> AlertState:
    """Keep an alert quiet until an instant, whatever its level.

    Raises
    ------
    ParameterError
        There is no such alert.
    """
    return _changed(state, key, "snooze", snoozed_until=until)


def _changed(state: AlertState, key: Key, caller: str, **changes: Any) -> AlertState:
    if key not in state.active:
        raise ParameterError(f"The 'key' parameter of {caller} must be an alert in force. Got {key!r} instead.")
    return replace(state, active={**state.active, key: replace(state.active[key], **changes)})


def _strongest(current: pd.DataFrame) -> dict[Key, dict[str, Any]]:
    found: dict[Key, dict[str, Any]] = {}
    for record in current.to_dict("records"):
        row = {str(name): value for name, value in record.items()}
        key = _key((row["what"], row["symbol"], row["venue"], row["side"]))
        if key not in found or row["strength"] > found[key]["strength"]:
            found[key] = row
    return found


def _level(row: Mapping[str, Any], before: ActiveAlert | None, limits: AlertStateSettings) -> str:
    strength, red = float(row["strength"]), float(row["red_strength"])
    needed = limits.clear_below if before is not None else 1.0
    if not strength >= needed and not red >= 1:
        return ""
    needed_red = limits.clear_below if before is not None and before.level == "red" else 1.0
    if red >= needed_red:
        return "red"
    return "note" if row["level"] == "note" or (np.isnan(red) and before and before.level == "note") else "amber"


def _carried(before: ActiveAlert | None, key: Key, level: str, detail: str, now: pd.Timestamp) -> ActiveAlert:
    if before is None:
        return ActiveAlert(key, level, detail, now)
    worse = URGENCY[level] < URGENCY[before.level]
    return replace(before, level=level, detail=detail, acknowledged=before.acknowledged and not worse)


def _due(
    alert: ActiveAlert, told: tuple[pd.Timestamp, str] | None, now: pd.Timestamp, limits: AlertStateSettings
) -> bool:
    if alert.snoozed_until is not None and now < alert.snoozed_until:
        return False
    if told is None:
        return True
    when, level = told
    if URGENCY[alert.level] < URGENCY[level]:
        return True
    late = now - when >= limits.repeat_after
    return late and not alert.acknowledged and (alert.level == "red" or alert.since > when)


def _recent(
    told: Mapping[Key, tuple[pd.Timestamp, str]],
    going: Mapping[Key, ActiveAlert],
    now: pd.Timestamp,
    limits: AlertStateSettings,
) -> dict[Key, tuple[pd.Timestamp, str]]:
    """Forget what was told so long ago that it may be told afresh."""
    return {key: said for key, said in told.items() if key in going or now - said[0] < limits.repeat_after}


def _plain(alert: ActiveAlert) -> dict[str, Any]:
    return {
        "key": list(alert.key),
        "level": alert.level,
        "detail": alert.detail,
        "since": _text(alert.since),
        "acknowledged": alert.acknowledged,
        "snoozed_until": None if alert.snoozed_until is None else _text(alert.snoozed_until),
        "cleared": None if alert.cleared is None else _text(alert.cleared),
    }


def _alert(stored: Mapping[str, Any]) -> ActiveAlert:
    level = str(stored["level"])
    if level not in URGENCY:
        raise ValueError(f"level {level!r} is none of {', '.join(URGENCY)}")
    later = {name: _time(stored[name]) for name in ("snoozed_until", "cleared") if stored[name] is not None}
    seen = bool(stored["acknowledged"])
    return ActiveAlert(
        _key(stored["key"]), level, str(stored["detail"]), _time(stored["since"]), acknowledged=seen, **later
    )


def _key(parts: Any) -> Key:
    what, symbol, venue, side = parts
    return str(what), str(symbol), str(venue), int(side)


def _text(when: pd.Timestamp) -> str:
    return when.isoformat()


def _time(text: str) -> pd.Timestamp:
    return pd.Timestamp(text)
