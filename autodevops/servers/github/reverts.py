"""A pull request that takes one commit back, and its closing: what `git revert` does, said in GitHub's own objects.

Only what is still as the commit left it is put back. Where a file was changed again since, a person has to say what it
shall be, so nothing is opened. The branch's name follows from the commit: a second call finds the first one's work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from autodevops.domain.tool_results import PullClosedResult, RevertResult
from autodevops.kernel.errors import ToolRejected
from autodevops.servers._arguments import path_part
from autodevops.servers._http import HttpApi
from autodevops.servers._tools import Server, write_tool
from autodevops.servers.github import answers, branches, text
from autodevops.servers.github.client import Item, home

MAX_FILES = 300  # of a commit that is taken back; a larger one is a person's work

Watched = Annotated[str, Field(description="owner/name, one of list_repositories, e.g. acme/shop.")]
DryRun = Annotated[bool, Field(description="Write nothing; only say whether it could be done.")]

_File = tuple[str, str, str]  # mode, type, sha
_Tree = Mapping[str, _File]


def add_tools(server: Server, api: HttpApi, allowed: Callable[[str], None]) -> None:
    """Add both. `allowed` raises for a repository that is not written to."""

    @write_tool(server, text.revert, destructive=False, idempotent=True)
    async def open_revert_pull(
        repository: Watched,
        sha: Annotated[str, Field(description="The commit to take back, whole or abbreviated.", min_length=4)],
        reason: Annotated[str, Field(description="Why, for those who review it; markdown.", max_length=20_000)] = "",
        dry_run: DryRun = False,
    ) -> RevertResult:
        """Open a pull request that takes one commit of the default branch back. Merging it is left to people.

        Refuses where a file was changed again since. Called twice it answers the pull request that is open already.
        Example: repository='acme/shop', sha='4f2c9d1', reason='Errors since 04:10 UTC, INC-12.'
        """
        allowed(repository)
        where, base = home(repository), await branches.default_branch(api, repository)
        item = await api.get(f"{where}/commits/{path_part(sha, 'commit id')}", missing=f"Commit {sha} of {repository}")
        with api.understanding():
            commit, message = str(item["sha"]), str(item["commit"]["message"])
            parents = [str(one["sha"]) for one in item["parents"]]
        if not parents:
            raise ToolRejected(f"{commit[:12]} is the first commit of {repository}.", "There is nothing before it.")
        branch = f"{branches.OURS}revert-{commit[:12]}"
        head = await branches.tip(api, repository, base)
        back = await put_back(repository, await tree(repository, parents[0]), await tree(repository, commit), head)
        subject = message.partition("\n")[0]
        title = f'Revert "{subject}"'
        body = "\n\n".join(part for part in (reason.strip(), f"This reverts commit {commit}.") if part)
        made = {"reverts": commit, "branch": branch, "base": base, "paths": tuple(sorted(back))}
        if before := await branches.open_pull(api, repository, branch):
            return RevertResult(
                pull=before, dry_run=dry_run, changed=False, undo=branches.undo_of(repository, before), **made
            )
        if dry_run:
            return RevertResult(pull=branches.planned_pull(repository, title, body), dry_run=True, **made)
        if not await branches.tip_or_nothing(api, repository, branch):
            new = await commit_of(repository, head, back, f"{title}\n\nThis reverts commit {commit}.")
            await api.write("POST", f"{where}/git/refs", {"ref": f"refs/heads/{branch}", "sha": new})
        pull = await branches.make_pull(api, repository, branch, base, title, body)
        return RevertResult(pull=pull, undo=branches.undo_of(repository, pull), **made)

    @write_tool(server, text.pull_closed, destructive=True, idempotent=True)
    async def close_pull(
        repository: Watched,
        number: Annotated[int, Field(description="Number of the pull request, e.g. 42.", ge=1)],
        dry_run: DryRun = False,
    ) -> PullClosedResult:
        """Close a pull request without merging it. Its branch is deleted where a tool of ours had made it.

        Use it to take back a revert or a document that is not wanted. Example: repository='acme/shop', number=42.
        """
        allowed(repository)
        path, name = f"{home(repository)}/pulls/{number}", f"Pull request #{number} of {repository}"
        item = await api.get(path, missing=name)
        with api.understanding():
            pull, branch = answers.pull(repository, item), str(item["head"]["ref"])
        if pull.merged_at:
            raise ToolRejected(f"{name} is merged; it cannot be closed.", "open_revert_pull takes its commit back.")
        changed = pull.state != "closed"
        if dry_run:
            return PullClosedResult(pull=pull, branch_deleted=False, dry_run=True, changed=changed)
        if changed:
            reply = await api.write("PATCH", path, {"state": "closed"}, missing=name)
            with api.understanding():
                pull = answers.pull(repository, api.json(reply))
        deleted = branch.startswith(branches.OURS) and await branches.tip_or_nothing(api, repository, branch) != ""
        if deleted:
            await api.write("DELETE", f"{home(repository)}/git/refs/heads/{quote(branch)}")
        return PullClosedResult(pull=pull, branch_deleted=deleted, changed=changed or deleted)

    async def tree(repository: str, commit: str) -> _Tree:
        path, name = f"{home(repository)}/git/trees/{commit}", f"Commit {commit[:12]} of {repository}"
        item = await api.get(path, [("recursive", "1")], missing=name)
        if item.get("truncated"):
            raise ToolRejected(f"{repository} has too many files to compare here.", "Revert it with git.")
        with api.understanding():
            return {
                str(one["path"]): (str(one["mode"]), str(one["type"]), str(one["sha"]))
                for one in item["tree"]
                if one["type"] != "tree"
            }

    async def put_back(repository: str, before: _Tree, after: _Tree, head: str) -> dict[str, _File | None]:
        """Files and what they were before the commit (None: not there). Raises ToolRejected where that is in doubt."""
        changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
        now = await tree(repository, head)
        back = {path: before.get(path) for path in changed if now.get(path) != before.get(path)}
        again = sorted(path for path in back if now.get(path) != after.get(path))
        if again:
            named = ", ".join(again[:5]) + (f" and {len(again) - 5} more" if len(again) > 5 else "")
            raise ToolRejected(
                f"Changed again since that commit: {named}.", "Revert it with git, and see the conflict."
            )
        if not back:
            raise ToolRejected("That commit is taken back already, or changed no file.", "Nothing is to be done.")
        if len(back) > MAX_FILES:
            raise ToolRejected(f"The commit changed {len(back)} files, more than {MAX_FILES}.", "Revert it with git.")
        return back

    async def commit_of(repository: str, head: str, back: Mapping[str, _File | None], message: str) -> str:
        where = f"{home(repository)}/git"
        item = await api.get(f"{where}/commits/{head}", missing=f"Commit {head[:12]}")
        with api.understanding():
            base = str(item["tree"]["sha"])
        reply = await api.write("POST", f"{where}/trees", {"base_tree": base, "tree": list(map(_entry, back.items()))})
        with api.understanding():
            made: Any = {"message": message, "tree": str(api.json(reply)["sha"]), "parents": [head]}
        reply = await api.write("POST", f"{where}/commits", made)
        with api.understanding():
            return str(api.json(reply)["sha"])


def _entry(item: tuple[str, _File | None]) -> Item:
    path, file = item
    mode, kind, sha = file or ("100644", "blob", None)
    return {"path": path, "mode": mode, "type": kind, "sha": sha}
