"""How one turn with Jamie went: when what came, where the time was spent, what failed, what people thought of it."""

from __future__ import annotations

from typing import Literal

from autodevops.domain.base import Noun, UtcDatetime

TurnOutcome = Literal["answered", "asked_back", "abstained", "failed", "cancelled"]
"""abstained: there is an answer, and it says that the cause is not known. asked_back: Jamie put a question herself."""


class TurnHealth(Noun):
    """Times in milliseconds since the question came. Stages: `context` (what is asked), `engine` (finding the answer),
    `narration` (wording it), each without the calls and the model it waited for; `tools` is the time in which at
    least one call ran, `model` that in which a language model was waited for. Own time is what is left of the whole.
    """

    turn_id: str
    at: UtcDatetime
    question: str = ""  # only where the settings want it kept
    intent: str  # as understood; empty when the turn ended before
    outcome: TurnOutcome
    narrator: str = ""
    first_event_ms: float | None = None
    understood_ms: float | None = None  # what is asked was known
    first_token_ms: float | None = None  # of the answer's text
    total_ms: float
    context_ms: float = 0.0
    tools_ms: float = 0.0
    engine_ms: float = 0.0
    narration_ms: float = 0.0
    model_ms: float = 0.0
    tool_calls: int = 0
    tool_errors: int = 0

    @property
    def own_ms(self) -> float:
        return max(0.0, self.total_ms - self.tools_ms - self.model_ms)


Thumb = Literal[-1, 1]


class Feedback(Noun):
    """What a person thought of a turn. The last word of a person on a turn counts."""

    turn_id: str
    at: UtcDatetime
    thumb: Thumb
    comment: str = ""
    by: str = ""
