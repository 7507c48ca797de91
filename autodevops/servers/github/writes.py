"""The tools that write to GitHub. They exist only where the settings allow it, and for watched repositories alone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from autodevops.domain.tool_results import CommentResult, Issue, IssueResult
from autodevops.kernel.clock import Clock
from autodevops.kernel.errors import ToolDenied, ToolRejected
from autodevops.servers._http import HttpApi
from autodevops.servers._tools import Server, write_tool
from autodevops.servers.github import answers, text
from autodevops.servers.github.client import home
from autodevops.settings import GitHubSettings

MAX_TITLE = 256  # characters, GitHub's own limit
MAX_BODY = 65_536  # characters, GitHub's own limit

Watched = Annotated[str, Field(description="owner/name, one of list_repositories, e.g. acme/shop.")]
Body = Annotated[str, Field(description="Markdown, e.g. what was seen, since when, and links.", max_length=MAX_BODY)]

DryRun = Annotated[bool, Field(description="Write nothing; only say whether it could be done.")]


def add_tools(server: Server, api: HttpApi, settings: GitHubSettings, clock: Clock) -> None:
    """Add the writing tools."""

    async def create_issue(
        repository: Watched,
        title: Annotated[
            str, Field(description="One line, e.g. cart: connection pool exhausted.", max_length=MAX_TITLE)
        ],
        body: Body = "",
        labels: Annotated[tuple[str, ...], Field(description="Labels, e.g. ['incident'].", max_length=20)] = (),
        dry_run: DryRun = False,
    ) -> IssueResult:
        """Open an issue, e.g. an action item after an incident. Everybody who watches the repository is told.

        Use it once per problem: look with list_issues first. Answers the number and the address.
        Example: repository='acme/shop', title='cart: connection pool exhausted', labels=['incident'].
        """
        allowed(repository)
        if not title.strip():
            raise ToolRejected("Argument title is empty.", "Give a title.")
        if dry_run:
            return IssueResult(issue=await would_open(repository, title.strip(), body, labels), dry_run=True)
        sent = {"title": title.strip(), "body": body, "labels": list(labels)}
        reply = await api.write("POST", f"{home(repository)}/issues", sent, missing=f"Repository {repository}")
        with api.understanding():
            made = answers.issue(repository, api.json(reply))
        return IssueResult(issue=made, undo=f"Close {made.url} by hand; no tool does.")

    async def add_comment(
        repository: Watched,
        number: Annotated[int, Field(description="Number of the issue or pull request, e.g. 42.", ge=1)],
        body: Body,
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
        if locked:
            raise ToolRejected(f"{name} is locked; it takes no comments.", "Open an issue of its own.")
        if dry_run:
            return CommentResult(comment_id=0, on=on, url=address, author="", at=clock(), dry_run=True)
        reply = await api.write("POST", f"{path}/comments", {"body": body}, missing=name)
        with api.understanding():
            made = api.json(reply)
            return CommentResult(
                on=on,
                comment_id=made["id"],
                url=made["html_url"],
                author=(made.get("user") or {}).get("login", ""),
                at=made["created_at"],
                undo=f"Delete {made['html_url']} by hand; no tool does.",
            )

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
