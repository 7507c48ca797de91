"""Something that people or machines altered: a rollout, a merge, a config edit, a scaling."""

from __future__ import annotations

from typing import Literal

from autodevops.domain.base import Noun, UtcDatetime
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject

ChangeKind = Literal["rollout", "commit", "config", "scaling"]


class Change(Noun):
    kind: ChangeKind
    subject: Subject
    at: UtcDatetime
    summary: str  # one sentence: what went from what to what
    reference: str = ""  # commit id, pull request, revision: what a person looks up
    evidence: tuple[EvidenceId, ...] = ()
