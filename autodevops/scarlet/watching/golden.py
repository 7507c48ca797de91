"""Which workloads fail more, answer slower or are asked no more, each by its own last two hours.

The sieve (`analysis.scan`) goes over all series at once; what stands out must be of a size that somebody feels and go
the wrong way, must not be what the series does now and then (`analysis.anomalies`), nor what it did a day or a week ago
at this hour. What was once found lasts until it is half way back, for its own past is spoilt by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from autodevops.analysis.anomalies import LEAST_LEARNING, watch
from autodevops.analysis.samples import Direction
from autodevops.analysis.scan import Scan, scan
from autodevops.domain.signal import IncidentSeverity
from autodevops.domain.subject import Subject
from autodevops.scarlet.watching.requests import RATE_WINDOW, Asked, Requests
from autodevops.scarlet.watching.sample_table import STEP, moment
from autodevops.scarlet.watching.sight import Seen

Floats = npt.NDArray[np.float64]

ORIGIN: Final = "metric"
BASELINE: Final = 180  # samples of the past, an hour and a half; the half hour after it is judged
_LATEST: Final = 6  # samples that tell the level of now: three minutes
_FIVE_MINUTES: Final = 300 // STEP
_LONGEST: Final = timedelta(hours=6)  # then it is how things are
_SEASONS: Final = (timedelta(days=1), timedelta(days=2), timedelta(days=7))
_AROUND: Final = timedelta(minutes=20)  # what happens each night does not happen to the minute
_REMEMBERED: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Measure:
    """One golden signal: what it is called, which way is wrong, how far is felt, how little traffic says nothing.

    The level must be `times` the one before (a fraction for a fall) and off it by `floor`; `least` is requests, or
    failures, within five minutes.
    """

    name: str
    wrong: Direction
    floor: float
    times: float
    least: float


ERRORS: Final = Measure("ErrorRateUp", "up", 0.01, 2.0, 5.0)
LATENCY: Final = Measure("LatencyUp", "up", 0.02, 1.5, 20.0)
TRAFFIC: Final = Measure("TrafficGone", "down", 0.0, 0.3, 30.0)


@dataclass(frozen=True)
class _Standing:
    """The level before, the one that was found, and that of now: it lasts while that is beyond half way."""

    before: float
    level: float
    last: float
    onset: datetime
    found: datetime


class Golden:
    """Remembers what it found, and what is usual at this hour."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._standing: dict[tuple[str, Subject], _Standing] = {}
        self._usual: dict[tuple[str, Subject], datetime] = {}

    async def look(self, now: datetime) -> tuple[Seen, ...]:
        """Over requests that were just refreshed. Raises ToolError when what is usual cannot be asked."""
        found: list[Seen] = []
        for asked in self._requests.asked:
            for measure, values, amount in _measures(asked):
                for row, off in self._off(asked, measure, values, amount, now):
                    subject = asked.subjects[row]
                    if subject is None:
                        continue
                    key = (measure.name, subject)
                    if key not in self._standing and await self._is_usual(asked, measure, row, off, now):
                        continue
                    self._standing[key] = off
                    found.append(_seen(asked, measure, row, subject, off))
        there = {(one.name, one.subject) for one in found}
        self._standing = {key: off for key, off in self._standing.items() if key in there}
        return tuple(found)

    def _off(
        self, asked: Asked, measure: Measure, values: Floats, amount: Floats, now: datetime
    ) -> Iterator[tuple[int, _Standing]]:
        """The rows that are off now: newly by the sieve, or still."""
        if not len(values):
            return
        told = scan(values, baseline=BASELINE, floor=measure.floor)
        latest = _medians(values[:, -_LATEST:])
        new = set(np.flatnonzero(_stands_out(told, measure, values, amount)).tolist())
        rows = {subject: row for row, subject in enumerate(asked.subjects) if subject is not None}
        for (name, subject), standing in list(self._standing.items()):
            row = rows.get(subject)
            if name == measure.name and row is not None and now - standing.found < _LONGEST:
                half_way = (standing.before + standing.level) / 2
                last = float(latest[row])
                if np.isnan(last) or (last > half_way if measure.wrong == "up" else last < half_way):
                    new.discard(row)
                    yield row, replace(standing, last=standing.last if np.isnan(last) else last)
        times = asked.table.times()
        for row in sorted(new):
            if asked.subjects[row] is not None and _is_alarm(times, values[row], told.onset[row], measure):
                level, onset = float(told.level[row]), moment(times[told.onset[row]])
                yield row, _Standing(float(told.before[row]), level, level, onset, now)

    async def _is_usual(self, asked: Asked, measure: Measure, row: int, off: _Standing, now: datetime) -> bool:
        """Whether it was as far off at this hour a day, two days or a week ago."""
        subject = asked.subjects[row]
        assert subject is not None
        key = (measure.name, subject)
        if key in self._usual and now - self._usual[key] < _REMEMBERED:
            return True
        query = _expression(asked, measure, asked.only([row]))
        half_way = (off.before + off.level) / 2
        for back in _SEASONS:
            middle = now - back
            answer = await self._requests.window(query, middle - _AROUND, middle + _AROUND, 2 * STEP)
            levels = [value for line in answer.series for _, value in line.samples if value is not None]
            far = [value for value in levels if (value > half_way) == (measure.wrong == "up")]
            if len(far) * 4 >= len(levels) > 0:  # a quarter of the time around it
                self._usual[key] = now
                return True
        return False


def _measures(asked: Asked) -> Iterator[tuple[Measure, Floats, Floats]]:
    """Values, and of each row how many requests, or failures, the last five minutes had."""
    rate = asked.table.of("asked").astype(np.float64)
    recent = np.nansum(rate[:, -_FIVE_MINUTES:], axis=1) * STEP
    with np.errstate(invalid="ignore", divide="ignore"):
        if asked.failure:
            failed = asked.table.of("failed").astype(np.float64)
            failed = np.where(np.isnan(failed) & np.isfinite(rate), 0.0, failed)
            ratio = np.where(rate > 0, failed / rate, np.nan)
            yield ERRORS, ratio, np.nansum(failed[:, -_FIVE_MINUTES:], axis=1) * STEP
        if asked.timed:
            took = asked.table.of("took").astype(np.float64)
            yield LATENCY, np.where(rate > 0, took / rate, np.nan), recent
        yield TRAFFIC, rate, _medians(rate[:, :BASELINE]) * 300


def _medians(values: Floats) -> Floats:
    """Of each row's finite samples, the lower of two; NaN of none."""
    count = np.isfinite(values).sum(axis=1)
    middle = np.take_along_axis(np.sort(values, axis=1), np.maximum(count - 1, 0)[:, None] // 2, axis=1)[:, 0]
    return np.where(count > 0, middle, np.nan)


def _stands_out(told: Scan, measure: Measure, values: Floats, amount: Floats) -> npt.NDArray[np.bool_]:
    """What the sieve kept that is felt. A series without a sample of now says nothing of now."""
    known = np.isfinite(values[:, -_LATEST:]).sum(axis=1) >= 2
    if measure.wrong == "up":
        far = (told.level >= told.before * measure.times) & (told.level - told.before >= measure.floor)
    else:
        far = told.level <= told.before * measure.times
    return np.asarray(told.active & known & far & (np.nan_to_num(amount) >= measure.least))


def _is_alarm(times: Floats, values: Floats, onset: int, measure: Measure) -> bool:
    """Whether it goes beyond what this series does now and then: a batch each quarter of an hour is no news."""
    judged = watch(times, values, learn=LEAST_LEARNING, floor=measure.floor)
    since = times[max(0, onset - 2)]
    return any(alarm.time >= since and alarm.direction == measure.wrong for alarm in judged.alarms)


def _expression(asked: Asked, measure: Measure, only: str) -> str:
    rate = asked.query("asked", RATE_WINDOW, only)
    if measure is TRAFFIC:
        return rate
    return f"{asked.query('failed' if measure is ERRORS else 'took', RATE_WINDOW, only)} / {rate}"


def _seen(asked: Asked, measure: Measure, row: int, subject: Subject, off: _Standing) -> Seen:
    severity: IncidentSeverity = "minor"
    if measure is ERRORS:
        severity = "critical" if off.last >= 0.2 else "major" if off.last >= 0.05 else "minor"
        words = f"{subject.name} fails {off.last:.1%} of its requests; before it was {off.before:.1%}."
    elif measure is LATENCY:
        severity = "major" if off.last >= 3 * off.before else "minor"
        words = f"{subject.name} takes {off.last * 1000:.0f} ms on average; before it was {off.before * 1000:.0f} ms."
    else:
        severity = "major" if off.last <= 0.05 * off.before else "minor"
        words = f"{subject.name} is asked {off.last:.2f} times a second; before it was {off.before:.2f}."
    return Seen(
        origin=ORIGIN,
        name=measure.name,
        subject=subject,
        namespace=subject.namespace,
        severity=severity,
        words=words,
        since=off.onset,
        query=_expression(asked, measure, asked.only([row])),
        better="lower" if measure.wrong == "up" else "higher",
        beside=not subject.namespace,
    )
