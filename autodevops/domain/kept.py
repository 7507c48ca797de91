"""What the manifest of a run says beside the run itself: the code that ran, what was asked and answered, what followed.

These are summaries with digests; the things themselves are files of the bundle, named by `file`.
"""

from __future__ import annotations

from autodevops.domain.base import Noun, UtcDatetime
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Severity
from autodevops.domain.investigation import Verdict
from autodevops.domain.window import TimeWindow


class CodeState(Noun):
    """Which commit some code is of. Empty where it lies in no repository, or git could not be asked."""

    commit: str = ""
    dirty: bool | None = None  # whether what ran differs from the commit; None: not known


class KeptEvidence(Noun):
    """One tool call of the run. `digest` is that of the answer; that of the file stands in the manifest's `files`."""

    id: EvidenceId
    tool: str
    query: str
    window: TimeWindow | None = None
    digest: str
    collected_at: UtcDatetime
    error: str | None = None
    truncated: bool = False
    file: str = ""  # empty when the answer was not kept
    rows: int | None = None  # of a table
    left_out: str = ""  # why it was not kept


class Cause(Noun):
    reason: str
    subject: str
    confidence: float
    summary: str


class Judgement(Noun):
    """A finding, as far as one wants to know it without opening the investigation."""

    rule_id: str
    reason: str
    subject: str
    severity: Severity
    confidence: float
    message: str


class KeptInvestigation(Noun):
    """One investigation that the run made. `causes` are in its order, most likely first."""

    id: str
    file: str
    question: str
    namespace: str
    window: TimeWindow
    verdict: Verdict
    summary: str
    causes: tuple[Cause, ...] = ()
    findings: tuple[Judgement, ...] = ()
