"""How an action ended: what was checked afterwards, and what is true of the world now."""

from __future__ import annotations

from typing import Literal

from autodevops.domain.base import Noun, UtcDatetime

Result = Literal["not_applied", "verified", "undone", "unverified", "undo_failed", "handed_over"]
"""`unverified`: it was applied, its effect is bad or unknown, and it cannot be taken back: a person must look.
`undo_failed`: the same, of one that could have been. Both are never called a success.
`handed_over`: a runbook's cell was given to its kernel, and its run says what came of it."""

TRIED: frozenset[Result] = frozenset({"verified", "undone", "unverified", "undo_failed"})
"""Those that say something of whether the action helps."""

Judgement = Literal["good", "no_effect", "worse", "unknown"]


class EffectCheck(Noun):
    """One question about the world afterwards, such as `is still there`, `has its replicas`, `symptom is gone`."""

    name: str
    judgement: Judgement
    words: str
    unanswered: bool = False  # unknown only because a system does not answer just now


class Outcome(Noun):
    result: Result
    words: str
    checks: tuple[EffectCheck, ...] = ()
    at: UtcDatetime
    interrupted: bool = False  # who had it in hand was gone, or a system did not answer; nobody has said no
