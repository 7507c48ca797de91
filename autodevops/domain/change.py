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


class Suspect(Noun):
    """A change that is held to have caused a hypothesis' trouble, and why."""

    kind: ChangeKind
    subject: Subject  # what was changed: the workload whose rollout brought it, or the object that was edited
    at: UtcDatetime  # when it took effect
    title: str  # the first line of its message, or what was edited
    reference: str = ""  # what a person looks up
    commit: str = ""  # its id, where it is one
    pull: int | None = None
    file: str = ""  # that tells most
    why: str  # completes "It ..."
    score: float  # 0 to 1: how likely it is that this change did it, and no other and nothing else
    told: float = 0.0  # 0 to 1: how well its diff tells of what fails; 0 where place, time and words alone speak for it
    evidence: tuple[EvidenceId, ...] = ()
