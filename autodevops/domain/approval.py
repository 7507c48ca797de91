"""What people are asked before something is done, and what they answered. It lives in the ledger and nowhere else.

An approval is bound to the digest of one plan, is good for one use, and expires. It is not a token: nobody can present
one, the executor looks it up.
"""

from __future__ import annotations

from typing import Literal

from autodevops.domain.base import Noun, UtcDatetime

ApprovalState = Literal["pending", "granted", "denied", "expired", "used", "void"]
"""`void`: the world or the plan changed, so that it is worth nothing. Only `pending` can still be answered."""


class Answer(Noun):
    """One person's yes or no. `where`: the surface and place it was given at, e.g. `cli on bastion (pts/3)`."""

    granted: bool
    by: str
    where: str
    at: UtcDatetime
    digest: str  # of the plan that they were shown
    words: str = ""


class Approval(Noun):
    """The question and its answers so far. One no ends it; as many yeses as `needed` do."""

    digest: str
    role: str  # who answers must have it
    needed: int
    asked_at: UtcDatetime
    expires_at: UtcDatetime
    state: ApprovalState = "pending"
    answers: tuple[Answer, ...] = ()

    @property
    def yeses(self) -> int:
        return sum(answer.granted for answer in self.answers)
