"""Annotate an incident: a comment under the issue that the incident is followed in, saying what was found or done.

It tells those who take part in it. Undo deletes the comment; what was sent to people stays sent.
"""

from __future__ import annotations

from autodevops.domain.action import AnnotateIncident
from autodevops.domain.base import Json
from autodevops.executor.kinds import Errand
from autodevops.executor.notes import Data, NoteKind


class AnnotateIncidentKind(NoteKind[AnnotateIncident]):
    noun = AnnotateIncident
    tool = "github.add_comment"
    takes_back = "github.delete_comment"
    undo_words = "The comment is deleted; what was sent to people stays sent."

    def arguments(self, errand: Errand[AnnotateIncident]) -> dict[str, Json]:
        action = errand.action
        return {
            "repository": action.repository,
            "number": action.number,
            "body": action.text,
            "idempotency_key": errand.operation,
        }

    def words(self, action: AnnotateIncident, data: Data) -> str:
        return f"A comment on {data.get('on') or action.subject.name} of {action.repository}."

    def back(self, errand: Errand[AnnotateIncident], data: Data) -> dict[str, Json]:
        return {"repository": errand.action.repository, "comment_id": data["comment_id"]}

    def ended(self, data: Data) -> bool:
        return False  # a deleted comment is not there at all
