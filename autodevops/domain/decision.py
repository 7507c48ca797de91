"""Whether something may be done, by whom that was decided, and why, factor by factor and in words."""

from __future__ import annotations

from typing import Literal

from autodevops.domain.base import Noun, UtcDatetime
from autodevops.domain.risk import Risk

Verdict = Literal["act", "seek_approval", "escalate", "observe", "refuse"]
Band = Literal["high", "medium", "low"]
BANDS: tuple[Band, ...] = ("high", "medium", "low")


class Factor(Noun):
    """One thing that was weighed, and what it did: `raises risk`, `lowers confidence`, `decides`, ..."""

    name: str
    words: str
    effect: str = ""


class Refusal(Noun):
    """A guardrail, or a kind's own precondition, that says no. `next_step`: what would make it say yes."""

    guardrail: str
    words: str
    next_step: str = ""


class Decision(Noun):
    """`cell` is the square of the matrix, confidence and risk; guardrails and permissions may have made it stricter.

    `approvals`: how many people must say yes; 0 when none is asked.
    """

    verdict: Verdict
    confidence: float | None  # 0 to 1; None: a person asked, which is not a question of confidence
    band: Band
    risk: Risk
    cell: Verdict
    factors: tuple[Factor, ...]
    refusals: tuple[Refusal, ...] = ()
    approvals: int = 0
    decided_at: UtcDatetime
