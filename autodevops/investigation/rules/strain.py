"""What a database's own measures say that its clients feel, for where nobody sees the clients. Shared by its rules.

A level is compared with the time before the window, or, where a series begins with the window, with its first samples:
a cloud's metrics are often read for no longer than the trouble lasts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from autodevops.investigation.dependency_families import Measure
from autodevops.investigation.picture import Picture, Reading
from autodevops.investigation.rules.stores import Store, at_first, before, latest, since_beyond

_SLOW: Final[tuple[Measure, ...]] = ("read_seconds", "write_seconds", "commit_seconds")
_IDLE: Final = 1.0  # sessions at work; below it twice as many are no load
_SLOW_SECONDS: Final = 0.010  # what SSD volumes stay below (Amazon's guide to RDS: single-digit milliseconds)
_SLOWER: Final = 3.0
_LESS_WORK: Final = 0.5
_MORE_CLIENTS: Final = 1.3
_MORE_SESSIONS: Final = 3.0


@dataclass(frozen=True)
class Shift:
    """`usual` and `level` are in the measure's unit, `since` in unix seconds."""

    measure: Measure
    usual: float
    level: float
    since: float


def usual(reading: Reading | None, picture: Picture) -> float | None:
    """The level before the window, else that of the first sample."""
    old = before(reading, picture.span.window.start.timestamp())
    return old if old is not None else at_first(reading)


def has_past(reading: Reading | None, picture: Picture) -> bool:
    """Whether anything is known of the time before the window."""
    return reading is not None and bool((reading.times < picture.span.window.start.timestamp()).any())


def risen(reading: Reading | None, picture: Picture, *, times: float, least: float) -> Shift | None:
    """Whether it stands above `times` what was usual and above `least`, until now."""
    was = usual(reading, picture)
    return None if was is None else _beyond(reading, picture, was, max(times * was, least), below=False)


def fallen(reading: Reading | None, picture: Picture, *, to: float) -> Shift | None:
    """Whether it stands below the share `to` of what was usual, until now."""
    was = usual(reading, picture)
    return None if not was else _beyond(reading, picture, was, to * was, below=True)


def _beyond(reading: Reading | None, picture: Picture, was: float, bound: float, *, below: bool) -> Shift | None:
    level, since = latest(reading, picture), since_beyond(reading, bound, below=below)
    if reading is None or level is None or since is None or (level > bound if below else level < bound):
        return None
    return Shift(reading.measure, was, level, since)


def slow_disk(store: Store, picture: Picture) -> Shift | None:
    """The reads, writes or commits that take far longer than before, the slowest of them.

    Where nothing is known of before: twice what they should take at most, all the time.
    """
    found = [risen(store.of(one), picture, times=_SLOWER, least=_SLOW_SECONDS) for one in _SLOW]
    found += [standing(store.of(one), picture, 2 * _SLOW_SECONDS) for one in _SLOW]
    return max((shift for shift in found if shift is not None), key=lambda shift: shift.level, default=None)


def standing(reading: Reading | None, picture: Picture, bound: float) -> Shift | None:
    """Whether it stood above an absolute bound for as long as it is known, which is no longer than the window."""
    since = since_beyond(reading, bound) if not has_past(reading, picture) else None
    if reading is None or since is None or since > float(reading.times[0]):
        return None
    level = latest(reading, picture)
    return Shift(reading.measure, level, level, since) if level is not None else None


def does_less(store: Store, picture: Picture) -> Shift | None:
    """Whether it gets half of the usual done or less, though more clients or sessions than before want it to.

    Fewer transactions alone are an evening.
    """
    less = fallen(store.of("transactions"), picture, to=_LESS_WORK)
    clients = risen(store.of("connections"), picture, times=_MORE_CLIENTS, least=_IDLE)
    return less if less is not None and (clients is not None or busier(store, picture) is not None) else None


def busier(store: Store, picture: Picture) -> Shift | None:
    """Whether far more sessions are at work than before."""
    return risen(store.of("sessions"), picture, times=_MORE_SESSIONS, least=2 * _IDLE)
