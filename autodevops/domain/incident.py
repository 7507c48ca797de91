"""What we respond to: what is hurt, how it was noticed, how it ended, and what was judged of it.

People and Scarlet keep it; a postmortem is made from it. It is the record of a response, not a ticket: who works on it
and in which order is no business of ours.
"""

from __future__ import annotations

from typing import Final, Literal

from autodevops.domain.base import Noun, UtcDatetime
from autodevops.domain.investigation import Investigation
from autodevops.domain.signal import IncidentSeverity, Signal
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow

Phase = Literal["analyzing", "awaiting", "acting", "verifying", "escalated", "closed"]
"""Where Scarlet is with it: finding the cause, waiting for people's yes, changing something, looking whether it helped,
left to people, over."""


BESIDE: Final = "beside Kubernetes"


class Detection(Noun):
    """How it came to be known. `by`: `alert: HighErrorRate ...`, `investigation`, `person`."""

    at: UtcDatetime
    by: str

    @property
    def by_alert(self) -> bool:
        return self.by.startswith("alert")


class Resolution(Noun):
    at: UtcDatetime
    words: str


class IncidentNote(Noun):
    """A line that somebody added. `by` is for the record; a postmortem does not print it."""

    at: UtcDatetime
    by: str
    text: str


class Cause(Noun):
    """What an incident is put down to; one incident has one. `confidence` is the engine's, calibrated."""

    reason: str
    subject: Subject
    confidence: float


class Incident(Noun):
    """`timeline` has what people noted; what machines did and saw is elsewhere in the ledger and in the investigation.

    `investigation` is kept without answers and charts: its queries give them again.
    """

    id: str  # sorts by time
    title: str
    namespace: str  # empty: it is of what runs beside Kubernetes
    window: TimeWindow  # that was investigated
    severity: IncidentSeverity
    opened_at: UtcDatetime
    impact: str = ""  # in words; figures are measured anew
    trigger: str = ""  # what set it off, as far as is known
    detection: Detection
    resolution: Resolution | None = None
    timeline: tuple[IncidentNote, ...] = ()
    investigation: Investigation | None = None
    run: str = ""  # whose bundle has the investigation and its evidence
    cause: Cause | None = None  # None: not known
    signals: tuple[Signal, ...] = ()  # that belong to it, in the order they joined
    phase: Phase | None = None  # None: Scarlet has nothing to do with it
    operations: tuple[str, ...] = ()  # of the executor, proposed for it
    bundles: tuple[str, ...] = ()  # ids of runs that document it: a diagnosis for people, the record at its end

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return f"namespace {self.namespace}" if self.namespace else BESIDE

    @property
    def state(self) -> Literal["open", "resolved"]:
        return "resolved" if self.resolution else "open"


def bare(investigation: Investigation) -> Investigation:
    """Without what its queries give again: answers and charts."""
    evidence = tuple(item.model_copy(update={"data": None}) for item in investigation.evidence)
    return investigation.model_copy(update={"evidence": evidence, "charts": ()})


def incident_of(
    investigation: Investigation,
    *,
    incident_id: str,
    now: UtcDatetime,
    severity: IncidentSeverity,
    title: str,
    run: str,
) -> Incident:
    """An incident as its investigation tells it; detected by the earliest alert, else by the investigation itself."""
    alerts = sorted((entry for entry in investigation.timeline if entry.kind == "alert"), key=lambda entry: entry.at)
    first = investigation.hypotheses[0] if investigation.hypotheses else None
    suspect = first.suspects[0] if first and first.suspects else None
    return Incident(
        id=incident_id,
        title=title or (first.summary if first else investigation.summary),
        namespace=investigation.namespace,
        window=investigation.window,
        severity=severity,
        opened_at=now,
        trigger=f"{suspect.title} ({suspect.kind} of {suspect.subject})" if suspect else "",
        detection=Detection(at=alerts[0].at, by=f"alert: {alerts[0].text}")
        if alerts
        else Detection(at=now, by="investigation"),
        investigation=bare(investigation),
        run=run,
    )
