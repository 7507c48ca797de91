"""A candidate cause, with what speaks for and against it."""

from __future__ import annotations

from typing import Literal

from autodevops.domain.base import Noun
from autodevops.domain.change import Suspect
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject


class Claim(Noun):
    """One sentence and the evidence it rests on. A claim without evidence is not allowed."""

    text: str
    evidence: tuple[EvidenceId, ...]


class SuggestedAction(Noun):
    """What a person may want to do next. Only the executor changes the world; this is a proposal in words."""

    kind: Literal["mitigation", "remediation", "investigation"]
    summary: str
    command: str = ""  # a command the person can copy, e.g. `kubectl rollout undo ...`
    before_revision: int = 0  # of a rollback: the revision that is to go; what ran before it is to come back


class Hypothesis(Noun):
    reason: str
    subject: Subject
    confidence: float  # 0 to 1
    summary: str  # one sentence, the answer's first line
    supports: tuple[Claim, ...]
    contradicts: tuple[Claim, ...] = ()
    suggested_actions: tuple[SuggestedAction, ...] = ()
    suspects: tuple[Suspect, ...] = ()  # changes that account for it, most likely first; empty where none does
    suffering: tuple[Subject, ...] = ()  # who else is in trouble and depends on it, nearest first

    @property
    def evidence(self) -> tuple[EvidenceId, ...]:
        """Evidence ids of all its claims, in order of first use."""
        claims = (*self.supports, *self.contradicts)
        return tuple(dict.fromkeys(ev for claim in claims for ev in claim.evidence))
