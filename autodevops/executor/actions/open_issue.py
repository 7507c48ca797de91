"""Open an issue: an action item in a repository that is watched, for what only people can mend.

It tells those who watch the repository. Undo closes it as not planned; what was sent to people stays sent.
"""

from __future__ import annotations

from autodevops.domain.action import OpenIssue
from autodevops.domain.base import Json
from autodevops.executor.notes import Data, NoteKind


class OpenIssueKind(NoteKind[OpenIssue]):
    noun = OpenIssue
    tool = "github.create_issue"
    takes_back = "github.close_issue"
    undo_words = "The issue is closed as not planned; what was sent to people stays sent."

    def arguments(self, action: OpenIssue) -> dict[str, Json]:
        return {
            "repository": action.repository,
            "title": action.title,
            "body": action.body,
            "labels": list(action.labels),
        }

    def words(self, action: OpenIssue, data: Data) -> str:
        return f"An issue in {action.repository}: {action.title}"

    def back(self, action: OpenIssue, data: Data) -> dict[str, Json]:
        return {"repository": action.repository, "number": data["issue"]["number"]}

    def ended(self, data: Data) -> bool:
        return bool(data["issue"]["state"] == "closed")
