"""How an action ended: what was checked afterwards, and what is true of the world now."""

from __future__ import annotations

from typing import Literal

from autodevops.domain.base import Noun, UtcDatetime

Result = Literal["not_applied", "verified", "undone", "unverified", "undo_failed"]
"""`unverified`: it was applied, its effect is bad or unknown, and it cannot be taken back: a person must look.
`undo_failed`: the same, of one that could have been. Both are never called a success."""

Judgement = Literal["good", "no_effect", "worse", "unknown"]


class EffectCheck(Noun):
    """One question about the world afterwards, such as `is still there`, `has its replicas`, `symptom is gone`."""

    name: str
    judgement: Judgement
    words: str


class Outcome(Noun):
    result: Result
    words: str
    checks: tuple[EffectCheck, ...] = ()
    at: UtcDatetime
