"""GitHub's issues, versions, deployments, releases and files; what may be written; what is not sent again."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from servers.loopback import ask, call, serve
from servers.test_servers_github import FILE, commit
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from autodevops.kernel.errors import ToolDenied, ToolNotFound, ToolRejected
from autodevops.servers import github
from autodevops.settings import GitHubSettings
from autodevops.toolbox import McpToolbox

THREE_LINES = base64.b64encode(b"line\n" * 3).decode()


def issue(number: int, **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "title": "Pool exhausted",
        "body": None,
        "user": {"login": "ada"},
        "state": "open",
        "labels": [{"name": "incident"}, "cart"],
        "comments": 2,
        "created_at": "2026-11-24T03:00:00Z",
        "updated_at": "2026-11-24T03:30:00Z",
        "html_url": f"https://github.example/acme/shop/issues/{number}",
        **more,
    }


def deployment(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "environment": "production",
        "ref": "v1.5.0",
        "sha": "d" * 40,
        "description": None,
        "creator": {"login": "ada"},
        "created_at": "2026-11-24T03:00:00Z",
    }


def blob(sha: str, size: int, content: str, **more: Any) -> dict[str, Any]:
    return {"type": "file", "sha": sha, "size": size, "encoding": "base64", "content": content, **more}


ANSWERS: dict[str, Any] = {
    "/compare/release%2F1.4...main": {
        "status": "ahead",
        "ahead_by": 300,
        "behind_by": 0,
        "total_commits": 300,
        "merge_base_commit": {"sha": "a" * 40},
        "commits": [commit(1)],
        "files": [FILE],
    },
    "/deployments": [deployment(1), deployment(2)],
    "/deployments/1/statuses": [{"state": "success", "created_at": "2026-11-24T03:05:00Z", "log_url": "https://l"}],
    "/deployments/2/statuses": [],
    "/releases": [{"tag_name": "v1.5.0", "author": {"login": "ada"}, "draft": True, "published_at": None}],
    "": {"has_issues": True, "archived": False},
    "/issues/43": issue(43),
    "/issues/44": issue(44, locked=True),
    "/contents/services": [{"name": "cart", "type": "dir"}, {"name": "README.md", "type": "file"}],
    "/contents/README.md": blob("1", 15, THREE_LINES),
    "/contents/big.txt": blob("b1", 2_000_000, "", encoding="none"),
    "/git/blobs/b1": {"encoding": "base64", "content": THREE_LINES},
    "/contents/logo.png": blob("2", 2, "//8="),
    "/contents/empty": blob("3", 0, ""),
    "/contents/vendor": {"type": "submodule", "sha": "4", "size": 0},
}


class Hub:
    """A GitHub Enterprise under /api/v3 that answers by path, with ETags and cursors where GitHub has them."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.unchanged = 0
        self.sent: list[Any] = []

    async def endpoint(self, request: Request) -> Response:
        self.asked.append(request)
        path = request.scope["raw_path"].decode().removeprefix("/api/v3/repos/acme/shop")
        if request.method == "POST":
            return await self._made(path, await request.json())
        if path == "/issues":
            return self._issues(request)
        if path not in ANSWERS:
            return JSONResponse({"message": "Not Found"}, 404)
        etag = f'W/"{len(path)}"'
        if request.headers.get("if-none-match") == etag:
            self.unchanged += 1
            return Response(status_code=304)
        return JSONResponse(ANSWERS[path], headers={"ETag": etag})

    async def _made(self, path: str, body: Any) -> Response:
        self.sent.append((path, body))
        if path == "/issues":
            return JSONResponse(issue(43, title=body["title"]), 201)
        made = {"id": 7, "html_url": "https://c", "user": {"login": "bot"}, "created_at": "2026-11-24T03:00:00Z"}
        return JSONResponse(made, 201)

    def _issues(self, request: Request) -> Response:
        if "after" in request.query_params:
            return JSONResponse([issue(2)])
        following = request.url.remove_query_params("page").include_query_params(after="abc")
        link = {"Link": f'<https://x/last>; rel="last", <{following}>; rel="next"'}
        return JSONResponse([issue(4), issue(3, pull_request={})], headers=link)


@pytest.fixture
def hub() -> Iterator[tuple[Any, Hub]]:
    it = Hub()
    with serve(Starlette(routes=[Route("/{path:path}", it.endpoint, methods=["GET", "POST"])])) as url:
        settings = GitHubSettings(url=f"{url}/api/v3", repositories=("acme/shop",), allow_writes=True)
        yield github.create_server(settings), it


async def test_issues_leave_pull_requests_out_and_follow_cursors(hub: tuple[Any, Hub]) -> None:
    answer = await call(hub[0], "list_issues", repository="acme/shop", labels="incident", since="-1d")
    assert [one["number"] for one in answer["issues"]] == [4, 2]
    assert answer["issues"][0]["labels"] == ["incident", "cart"]
    assert not answer["truncated"]
    assert [request.query_params.get("after") for request in hub[1].asked] == [None, "abc"]


async def test_versions_are_compared_and_unseen_commits_counted(hub: tuple[Any, Hub]) -> None:
    answer = await call(hub[0], "compare_refs", repository="acme/shop", base="release/1.4", head="main")
    assert (answer["status"], answer["ahead_by"], answer["merge_base"]) == ("ahead", 300, "a" * 40)
    assert "1 of 300 commits" in answer["note"]
    assert answer["files"][0]["path"] == FILE["filename"]


async def test_deployments_have_their_newest_state(hub: tuple[Any, Hub]) -> None:
    found = (await call(hub[0], "list_deployments", repository="acme/shop"))["deployments"]
    assert [(one["state"], one["state_at"], one["url"]) for one in found] == [
        ("success", "2026-11-24T03:05:00Z", "https://l"),
        ("", None, ""),
    ]


async def test_a_release_that_is_a_draft_has_no_date(hub: tuple[Any, Hub]) -> None:
    (release,) = (await call(hub[0], "list_releases", repository="acme/shop"))["releases"]
    assert (release["tag"], release["draft"], release["published_at"]) == ("v1.5.0", True, None)


async def test_files_and_folders_are_read(hub: tuple[Any, Hub]) -> None:
    async def read(path: str, **more: Any) -> dict[str, Any]:
        return await call(hub[0], "get_file", repository="acme/shop", path=path, **more)

    assert (await read("services"))["entries"] == ["cart/", "README.md"]
    part = await read("README.md", ref="v1", first_line=2, max_lines=1)
    assert (part["text"], part["lines"], part["first_line"], part["truncated"]) == ("line", 3, 2, True)
    assert hub[1].asked[-1].query_params["ref"] == "v1"
    assert (await read("big.txt"))["lines"] == 3
    assert (await read("empty"))["text"] == ""


@pytest.mark.parametrize(
    ("path", "error", "says"),
    [
        ("logo.png", ToolRejected, "is not text"),
        ("vendor", ToolRejected, "is a submodule"),
        ("gone", ToolNotFound, "gone at the default branch of acme/shop does not exist"),
        ("a/../../../user", ToolRejected, "is not a path"),
    ],
)
async def test_what_is_no_file_is_named(hub: tuple[Any, Hub], path: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        await ask(hub[0], "get_file", repository="acme/shop", path=path)


async def test_what_did_not_change_is_not_sent_again(hub: tuple[Any, Hub]) -> None:
    async with McpToolbox({"github": hub[0]}) as tools:
        first = await tools.call("github.get_file", {"repository": "acme/shop", "path": "README.md"})
        again = await tools.call("github.get_file", {"repository": "acme/shop", "path": "README.md"})
    assert first == again
    assert hub[1].unchanged == 1


async def test_issues_and_comments_are_written_and_say_where(hub: tuple[Any, Hub]) -> None:
    made = await call(hub[0], "create_issue", repository="acme/shop", title=" Pool ", body="b", labels=["incident"])
    assert (made["issue"]["number"], made["issue"]["title"]) == (43, "Pool")
    said = await call(hub[0], "add_comment", repository="acme/shop", number=43, body="Rolled back.")
    assert (said["comment_id"], said["author"]) == (7, "bot")
    assert "https://c" in said["undo"]
    assert hub[1].sent == [
        ("/issues", {"title": "Pool", "body": "b", "labels": ["incident"]}),
        ("/issues/43/comments", {"body": "Rolled back."}),
    ]


async def test_a_dry_run_writes_nothing_and_says_what_it_would(hub: tuple[Any, Hub]) -> None:
    made = await call(hub[0], "create_issue", repository="acme/shop", title="Pool", dry_run=True)
    assert (made["dry_run"], made["issue"]["number"], made["issue"]["title"]) == (True, 0, "Pool")
    said = await call(hub[0], "add_comment", repository="acme/shop", number=43, body="x", dry_run=True)
    assert (said["dry_run"], said["on"]) == (True, "#43 Pool exhausted")
    assert hub[1].sent == []


@pytest.mark.parametrize(
    ("tool", "arguments", "error"),
    [
        ("add_comment", {"repository": "acme/shop", "number": 44, "body": "x"}, ToolRejected),
        ("add_comment", {"repository": "acme/shop", "number": 45, "body": "x", "dry_run": True}, ToolNotFound),
        ("create_issue", {"repository": "acme/other", "title": "x"}, ToolDenied),
        ("add_comment", {"repository": "acme/other", "number": 1, "body": "x"}, ToolDenied),
        ("create_issue", {"repository": "acme/shop", "title": " "}, ToolRejected),
        ("add_comment", {"repository": "acme/shop", "number": 1, "body": ""}, ToolRejected),
    ],
)
async def test_nothing_is_written_to_a_repository_nobody_watches_or_without_words(
    hub: tuple[Any, Hub], tool: str, arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await ask(hub[0], tool, **arguments)
    assert hub[1].sent == []
