"""Signals into incidents: what belongs to an open one joins it, the rest is investigated, a cause opens one.

What an investigation cannot confirm opens nothing at first. It is looked at again while it lasts, less and less often;
an alert, which people asked for, that lasts and stays unexplained is an incident whose cause is not known.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.incident import Incident
from autodevops.domain.investigation import Investigation
from autodevops.domain.signal import Signal
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.scarlet.response import cases
from autodevops.scarlet.response.causes import belongs, causes_of, joins, same
from autodevops.scarlet.response.hands import BESIDE, Place
from autodevops.scarlet.response.machine import Means

log = logging.getLogger(__name__)

_LONGEST_PAUSE = timedelta(minutes=30)
_TOGETHER = timedelta(minutes=15)
_ONE_STORY = timedelta(minutes=90)  # a window that begins no earlier is looked at along with what is new
LINGERING: frozenset[str] = frozenset({"slo", "prediction"})
"""Sources that look back, or ahead, for hours: they say little of now."""
_LINGERS = timedelta(hours=6)
_UNEXPLAINED: frozenset[str] = frozenset({"alert", "object", "slo", "person"})  # trouble even without a cause


@dataclass
class _Doubt:
    """A signal that no investigation confirmed yet."""

    looks: int
    again: datetime


class Sorter:
    def __init__(self, means: Means) -> None:
        self._means = means
        self._cases = cases.Casebook(means.ledger)
        self._first_seen: dict[str, datetime] = {}
        self._doubts: dict[str, _Doubt] = {}
        self._joined: set[str] = set()
        self._open: dict[str, Incident] = {}
        self._closed: list[Incident] = []

    def joined_lately(self, incident_id: str) -> bool:
        """Whether signals joined in the last `sort`."""
        return incident_id in self._joined

    def going_on(self, now: datetime) -> list[Incident]:
        """The incidents that are open."""
        self._read(now)
        return list(self._open.values())

    async def sort(self, active: Sequence[Signal], now: datetime) -> list[Incident]:
        """Returns the incidents that are open then."""
        self._read(now)
        keys = {signal.key for signal in active}
        self._joined.clear()
        self._first_seen = {key: at for key, at in self._first_seen.items() if key in keys}
        self._doubts = {key: doubt for key, doubt in self._doubts.items() if key in keys}
        for signal in active:
            self._first_seen.setdefault(signal.key, now)
        left = self._join(active, now)
        outside, left = [one for one in left if one.beside], [one for one in left if not one.beside]
        await self._look_at(BESIDE, outside, now)
        places: list[Place] = [*sorted({signal.namespace for signal in left if signal.namespace})] or [None]
        for place in places:
            taken = await self._look_at(place, [one for one in left if one.namespace in ("", place)], now)
            left = [signal for signal in left if signal.key not in taken]
        return list(self._open.values())

    async def _look_at(self, place: Place, group: Sequence[Signal], now: datetime) -> set[str]:
        return await self._explain(place, group, now) if self._is_ripe(group, now) else set()

    def _read(self, now: datetime) -> None:
        going_on, self._closed = self._cases.read(now - _LINGERS)
        self._open = {incident.id: incident for incident in going_on}

    def _join(self, active: Sequence[Signal], now: datetime) -> list[Signal]:
        """Those that belong to no incident, be it open or closed so lately that they may only be slow to end."""
        left: list[Signal] = []
        new: dict[str, list[Signal]] = {}
        for signal in active:
            incident = next((one for one in self._open.values() if joins(signal, one)), None)
            if incident is None:
                if not any(self._is_left_of(signal, one, now) for one in self._closed):
                    left.append(signal)
            elif _is_news(signal, incident):
                new.setdefault(incident.id, []).append(signal)
        for name, signals in new.items():
            self._add(name, signals, now)
        return left

    def _add(self, name: str, signals: Sequence[Signal], now: datetime) -> None:
        self._open[name] = cases.join(self._means.ledger, name, signals, now)
        self._joined.add(name)

    def _is_left_of(self, signal: Signal, incident: Incident, now: datetime) -> bool:
        """Whether a signal is what an incident that is over leaves for a while."""
        over = incident.resolution
        if over is None or signal.since >= over.at or not any(signal.key == known.key for known in incident.signals):
            return False
        return signal.source in LINGERING or now - over.at < timedelta(minutes=self._means.settings.recovery_minutes)

    def _is_ripe(self, group: Sequence[Signal], now: datetime) -> bool:
        """Whether one of them has waited long enough for its like, and is due for a look."""
        wait = timedelta(seconds=self._means.settings.group_seconds)
        return any(
            signal.source != "prediction"  # nothing is wrong yet
            and now - self._first_seen[signal.key] >= wait
            and (signal.key not in self._doubts or now >= self._doubts[signal.key].again)
            for signal in group
        )

    async def _explain(self, place: Place, group: Sequence[Signal], now: datetime) -> set[str]:
        """Keys of those that are of an incident now."""
        begun = now - _ONE_STORY
        along = [one for one in self._open.values() if one.namespace == place and one.window.start >= begun]
        known = [signal for incident in along for signal in incident.signals]
        try:
            found = await self._means.hands.investigate(place, cases.window_of([*group, *known], now))
        except AutoDevOpsError as error:
            where = "the cluster" if place is None else place or "what runs beside Kubernetes"
            log.warning("What was noticed in %s could not be investigated: %s", where, error)
            self._doubt(group, now)
            return set()
        self._read(now)  # machines went on meanwhile
        causes = causes_of(found)
        left = list(group)
        known = [signal for incident in self._open.values() for signal in incident.signals]
        others = _of_no_cause(group, causes, known)  # they are put down to the likeliest
        for index, cause in enumerate(causes):
            own = [signal for signal in left if belongs(signal, cause) or (index == 0 and signal in others)]
            if own:
                self._put_down(own, found, cause, now)
                left = [signal for signal in left if signal not in own]
        self._doubt(left, now)
        lasting = [signal for signal in left if self._lasts(signal)] if found.verdict != "healthy" else []
        if lasting:
            self._begin(lasting, found, None, now)
        return {signal.key for signal in group if signal not in left or signal in lasting}

    def _put_down(self, signals: Sequence[Signal], found: Investigation, cause: Hypothesis, now: datetime) -> None:
        """To the open incident of this cause, or to a new one. Where people have it, what was found just now is what is
        told: nobody has to look again."""
        for incident in self._open.values():
            if incident.cause is not None and same(incident.cause.subject, cause.subject):
                self._add(incident.id, signals, now)
                if incident.phase == "escalated" and found.window.start <= incident.window.start:
                    cases.put_down_to(self._means.ledger, incident.id, found, cause, now)
                return
        self._begin(signals, found, cause, now)

    def _begin(self, signals: Sequence[Signal], found: Investigation, cause: Hypothesis | None, now: datetime) -> None:
        incident = cases.open_case(self._means.ledger, signals, found, cause, now)
        self._open[incident.id] = incident

    def _doubt(self, signals: Sequence[Signal], now: datetime) -> None:
        pause = timedelta(seconds=self._means.every_seconds)
        for signal in signals:
            looks = self._doubts[signal.key].looks + 1 if signal.key in self._doubts else 1
            self._doubts[signal.key] = _Doubt(looks, now + min(pause * 2 ** (looks - 1), _LONGEST_PAUSE))

    def _lasts(self, signal: Signal) -> bool:
        return signal.source in _UNEXPLAINED and self._doubts[signal.key].looks >= self._means.settings.looks


def _is_news(signal: Signal, incident: Incident) -> bool:
    """Whether it is not known there, or began anew after the newest investigation."""
    looked = incident.window.end
    return all(known.since <= looked < signal.since for known in incident.signals if known.key == signal.key)


def _of_no_cause(group: Sequence[Signal], causes: Sequence[Hypothesis], known: Sequence[Signal]) -> list[Signal]:
    """About nothing in particular, or about something that no cause speaks of although it began with them. `known`:
    signals of incidents that are open."""
    of_causes = [one.since for one in (*group, *known) if any(belongs(one, cause) for cause in causes)]
    begun = min(of_causes, default=None)
    return [
        signal
        for signal in group
        if not any(belongs(signal, cause) for cause in causes)
        and signal.source != "prediction"  # it may last for hours after the rest is over
        and (signal.subject is None or begun is None or abs(signal.since - begun) <= _TOGETHER)
    ]
