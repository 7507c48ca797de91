"""Something that Scarlet noticed and that may be trouble: an alert, an object's state, a series off its baseline.

A signal is no judgement. What causes it, and whether it matters, is for an investigation; several signals are one
incident when they have one cause.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from autodevops.domain.base import Noun, UtcDatetime
from autodevops.domain.reasons import Reason, told_as
from autodevops.domain.subject import Subject

IncidentSeverity = Literal["critical", "major", "minor"]
SEVERITIES: tuple[IncidentSeverity, ...] = get_args(IncidentSeverity)  # the worst first
Better = Literal["lower", "higher", ""]
SignalSource = Literal["alert", "object", "metric", "log", "trace", "slo", "prediction", "person"]


class Signal(Noun):
    """`key` is the same each time the same thing is seen. `name`: the alert's, or a CamelCase reason."""

    key: str
    source: SignalSource
    name: str
    namespace: str  # empty: of the cluster, or of what runs beside it
    subject: Subject | None = None
    severity: IncidentSeverity
    words: str  # one sentence, with the figure that speaks
    since: UtcDatetime
    query: str = ""  # that shows it
    better: Better = ""  # where its one number goes when it gets better; empty: it has none that follows within minutes
    labels: dict[str, str] = {}
    beside: bool = False  # Kubernetes: of what Prometheus scrapes that is in no cluster


class Blind(Noun):
    """What could not be seen, and why: silence from there means nothing."""

    system: str  # prometheus, alertmanager, kubernetes, loki, tempo
    words: str
    hides: tuple[str, ...] = ()  # beginnings of the keys of signals that cannot be seen therefore


def merged(blind: Iterable[Blind]) -> tuple[Blind, ...]:
    """Those with one reason, as one."""
    every = list(blind)
    told = told_as((one.system, one.words) for one in every)
    hides: dict[Reason, set[str]] = {}
    for one in every:
        hides.setdefault(told[one.system, one.words], set()).update(one.hides)
    return tuple(Blind(system=key[0], words=key[1], hides=tuple(sorted(some))) for key, some in sorted(hides.items()))


class Look(Noun):
    """All that was the case at one moment."""

    at: UtcDatetime
    signals: tuple[Signal, ...] = ()
    muted: tuple[Signal, ...] = ()  # there too, but silenced or under maintenance
    blind: tuple[Blind, ...] = ()
