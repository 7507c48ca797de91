"""Annotate an incident: a comment under the issue that the incident is followed in, saying what was found or done.

It tells those who take part in it. Undo deletes the comment; what was sent to people stays sent.
"""

from __future__ import annotations

from autodevops.domain.action import AnnotateIncident
from autodevops.domain.base import Json
from autodevops.executor.notes import Data, NoteKind


class AnnotateIncidentKind(NoteKind[AnnotateIncident]):
    noun = AnnotateIncident
    tool = "github.add_comment"
    takes_back = "github.delete_comment"
    undo_words = "The comment is deleted; what was sent to people stays sent."

    def arguments(self, action: AnnotateIncident) -> dict[str, Json]:
        return {"repository": action.repository, "number": action.number, "body": action.text}

    def words(self, action: AnnotateIncident, data: Data) -> str:
        return f"A comment on {data.get('on') or action.subject.name} of {action.repository}."

    def back(self, action: AnnotateIncident, data: Data) -> dict[str, Json]:
        return {"repository": action.repository, "comment_id": data["comment_id"]}
