"""What was learned from what happened, in words a person can check, and whether it is still held.

A lesson moves confidence and autonomy or tells people something; it moves no guardrail.
"""

from __future__ import annotations

from typing import Literal

from autodevops.domain.base import Noun, UtcDatetime
from autodevops.kernel.ids import content_digest

LessonKind = Literal["autonomy", "confidence", "drift", "recurring", "together", "time", "noise"]
"""autonomy: what machines may do with an action. confidence: what outcomes say of a signature. drift: a success rate
that fell. recurring, together, time: patterns of incidents. noise: alerts that tell people nothing."""


class Lesson(Noun):
    """`about` and `kind` name it; the rest may change. `evidence`: ids of incidents and operations, newest last."""

    kind: LessonKind
    about: str
    value: str
    reason: str
    evidence: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The same whenever the same is learned; short enough to be typed."""
        return f"{self.kind}-{content_digest([self.kind, self.about]).removeprefix('sha256:')[:6]}"


class Ending(Noun):
    """Why it is held no more. `undone`: by a person's word; else what happened since no longer says so."""

    at: UtcDatetime
    by: str
    why: str
    undone: bool


class Learned(Noun):
    """`since`: it has this value since then. `forgotten`: it was undone; what happened until then does not count."""

    lesson: Lesson
    since: UtcDatetime
    ended: Ending | None = None
    forgotten: UtcDatetime | None = None
