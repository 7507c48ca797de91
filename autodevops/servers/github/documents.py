"""A pull request that adds one document, or writes it anew: a postmortem for the repository that keeps them.

The branch's name follows from path and text: a second call finds the first one's work.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from autodevops.domain.tool_results import DocumentPullResult
from autodevops.kernel.errors import ToolNotFound, ToolRejected
from autodevops.servers._http import HttpApi
from autodevops.servers._tools import Server, write_tool
from autodevops.servers.github import branches, text
from autodevops.servers.github.client import home
from autodevops.servers.github.reverts import DryRun, Watched

MAX_TEXT = 200_000  # characters


def add_tools(server: Server, api: HttpApi, allowed: Callable[[str], None]) -> None:
    """`allowed` raises for a repository that is not written to."""

    @write_tool(server, text.document, destructive=False, idempotent=True)
    async def open_document_pull(
        repository: Watched,
        path: Annotated[
            str,
            Field(
                description="Where it is to stand, a Markdown file, e.g. postmortems/inc-12.md.",
                pattern=r"^[\w-][\w.-]*(/[\w-][\w.-]*)*\.md$",
                max_length=200,
            ),
        ],
        content: Annotated[str, Field(description="The document, whole; markdown.", min_length=1, max_length=MAX_TEXT)],
        title: Annotated[str, Field(description="Of the pull request, one line.", min_length=1, max_length=250)],
        dry_run: DryRun = False,
    ) -> DocumentPullResult:
        """Open a pull request that adds a Markdown file, or writes it anew. Merging it is left to people.

        Use it to hand a postmortem to those who review it. Called twice it answers the one that is open already.
        Example: repository='acme/shop', path='postmortems/inc-12.md', content='# Postmortem', title='Postmortem 12'.
        """
        allowed(repository)
        where, base = home(repository), await branches.default_branch(api, repository)
        data = content.encode()
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        branch = f"{branches.OURS}document-{hashlib.sha256(f'{path} {blob}'.encode()).hexdigest()[:12]}"
        made: dict[str, Any] = {"path": path, "branch": branch, "base": base}
        if before := await branches.open_pull(api, repository, branch):
            undo = branches.undo_of(repository, before)
            return DocumentPullResult(pull=before, dry_run=dry_run, changed=False, undo=undo, **made)
        if await _blob_at(repository, path, base) == blob:
            raise ToolRejected(f"{path} of {repository} says that already.", "Nothing is to be done.")
        if dry_run:
            return DocumentPullResult(pull=branches.planned_pull(repository, title), dry_run=True, **made)
        if not await branches.tip_or_nothing(api, repository, branch):
            head = await branches.tip(api, repository, base)
            await api.write("POST", f"{where}/git/refs", {"ref": f"refs/heads/{branch}", "sha": head})
        there = await _blob_at(repository, path, branch)
        if there != blob:
            sent = {"message": title, "content": base64.b64encode(data).decode(), "branch": branch}
            await api.write("PUT", f"{where}/contents/{quote(path)}", {**sent, **({"sha": there} if there else {})})
        pull = await branches.make_pull(api, repository, branch, base, title)
        return DocumentPullResult(pull=pull, undo=branches.undo_of(repository, pull), **made)

    async def _blob_at(repository: str, path: str, ref: str) -> str:
        """Git's name of the file's content on a branch; empty where there is none."""
        try:
            item = await api.get(f"{home(repository)}/contents/{quote(path)}", [("ref", ref)], missing=path)
        except ToolNotFound:
            return ""
        if not isinstance(item, dict):
            raise ToolRejected(f"{path} of {repository} is a folder.", "Name a file.")
        with api.understanding():
            return str(item["sha"])
