"""A typed action that answers a cause, as it is offered; the executor's table makes them, whoever asks proposes one."""

from __future__ import annotations

from typing import Literal

from autodevops.domain.action import Action
from autodevops.domain.base import Noun
from autodevops.domain.evidence import EvidenceId


class Remedy(Noun):
    """An action for a hypothesis, in words what it does about it, and what it rests on."""

    action: Action
    kind: Literal["mitigation", "remediation"]
    why: str
    reason: str = ""  # of the hypothesis
    confidence: float | None = None  # in it
    evidence: tuple[EvidenceId, ...] = ()
    template: str = ""  # digest of the pod template that a rollback brings: each rollback gives it another number
