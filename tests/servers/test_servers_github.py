"""GitHub's REST: pages, commits, pull requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from servers.loopback import ask, call, serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from autodevops.kernel.errors import ToolNotFound, ToolRejected
from autodevops.servers import github
from autodevops.settings import GitHubSettings

TOTAL = 230


def commit(number: int) -> dict[str, Any]:
    person = {"name": "Ada", "email": "a@example.org", "date": "2026-11-24T03:00:00Z"}
    return {
        "sha": f"{number:040x}",
        "html_url": f"https://github.example/acme/shop/commit/{number:040x}",
        "commit": {
            "message": f"change {number}",
            "author": person,
            "committer": {**person, "date": "2026-11-24T03:05:00Z"},
        },
        "author": {"login": "ada"},
    }


def pull(number: int) -> dict[str, Any]:
    return {
        "number": number,
        "title": "Raise the pool",
        "body": None,
        "user": None,
        "state": "closed",
        "merged_at": "2026-11-24T03:04:00Z",
        "merge_commit_sha": "c" * 40,
        "html_url": f"https://github.example/acme/shop/pull/{number}",
    }


FILE = {"filename": "services/cart/main.py", "status": "modified", "additions": 1, "deletions": 2, "patch": "x" * 9000}


@pytest.fixture
def server() -> Iterator[tuple[Any, list[dict[str, str]]]]:
    asked: list[dict[str, str]] = []

    async def commits(request: Request) -> Response:
        asked.append(dict(request.query_params))
        page, size = int(request.query_params["page"]), int(request.query_params["per_page"])
        items = [commit(number) for number in range(TOTAL)][(page - 1) * size : page * size]
        following = request.url.include_query_params(page=page + 1)
        more = {"Link": f'<{following}>; rel="next"'} if page * size < TOTAL else {}
        return JSONResponse(items, headers=more)

    async def one(request: Request) -> Response:
        if request.path_params["sha"] == "gone":
            return JSONResponse({"message": "No commit found for SHA: gone"}, 422)
        return JSONResponse({**commit(1), "files": [FILE]})

    async def pulls(request: Request) -> Response:
        asked.append(dict(request.query_params))
        return JSONResponse([pull(7)])

    async def pull_one(request: Request) -> Response:
        number = request.path_params["number"]
        return JSONResponse(pull(number)) if number == 7 else JSONResponse({"message": "Not Found"}, 404)

    async def files(_request: Request) -> Response:
        return JSONResponse([FILE])

    base = "/repos/acme/shop"
    routes = [
        Route(f"{base}/commits", commits),
        Route(f"{base}/commits/{{sha}}", one),
        Route(f"{base}/pulls", pulls),
        Route(f"{base}/pulls/{{number:int}}", pull_one),
        Route(f"{base}/pulls/{{number:int}}/files", files),
    ]
    with serve(Starlette(routes=routes)) as url:
        yield github.create_server(GitHubSettings(url=url, repositories=("acme/shop",))), asked


async def test_commits_are_read_page_by_page_up_to_the_limit(server: tuple[Any, list[dict[str, str]]]) -> None:
    some = await call(
        server[0], "list_commits", repository="acme/shop", limit=150, since="2026-11-24T00:00:00+01:00", path="a"
    )
    assert len(some["commits"]) == 150
    assert some["truncated"]
    assert [params["page"] for params in server[1]] == ["1", "2"]
    assert server[1][0] | {"since": "2026-11-23T23:00:00Z", "path": "a"} == server[1][0]
    every = await call(server[0], "list_commits", repository="acme/shop", limit=300)
    assert len(every["commits"]) == TOTAL
    assert not every["truncated"]


async def test_commit_has_its_files_and_the_time_it_entered_the_branch(server: tuple[Any, Any]) -> None:
    answer = (await call(server[0], "get_commit", repository="acme/shop", sha="abc"))["commit"]
    assert (answer["author"], answer["at"]) == ("ada", "2026-11-24T03:05:00Z")
    assert answer["files"][0]["path"] == "services/cart/main.py"
    assert answer["files"][0]["patch"].endswith("(cut)")


async def test_pull_requests_are_read(server: tuple[Any, Any]) -> None:
    listed = await call(server[0], "list_pulls", repository="acme/shop")
    assert listed["pulls"][0]["merged_at"] == "2026-11-24T03:04:00Z"
    assert server[1][-1]["state"] == "closed"
    one = await call(server[0], "get_pull", repository="acme/shop", number=7)
    assert one["pull"]["files"][0]["additions"] == 1


async def test_what_does_not_exist_is_named(server: tuple[Any, Any]) -> None:
    with pytest.raises(ToolNotFound, match="Pull request #8 of acme/shop does not exist"):
        await ask(server[0], "get_pull", repository="acme/shop", number=8)
    with pytest.raises(ToolRejected, match="No commit found for SHA"):
        await ask(server[0], "get_commit", repository="acme/shop", sha="gone")


@pytest.mark.parametrize("name", ["shop", "acme/shop/x", "../x", "a b/c", "../../user"])
async def test_what_is_no_repository_is_rejected(server: tuple[Any, Any], name: str) -> None:
    with pytest.raises(ToolRejected, match="is not a"):
        await ask(server[0], "list_commits", repository=name)


async def test_configured_repositories_are_listed(server: tuple[Any, Any]) -> None:
    assert (await call(server[0], "list_repositories"))["names"] == ["acme/shop"]
