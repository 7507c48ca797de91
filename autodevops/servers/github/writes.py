"""The tools that write to GitHub. They exist only where the settings allow it, and for watched repositories alone."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from autodevops.domain.tool_results import CommentResult, Issue, IssueResult
from autodevops.kernel.clock import Clock
from autodevops.kernel.errors import ToolDenied, ToolRejected
from autodevops.servers._http import HttpApi
from autodevops.servers._tools import Server, write_tool
from autodevops.servers.github import answers, documents, reverts, text
from autodevops.servers.github.client import MAX_ITEMS, Item, home, pages
from autodevops.servers.github.reverts import DryRun, Watched
from autodevops.settings import GitHubSettings

MAX_TITLE = 256  # characters, GitHub's own limit
MAX_BODY = 65_536  # characters, GitHub's own limit

Body = Annotated[str, Field(description="Markdown, e.g. what was seen, since when, and links.", max_length=MAX_BODY)]

Key = Annotated[
    str,
    Field(
        description="So that the call can be repeated: what was written with this key before is answered, and nothing "
        "written. It stands in the text, unseen. Empty: always another one.",
        pattern=r"^[\w.:-]*$",
        max_length=100,
    ),
]


def add_tools(server: Server, api: HttpApi, settings: GitHubSettings, clock: Clock) -> None:
    """Add the writing tools."""

    async def create_issue(
        repository: Watched,
        title: Annotated[
            str, Field(description="One line, e.g. cart: connection pool exhausted.", max_length=MAX_TITLE)
        ],
        body: Body = "",
        labels: Annotated[tuple[str, ...], Field(description="Labels, e.g. ['incident'].", max_length=20)] = (),
        idempotency_key: Key = "",
        dry_run: DryRun = False,
    ) -> IssueResult:
        """Open an issue, e.g. an action item after an incident. Everybody who watches the repository is told.

        Use it once per problem: look with list_issues first. Answers the number and the address.
        Example: repository='acme/shop', title='cart: connection pool exhausted', labels=['incident'].
        """
        allowed(repository)
        if not title.strip():
            raise ToolRejected("Argument title is empty.", "Give a title.")
        mark = marked(idempotency_key)
        if mark and (before := await opened_before(repository, mark)):
            return IssueResult(issue=before, dry_run=dry_run, changed=False, undo=closing(before))
        if dry_run:
            return IssueResult(issue=await would_open(repository, title.strip(), body, labels), dry_run=True)
        text_of_it = f"{body}\n\n{mark}" if mark else body
        sent = {"title": title.strip(), "body": text_of_it, "labels": list(labels)}
        reply = await api.write("POST", f"{home(repository)}/issues", sent, missing=f"Repository {repository}")
        with api.understanding():
            made = answers.issue(repository, api.json(reply))
        return IssueResult(issue=made, undo=closing(made))

    async def close_issue(
        repository: Watched,
        number: Annotated[int, Field(description="Number of the issue, e.g. 42.", ge=1)],
        dry_run: DryRun = False,
    ) -> IssueResult:
        """Close an issue as not planned. What stands in it stays; people who watch it are told.

        Use it to take back one that was opened by mistake. Example: repository='acme/shop', number=42.
        """
        allowed(repository)
        path, name = f"{home(repository)}/issues/{number}", f"Issue #{number} of {repository}"
        item = await api.get(path, missing=name)
        if "pull_request" in item:
            raise ToolRejected(f"#{number} of {repository} is a pull request.", "Use close_pull.")
        with api.understanding():
            found = answers.issue(repository, item)
        if dry_run or found.state == "closed":
            return IssueResult(issue=found, dry_run=dry_run, changed=found.state != "closed")
        reply = await api.write("PATCH", path, {"state": "closed", "state_reason": "not_planned"}, missing=name)
        with api.understanding():
            closed = answers.issue(repository, api.json(reply))
        return IssueResult(issue=closed, undo=f"Reopen {closed.url} by hand; no tool does.")

    async def add_comment(
        repository: Watched,
        number: Annotated[int, Field(description="Number of the issue or pull request, e.g. 42.", ge=1)],
        body: Body,
        idempotency_key: Key = "",
        dry_run: DryRun = False,
    ) -> CommentResult:
        """Comment on an issue or a pull request. Everybody who takes part in it is told.

        Use it to leave what was found where people look for it.
        Example: repository='acme/shop', number=42, body='Rolled back at 04:10 UTC.'
        """
        allowed(repository)
        if not body.strip():
            raise ToolRejected("Argument body is empty.", "Write the comment.")
        path, name = f"{home(repository)}/issues/{number}", f"Issue #{number} of {repository}"
        item = await api.get(path, missing=name)
        with api.understanding():
            on, address, locked = f"#{number} {item['title']}", item["html_url"], item.get("locked") is True
        mark = marked(idempotency_key)
        if mark and (before := await written_before(repository, path, name, mark, on)):
            return before.model_copy(update={"dry_run": dry_run})
        if locked:
            raise ToolRejected(f"{name} is locked; it takes no comments.", "Open an issue of its own.")
        if dry_run:
            return CommentResult(comment_id=0, on=on, url=address, author="", at=clock(), dry_run=True)
        sent = {"body": f"{body}\n\n{mark}" if mark else body}
        reply = await api.write("POST", f"{path}/comments", sent, missing=name)
        with api.understanding():
            return comment_of(repository, api.json(reply), on)

    async def delete_comment(
        repository: Watched,
        comment_id: Annotated[int, Field(description="Id of the comment, as add_comment answered it.", ge=1)],
        dry_run: DryRun = False,
    ) -> CommentResult:
        """Delete a comment that add_comment wrote with an idempotency key; no other one.

        Use it to take back one that was wrong. Example: repository='acme/shop', comment_id=1234.
        """
        allowed(repository)
        path, name = f"{home(repository)}/issues/comments/{comment_id}", f"Comment {comment_id} of {repository}"
        item = await api.get(path, missing=name)
        with api.understanding():
            found = comment_of(repository, item, "")
        if not bears_key(item):
            raise ToolRejected(f"{name} does not bear a key of ours.", "Its author may delete it.")
        if not dry_run:
            await api.write("DELETE", path, missing=name)
        return found.model_copy(update={"dry_run": dry_run, "undo": ""})

    async def opened_before(repository: str, mark: str) -> Issue | None:
        """The newest issue with the mark in its body. Lists are up to date at once; GitHub's search is not."""
        params = [("state", "all"), ("sort", "created"), ("direction", "desc")]
        items, _ = await pages(api, f"{home(repository)}/issues", params, MAX_ITEMS, f"Repository {repository}")
        with api.understanding():
            return next((answers.issue(repository, one) for one in items if mark in (one.get("body") or "")), None)

    async def written_before(repository: str, path: str, name: str, mark: str, on: str) -> CommentResult | None:
        items, _ = await pages(api, f"{path}/comments", [], MAX_ITEMS, name)
        with api.understanding():
            found = next((one for one in items if mark in (one.get("body") or "")), None)
            return comment_of(repository, found, on).model_copy(update={"changed": False}) if found else None

    async def would_open(repository: str, title: str, body: str, labels: tuple[str, ...]) -> Issue:
        item = await api.get(home(repository), missing=f"Repository {repository}")
        with api.understanding():
            open_to_it = item.get("has_issues", True) and not item.get("archived", False)
        if not open_to_it:
            raise ToolRejected(f"Repository {repository} takes no issues.", "Name another one.")
        now = clock()
        return Issue(
            repository=repository, number=0, title=title, body=body, author="", state="open",
            labels=labels, created_at=now, updated_at=now, url="",
        )  # fmt: skip

    def allowed(repository: str) -> None:
        if repository not in settings.repositories:
            raise ToolDenied(
                f"Repository {repository} is not watched, so nothing is written to it.",
                "Name one of list_repositories, or add it to AUTODEVOPS_GITHUB__REPOSITORIES.",
            )

    write_tool(server, text.issue, destructive=False)(create_issue)
    write_tool(server, text.comment, destructive=False)(add_comment)
    write_tool(server, text.comment, destructive=True)(delete_comment)
    write_tool(server, text.issue, destructive=True, idempotent=True)(close_issue)
    reverts.add_tools(server, api, allowed)
    documents.add_tools(server, api, allowed)


def closing(issue: Issue) -> str:
    return f"close_issue(repository={issue.repository!r}, number={issue.number})"


def marked(key: str) -> str:
    """The key as it stands in a text: a comment of markdown, which nobody sees."""
    return f"<!-- {key} -->" if key else ""


def bears_key(item: Item) -> bool:
    return re.search(r"<!-- [\w.:-]+ -->$", str(item.get("body") or "").rstrip()) is not None


def comment_of(repository: str, item: Item, on: str) -> CommentResult:
    return CommentResult(
        on=on,
        comment_id=item["id"],
        url=item["html_url"],
        author=(item.get("user") or {}).get("login", ""),
        at=item["created_at"],
        undo=f"delete_comment(repository={repository!r}, comment_id={item['id']})"
        if bears_key(item)
        else f"Delete {item['html_url']} by hand; without a key no tool does.",
    )
