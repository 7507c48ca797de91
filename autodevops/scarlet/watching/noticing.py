"""What is news: looks folded into signals that begin, last and end. Pure; time is that of the looks.

- A signal counts once it has been there for its source's confirm time, in at least half of the looks since.
- One that goes leaves a penalty that decays, as a route's does (RFC 2439): until it is small the signal is still held,
  and each return adds to it. What comes and goes is one signal, which ends when it has been quiet for a while.
- What a look could not see, or what is muted, has not ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from autodevops.domain.signal import Look, Signal, SignalSource

CONFIRM: Final[Mapping[SignalSource, timedelta]] = {
    "metric": timedelta(seconds=30),
    "log": timedelta(seconds=60),
    "trace": timedelta(seconds=60),
}
"""Alerts have their own `for`, objects and burn rates wait in their rules: they count at once."""
HALF_LIFE: Final = timedelta(minutes=5)
REUSE: Final = 0.75  # a single absence is over after 0.4 half-lives: two minutes
MOST: Final = 6.0  # three half-lives: whatever it did before, a quarter of an hour of quiet ends it


@dataclass(frozen=True)
class News:
    fresh: tuple[Signal, ...] = ()
    active: tuple[Signal, ...] = ()  # fresh ones included
    ended: tuple[Signal, ...] = ()


@dataclass(frozen=True)
class _Held:
    signal: Signal
    first: datetime
    last: datetime  # that it was there, or may have been
    looks: int = 0
    sightings: int = 0
    penalty: float = 0.0  # as of `last`
    there: bool = True
    told: bool = False

    def penalty_at(self, now: datetime) -> float:
        return float(self.penalty * 0.5 ** ((now - self.last) / HALF_LIFE))


class Noticing:
    """`known`: signals that were active when an earlier process ended; they are not news again."""

    def __init__(self, known: Iterable[Signal] = (), at: datetime | None = None) -> None:
        self._held = {one.key: _Held(one, one.since, at or one.since, looks=1, sightings=1, told=True) for one in known}

    def notice(self, look: Look) -> News:
        seen = {signal.key: signal for signal in look.signals}
        muted = {signal.key: signal for signal in look.muted}
        hidden = tuple(beginning for blind in look.blind for beginning in blind.hides)
        fresh: list[Signal] = []
        ended: list[Signal] = []
        for key in sorted({*seen, *self._held}):
            held = self._held.get(key)
            if (signal := seen.get(key)) is not None:
                held = _there(held, signal, look.at)
                if not held.told and _counts(held, look.at):
                    held = replace(held, told=True)
                    fresh.append(held.signal)
            elif held is not None and key in muted:
                held = replace(held, last=look.at, penalty=held.penalty_at(look.at))
            elif held is not None and not key.startswith(hidden):
                held = _gone(held, look.at)
                if held.penalty < REUSE:
                    del self._held[key]
                    if held.told:
                        ended.append(held.signal)
                    continue
            if held is not None:
                self._held[key] = held
        active = [held.signal for _, held in sorted(self._held.items()) if held.told]
        return News(tuple(fresh), tuple(active), tuple(ended))


def _counts(held: _Held, now: datetime) -> bool:
    lasted = now - held.first >= CONFIRM.get(held.signal.source, timedelta(0))
    return lasted and 2 * held.sightings >= held.looks


def _there(held: _Held | None, signal: Signal, now: datetime) -> _Held:
    if held is None:
        return _Held(signal, now, now, looks=1, sightings=1)
    since = min(held.signal.since, signal.since)
    return replace(
        held,
        signal=signal if since == signal.since else signal.model_copy(update={"since": since}),
        last=now,
        looks=held.looks + 1,
        sightings=held.sightings + 1,
        penalty=held.penalty_at(now),
        there=True,
    )


def _gone(held: _Held, now: datetime) -> _Held:
    penalty = min(held.penalty_at(now) + (1.0 if held.there else 0.0), MOST)
    return replace(held, last=now, looks=held.looks + 1, penalty=penalty, there=False)
