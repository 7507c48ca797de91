"""What the rules over databases, caches and queues share: a store's readings, its level now and before, who is hurt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import numpy as np

from autodevops.analysis.changepoints import Episode, find_episodes
from autodevops.analysis.samples import Direction, FloatArray, clean, running_median
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.dependency_families import Measure
from autodevops.investigation.picture import Picture, Reading
from autodevops.investigation.rules.routes import is_hurt

_LATELY: Final = timedelta(minutes=5)
_STALE: Final = timedelta(minutes=10)
FULL_BYTES: Final = 2**30
_RATES: Final = {
    "statement_seconds", "deadlocks", "transactions", "evictions", "hits", "misses", "published",
    "delivered", "slow_statements", "writes_refused", "call_seconds", "calls", "calls_failed", "connections_refused",
}  # fmt: skip

_Key: TypeAlias = tuple[Measure, tuple[tuple[str, str], ...]]
_Group: TypeAlias = dict[_Key, Reading]


@dataclass(frozen=True)
class Store:
    """One instance of a database, cache or broker. `readings` are by measure; several where it has labels."""

    subject: Subject
    system: str
    about: str
    readings: Mapping[Measure, tuple[Reading, ...]]

    def of(self, measure: Measure) -> Reading | None:
        found = self.readings.get(measure, ())
        return found[0] if len(found) == 1 else None

    def evidence(self, *measures: Measure) -> tuple[EvidenceId, ...]:
        return tuple(dict.fromkeys(r.evidence for measure in measures for r in self.readings.get(measure, ())))


def stores(picture: Picture, *systems: str) -> Iterator[Store]:
    """The instances that exporters watch. One that took another's place (a new pod) continues its readings."""
    return (store for store in picture.once(_stores) if not systems or store.system in systems)


def _stores(picture: Picture) -> list[Store]:
    groups: dict[tuple[Subject, str, str], _Group] = {}
    for reading in picture.readings:
        group = groups.setdefault((reading.subject, reading.system, reading.about), {})
        group[reading.measure, tuple(sorted(reading.labels.items()))] = reading
    kept: dict[tuple[Subject, str, str], _Group] = {}
    for key, group in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1], _start(item[1]))):
        before = next((k for k, other in kept.items() if k[:2] == key[:2] and _end(other) < _start(group) + 300), None)
        if before is None:
            kept[key] = group
        else:
            old = kept.pop(before)
            kept[key] = {**old, **{name: _continued(old.get(name), reading) for name, reading in group.items()}}
    made_of: list[Store] = []
    for (subject, system, about), group in kept.items():
        found: dict[Measure, tuple[Reading, ...]] = {}
        for (measure, _), reading in sorted(group.items()):
            found[measure] = (*found.get(measure, ()), reading)
        made_of.append(Store(subject, system, about, found))
    return made_of


def _start(group: _Group) -> float:
    return float(min((r.times[0] for r in group.values() if len(r.times)), default=0.0))


def _end(group: _Group) -> float:
    return float(max((r.times[-1] for r in group.values() if len(r.times)), default=0.0))


def _continued(old: Reading | None, new: Reading) -> Reading:
    if old is None:
        return new
    keep = old.times < new.times[0]
    return made(new, np.concatenate([old.times[keep], new.times]), np.concatenate([old.values[keep], new.values]))


def made(like: Reading, times: FloatArray, values: FloatArray) -> Reading:
    return Reading(like.subject, like.system, like.about, like.measure, times, values, like.labels, like.evidence)


def ratio(part: Reading | None, whole: Reading | None) -> Reading | None:
    """`part` as a share of `whole`, where both have a sample."""
    if part is None or whole is None:
        return None
    times, left, right = np.intersect1d(part.times, whole.times, return_indices=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(whole.values[right] > 0, part.values[left] / whole.values[right], np.nan)
    return made(part, times, values)


def total(readings: tuple[Reading, ...]) -> Reading | None:
    """The sum of several readings, a gap counting as nothing."""
    if not readings:
        return None
    times = np.unique(np.concatenate([r.times for r in readings]))
    values = np.zeros(len(times))
    for reading in readings:
        values[np.searchsorted(times, reading.times)] += np.nan_to_num(reading.values)
    return made(readings[0], times, values)


def now(reading: Reading | None, picture: Picture) -> float | None:
    """The median of the last minutes; None where it has ended, or there is none."""
    if reading is None:
        return None
    times, values = clean(reading.times, reading.values)
    end = picture.span.window.end.timestamp()
    if not len(times) or times[-1] < end - _STALE.total_seconds():
        return None
    return float(np.median(values[times >= times[-1] - _LATELY.total_seconds()]))


def latest(reading: Reading | None, picture: Picture) -> float | None:
    """The median of the last three samples: how it stands at the end, where it may still be growing."""
    if reading is None or now(reading, picture) is None:
        return None
    _, values = clean(reading.times, reading.values)
    return float(np.median(values[-3:]))


def before(reading: Reading | None, moment: float) -> float | None:
    """The median of what lies before; None where that is too little to tell."""
    if reading is None:
        return None
    times, values = clean(reading.times, reading.values)
    old = values[times < moment]
    return float(np.median(old)) if len(old) >= 3 else None


def at_first(reading: Reading | None) -> float | None:
    """The first sample: what a series that begins with the trouble itself still shows of the time before."""
    if reading is None:
        return None
    _, values = clean(reading.times, reading.values)
    return float(values[0]) if len(values) else None


def since_beyond(reading: Reading | None, bound: float, *, below: bool = False) -> float | None:
    """Since when it has stood beyond `bound` without a break; None where it does not now."""
    if reading is None:
        return None
    times, values = clean(reading.times, reading.values)
    smooth = running_median(values, 3)
    if not len(smooth):
        return None
    beyond = smooth < bound if below else smooth > bound
    if not beyond[-1]:
        return None
    inside = np.flatnonzero(~beyond)
    return float(times[inside[-1] + 1]) if len(inside) else float(times[0])


def change(
    reading: Reading | None,
    picture: Picture,
    limit: Callable[[float], float],
    *,
    floor: float = 0.0,
    direction: Direction = "up",
) -> Episode | None:
    """The stretch beyond `limit(baseline)` that lasts until now."""
    if reading is None:
        return None
    found = find_episodes(
        reading.times,
        reading.values,
        baseline_until=picture.span.window.start.timestamp(),
        limit=limit,
        direction=direction,
        correlation=picture.span.correlation if reading.measure in _RATES else 1,
        floor=floor,
    )
    return next((episode for episode in found if episode.active), None)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def lasts(since: float, picture: Picture, minutes: float) -> bool:
    return picture.span.window.end.timestamp() - since >= minutes * 60


def hurt_callers(subject: Subject, picture: Picture, earlier: tuple[Finding, ...]) -> list[Subject]:
    """Whoever depends on it and has something wrong that users notice."""
    others = {f.subject for f in earlier if f.severity != "info" and f.subject != subject}
    hurt = (other for other in others if is_hurt(other, earlier) and picture.graph.reaches(other, subject))
    return sorted(hurt, key=str)


def alerted(subject: Subject, earlier: tuple[Finding, ...]) -> bool:
    """Whether somebody's rule about it fires."""
    return any(f.subject == subject and f.reason == "AlertFiring" and f.severity != "info" for f in earlier)


def amount(value: float) -> str:
    """Bytes in words."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
