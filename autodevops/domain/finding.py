"""The judgement of one rule over evidence."""

from __future__ import annotations

from typing import Literal

from autodevops.domain.base import Noun, UtcDatetime
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject

Severity = Literal["info", "warning", "error", "critical"]


class Finding(Noun):
    """`reason` is a stable CamelCase code, as Kubernetes spells its reasons; `message` is one sentence."""

    rule_id: str
    reason: str
    subject: Subject
    severity: Severity
    message: str
    confidence: float  # 0 to 1: how sure the rule is of what it saw
    evidence: tuple[EvidenceId, ...]
    onset: UtcDatetime | None = None
    ended: UtcDatetime | None = None  # of what is over
    due: UtcDatetime | None = None  # when it will be felt, of what is not yet
