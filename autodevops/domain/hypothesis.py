"""A candidate cause, with what speaks for and against it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from autodevops.domain.base import Noun
from autodevops.domain.change import Suspect
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject

BELIEVED_FROM: Final = 0.5
"""The confidence from which a hypothesis is called a cause. A verdict of `explained` needs it."""


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
    apart: bool = False  # it comes later, and nothing that is known connects it to a likelier one

    @property
    def evidence(self) -> tuple[EvidenceId, ...]:
        """Evidence ids of all its claims, in order of first use."""
        claims = (*self.supports, *self.contradicts)
        return tuple(dict.fromkeys(ev for claim in claims for ev in claim.evidence))


def independent(hypotheses: Iterable[Hypothesis]) -> tuple[Hypothesis, ...]:
    """Those believed, in their order, of which none suffers from another one."""
    chosen: list[Hypothesis] = []
    for one in hypotheses:
        tied = any(one.subject in other.suffering or other.subject in one.suffering for other in chosen)
        if one.confidence >= BELIEVED_FROM and not tied:
            chosen.append(one)
    return tuple(chosen)


def further_causes(told: Iterable[str]) -> str:
    """The sentence that names what is wrong beside the first cause, of their summaries; empty where nothing is."""
    sentences = [one.rstrip(".") for one in told]
    if not sentences:
        return ""
    return f"{'A second cause' if len(sentences) == 1 else 'Further causes'}, apart from it: {'; '.join(sentences)}."
