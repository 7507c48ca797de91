"""What a rule is, and what all rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding, Severity
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture

Role: TypeAlias = Literal["symptom", "state", "locator", "change", "alert"]
"""What a finding is to a diagnosis.

symptom: users or callers notice it. state: Kubernetes itself says that something is wrong. locator: tells which
workload it comes from. change: what was altered before. alert: somebody's rule fired.
"""

Check: TypeAlias = Callable[[Picture, tuple[Finding, ...]], Iterable[Finding]]


@dataclass(frozen=True)
class Rule:
    """One judgement. `check` gets the picture and the findings of earlier stages, and yields findings.

    `specificity` (0 to 1) says how much a reason explains by itself: that errors increased, little; that the image
    does not exist, nearly all. `names_cause` keeps the reason as the hypothesis' own even where a rollout precedes
    it, because it tells a person more than "the rollout is bad". `general` marks states that say that something fails
    and not why: any other state of the same subject is told before them. `shows_elsewhere` marks causes whose
    harm begins in others, as where callers cannot arrive: that errors start in those does not speak for their guilt.
    `loads_callees` marks causes whose harm travels along the calls, to whom the subject calls: too many requests.
    `may_follow` marks states that such a load, or the node below, can bring about although they name a cause.

    A finding of severity `info` is context or history: nothing is wrong now because of it.
    """

    id: str
    reason: str
    role: Role
    check: Check
    specificity: float
    stage: int = 1
    names_cause: bool = False
    general: bool = False
    shows_elsewhere: bool = False
    loads_callees: bool = False
    may_follow: bool = False
    documentation: str = ""

    def finding(
        self,
        subject: Subject,
        message: str,
        *,
        severity: Severity,
        confidence: float,
        evidence: Iterable[EvidenceId],
        onset: datetime | None = None,
        ended: datetime | None = None,
        due: datetime | None = None,
    ) -> Finding:
        return Finding(
            rule_id=self.id,
            reason=self.reason,
            subject=subject,
            severity=severity,
            message=message,
            confidence=round(min(1.0, max(0.0, confidence)), 3),
            evidence=tuple(dict.fromkeys(evidence)),
            onset=onset,
            ended=ended,
            due=due,
        )


def clock(moment: datetime) -> str:
    return f"{moment:%H:%M} UTC"


def percent(ratio: float) -> str:
    value = ratio * 100
    return (
        f"{value:.0f} %"
        if value >= 10
        else f"{value:.1f} %"
        if value >= 0.1
        else "0 %"
        if value <= 0
        else f"{value:.2g} %"
    )


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"
