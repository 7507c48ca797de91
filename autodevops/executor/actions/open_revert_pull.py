"""Open a revert: a pull request that takes one commit of the default branch back. People review and merge it.

For the change in code or configuration behind an incident, once the service itself is rolled back. Refused where a file
was changed again since. Undo closes the pull request and deletes its branch.
"""

from __future__ import annotations

from datetime import datetime

from autodevops.domain.action import OpenRevertPull
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.plan import PreState
from autodevops.executor.fields import refusal
from autodevops.executor.notes import Data, NoteKind
from autodevops.kernel.errors import ToolError
from autodevops.toolbox.protocol import Tools


class OpenRevertPullKind(NoteKind[OpenRevertPull]):
    noun = OpenRevertPull
    tool = "github.open_revert_pull"
    takes_back = "github.close_pull"
    keyed = False  # there is one revert of a commit, whoever asks
    undo_words = "The pull request is closed, and its branch deleted."

    async def survey(self, tools: Tools, action: OpenRevertPull, now: datetime) -> PreState:
        data = (await tools.call(self.tool, {**self.arguments(action), "dry_run": True})).data
        if not isinstance(data, dict):
            raise ToolError(f"{self.tool} answered something else than a result.", "Revert it with git.")
        paths, open_now = data.get("paths"), not data.get("changed")
        return PreState(taken_at=now, bound={"reverts": data.get("reverts"), "paths": paths}, saved={"open": open_now})

    def preconditions(self, action: OpenRevertPull, pre: PreState) -> tuple[Refusal, ...]:
        if pre.saved.get("open"):
            return (refusal(f"A revert of {action.sha} is open already.", "Review and merge it, or close it."),)
        return ()

    def arguments(self, action: OpenRevertPull) -> dict[str, Json]:
        return {"repository": action.repository, "sha": action.sha, "reason": action.reason}

    def words(self, action: OpenRevertPull, data: Data) -> str:
        files = ", ".join(map(str, data.get("paths") or ()))
        return f"A pull request in {action.repository} that takes back {action.sha}: {files}."

    def back(self, action: OpenRevertPull, data: Data) -> dict[str, Json]:
        return {"repository": action.repository, "number": data["pull"]["number"]}
