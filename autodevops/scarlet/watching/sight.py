"""What one source saw, before it is a signal: sources know their system, not each other's names for a workload.

A pod is replaced by the workload it belongs to, so that an alert about a pod and a look at its Deployment speak of one
subject, and a pod that is made anew is no new trouble.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from pydantic import TypeAdapter

from autodevops.domain.signal import SEVERITIES, Better, Blind, IncidentSeverity, Signal, SignalSource
from autodevops.domain.subject import Subject
from autodevops.scarlet.watching.beside import named, runs_beside
from autodevops.scarlet.watching.places import Places

_SOURCE: Final[TypeAdapter[SignalSource]] = TypeAdapter(SignalSource)


@dataclass(frozen=True)
class Seen:
    """`origin` is where the key begins, and what a `Blind` may hide: the source of the signal, `object/Pod`."""

    origin: str
    name: str
    subject: Subject | None
    namespace: str
    severity: IncidentSeverity
    words: str
    since: datetime
    query: str = ""
    better: Better = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    beside: bool | None = None  # Kubernetes; None: its labels tell


@dataclass(frozen=True)
class Sight:
    seen: tuple[Seen, ...] = ()
    blind: tuple[Blind, ...] = ()


class Source(Protocol):
    """One way of seeing. `look` may raise anything and take any time: the watch makes a `Blind` of that."""

    @property
    def system(self) -> str: ...

    @property
    def hides(self) -> tuple[str, ...]:
        """The beginnings of keys that cannot be seen without it."""
        ...

    async def look(self, now: datetime) -> Sight: ...


def signals(seen: Iterable[Seen], places: Places, jobs: Collection[str] = ()) -> list[Signal]:
    """One signal for each key: the gravest severity, the earliest beginning, the words of the gravest. `jobs`: those
    whose targets are scraped beside Kubernetes."""
    found: dict[str, list[Seen]] = {}
    whose: dict[str, tuple[Subject | None, bool]] = {}
    for one in seen:
        subject, beside = _whose(one, places, jobs)
        about = f"{subject.kind}/{subject.name}" if subject else ""
        key = f"{one.origin}/{one.name}/{subject.namespace if subject else one.namespace}/{about}"
        found.setdefault(key, []).append(one)
        whose[key] = subject, beside
    return [_signal(key, same, *whose[key]) for key, same in sorted(found.items())]


def _whose(one: Seen, places: Places, jobs: Collection[str]) -> tuple[Subject | None, bool]:
    """Whom it is about, and whether that runs beside Kubernetes."""
    if one.beside:
        return one.subject, True
    if one.beside is None and not one.namespace and runs_beside(one.labels, places, jobs):
        return named(one.labels) or one.subject, True
    return places.workload(one.subject) if one.subject else None, False


def _signal(key: str, same: list[Seen], subject: Subject | None, beside: bool) -> Signal:
    first = min(same, key=lambda one: (SEVERITIES.index(one.severity), one.since, one.words))
    more = len({one.words for one in same}) - 1
    return Signal(
        key=key,
        source=_SOURCE.validate_python(first.origin.partition("/")[0]),
        name=first.name,
        namespace=subject.place if subject else first.namespace,
        subject=subject,
        severity=first.severity,
        words=f"{first.words} And {more} more like it." if more else first.words,
        since=min(one.since for one in same),
        query=first.query,
        better=first.better,
        labels={**first.labels, **_labels(subject)},
        beside=beside,
    )


def _labels(subject: Subject | None) -> dict[str, str]:
    """As alerts name a subject, so that a silence of it is one of the signal."""
    if subject is None:
        return {}
    place = {"namespace": subject.namespace} if subject.namespace else {}
    return {**place, subject.kind.lower(): subject.name}
