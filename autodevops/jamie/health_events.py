"""How turns and what people thought of them stand in the ledger: written here, and read again here.

The text of a question is left out unless the caller wants it kept; what a person typed is masked.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError

from autodevops.analysis.redaction import redact_text
from autodevops.domain.base import Noun
from autodevops.domain.ledger import LedgerEvent, NewEvent
from autodevops.domain.turn_health import Feedback, TurnHealth

Said = TypeVar("Said", bound=Noun)


def turn_event(turn: TurnHealth, *, actor: str, salt: str = "", with_question: bool = False) -> NewEvent:
    data: dict[str, Any] = turn.model_dump(mode="json", exclude={"turn_id", "at", "question", "outcome"})
    if with_question:
        data["question"] = _masked(turn.question, salt)
    return NewEvent(at=turn.at, kind="turn", what=turn.outcome, actor=actor, subject=turn.turn_id, data=data)


def feedback_event(feedback: Feedback, *, salt: str = "") -> NewEvent:
    data: dict[str, Any] = {"thumb": feedback.thumb, "comment": _masked(feedback.comment, salt)}
    return NewEvent(
        at=feedback.at, kind="feedback", what="rated", actor=feedback.by, subject=feedback.turn_id, data=data
    )


def turn_of(event: LedgerEvent) -> TurnHealth | None:
    """None when the event says less than a turn."""
    return _read(TurnHealth, event, outcome=event.what)


def feedback_of(event: LedgerEvent) -> Feedback | None:
    """None when the event says less than a thumb."""
    return _read(Feedback, event, by=event.actor)


def _read(model: type[Said], event: LedgerEvent, **more: str) -> Said | None:
    """What a newer program says beyond the model is passed over."""
    known = {name: value for name, value in event.data.items() if name in model.model_fields}
    try:
        return model.model_validate({**known, "turn_id": event.subject, "at": event.at, **more})
    except ValidationError:
        return None


def _masked(text: str, salt: str) -> str:
    """Without secrets, and without half characters, which the ledger cannot spell."""
    return redact_text(text, salt).encode("utf-8", "replace").decode("utf-8")
