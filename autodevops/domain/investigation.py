"""The result of one investigation: all that was asked, seen, judged and concluded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from autodevops.domain.base import Noun, UtcDatetime
from autodevops.domain.change import Change
from autodevops.domain.chart import Chart
from autodevops.domain.evidence import Evidence, EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.reasons import Reason, told_as
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow

Verdict = Literal["explained", "healthy", "undetermined"]


class MissingEvidence(Noun):
    """Something that was asked for and could not be had; the conclusion stands without it."""

    tool: str
    query: str
    error: str
    evidence: EvidenceId


class TimelineEntry(Noun):
    at: UtcDatetime
    kind: Literal["change", "onset", "alert", "event"]
    subject: Subject
    text: str
    evidence: tuple[EvidenceId, ...]


def by_reason(missing: Iterable[MissingEvidence]) -> tuple[tuple[MissingEvidence, ...], ...]:
    """What could not be had, one group for each reason a system gave; the first of a group has its words."""
    of = {gap: (gap.tool.partition(".")[0], gap.error) for gap in missing}
    told = told_as(of.values())
    groups: dict[Reason, list[MissingEvidence]] = {reason: [] for reason in told.values()}
    for gap, reason in of.items():
        groups[told[reason]].append(gap)
    return tuple(tuple(sorted(gaps, key=lambda gap: of[gap] != reason)) for reason, gaps in groups.items())


class Investigation(Noun):
    """`hypotheses` are ordered, most likely first; empty when the verdict is `healthy`."""

    id: str  # follows from question, scope, window and evidence
    question: str
    namespace: str
    subject: Subject | None  # what the question named, if it named something that exists
    window: TimeWindow
    verdict: Verdict
    summary: str  # one sentence
    hypotheses: tuple[Hypothesis, ...]
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    timeline: tuple[TimelineEntry, ...]
    charts: tuple[Chart, ...]
    evidence: tuple[Evidence, ...]
    missing: tuple[MissingEvidence, ...] = ()
    next_step: str = ""  # where no hypothesis has one: what to do so that more can be said

    def __repr_args__(self) -> Iterator[tuple[str, str]]:
        """What tells it from others: whole, evidence and charts included, it would be megabytes."""
        yield from ((name, getattr(self, name)) for name in ("id", "namespace", "verdict", "summary"))

    @property
    def silent_systems(self) -> tuple[str, ...]:
        """Those that left a query without an answer, by name."""
        return tuple(sorted({item.tool.partition(".")[0] for item in self.missing}))
