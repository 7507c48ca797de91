"""Open a document for review: a pull request that adds one Markdown file, or writes it anew. People merge it.

For a postmortem, where those are kept in a repository and talked over line by line. Undo closes the pull request and
deletes its branch.
"""

from __future__ import annotations

from autodevops.domain.action import OpenDocumentPull
from autodevops.domain.base import Json
from autodevops.executor.notes import Data, NoteKind


class OpenDocumentPullKind(NoteKind[OpenDocumentPull]):
    noun = OpenDocumentPull
    tool = "github.open_document_pull"
    takes_back = "github.close_pull"
    keyed = False  # there is one for a text at a path, whoever asks
    undo_words = "The pull request is closed, and its branch deleted."

    def arguments(self, action: OpenDocumentPull) -> dict[str, Json]:
        return {
            "repository": action.repository,
            "path": action.path,
            "content": action.text,
            "title": action.title,
        }

    def words(self, action: OpenDocumentPull, data: Data) -> str:
        return f"A pull request in {action.repository} with {action.path}: {action.title}"

    def back(self, action: OpenDocumentPull, data: Data) -> dict[str, Json]:
        return {"repository": action.repository, "number": data["pull"]["number"]}
