"""What is written to GitHub twice is there once, and can be taken back: issues and reverts, in the sandbox's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mcp.server import MCPServer
from pydantic import SecretStr
from servers.loopback import ask, call

from autodevops.kernel.errors import ToolDenied, ToolNotFound, ToolRejected
from autodevops.sandbox import Sandbox
from autodevops.servers import github
from autodevops.settings import GitHubSettings


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("bad-deploy-latency", systems=("github",)) as running:
        yield running


@pytest.fixture
def server(sandbox: Sandbox) -> MCPServer[Any]:
    url, where = sandbox.addresses["github"], (sandbox.world.topology.repository,)
    settings = GitHubSettings(url=url, token=SecretStr(sandbox.token), repositories=where, allow_writes=True)
    return github.create_server(settings)


@pytest.fixture
def repository(sandbox: Sandbox) -> str:
    return sandbox.world.topology.repository


async def newest(server: MCPServer[Any], repository: str) -> str:
    commits = (await call(server, "list_commits", repository=repository, limit=1))["commits"]
    return str(commits[0]["sha"])


async def open_pulls(server: MCPServer[Any], repository: str) -> list[int]:
    return [one["number"] for one in (await call(server, "list_pulls", repository=repository, state="open"))["pulls"]]


async def test_a_revert_is_tried_opened_once_and_closed(server: MCPServer[Any], repository: str) -> None:
    sha, before = await newest(server, repository), await open_pulls(server, repository)
    wanted = {"repository": repository, "sha": sha[:10], "reason": "Slow since then."}
    tried = await call(server, "open_revert_pull", **wanted, dry_run=True)
    assert (tried["dry_run"], tried["reverts"], tried["pull"]["number"]) == (True, sha, 0)
    assert await open_pulls(server, repository) == before

    done = await call(server, "open_revert_pull", **wanted)
    again = await call(server, "open_revert_pull", **wanted)
    number = done["pull"]["number"]
    assert (done["changed"], again["changed"], again["pull"]["number"]) == (True, False, number)
    assert done["pull"]["title"].startswith('Revert "')
    assert sha in done["pull"]["body"]
    assert await open_pulls(server, repository) == [number, *before]
    changed = (await call(server, "get_pull", repository=repository, number=number))["pull"]["files"]
    assert sorted(one["path"] for one in changed) == done["paths"] == tried["paths"]
    taken_back = (await call(server, "get_commit", repository=repository, sha=sha))["commit"]["files"]
    counts = {one["path"]: (one["additions"], one["deletions"]) for one in taken_back}
    assert {one["path"]: (one["deletions"], one["additions"]) for one in changed} == counts

    closed = await call(server, "close_pull", repository=repository, number=number)
    assert (closed["pull"]["state"], closed["branch_deleted"]) == ("closed", True)
    assert await open_pulls(server, repository) == before
    assert not (await call(server, "close_pull", repository=repository, number=number))["changed"]
    anew = await call(server, "open_revert_pull", **wanted)
    assert (anew["changed"], anew["pull"]["number"] != number) == (True, True)
    await call(server, "close_pull", repository=repository, number=anew["pull"]["number"])


async def test_what_was_changed_again_since_is_left_to_people(server: MCPServer[Any], repository: str) -> None:
    commits = (await call(server, "list_commits", repository=repository, limit=30))["commits"]
    refused = []
    for commit in commits[1:]:
        try:
            await ask(server, "open_revert_pull", repository=repository, sha=commit["sha"], dry_run=True)
        except ToolRejected as error:
            refused.append(error.message)
    assert any(text.startswith("Changed again since that commit:") for text in refused)


@pytest.mark.parametrize(
    ("tool", "arguments", "error"),
    [
        ("open_revert_pull", {"repository": "acme/other", "sha": "abcd"}, ToolDenied),
        ("open_revert_pull", {"sha": "abcdabcdabcd"}, ToolRejected),
        ("close_pull", {"number": 999}, ToolNotFound),
        ("close_issue", {"number": 999}, ToolNotFound),
    ],
)
async def test_what_is_not_there_or_not_ours_is_refused(
    server: MCPServer[Any], repository: str, tool: str, arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await ask(server, tool, **{"repository": repository, **arguments})


async def test_an_issue_of_one_key_is_opened_once_and_closed(server: MCPServer[Any], repository: str) -> None:
    wanted = {"repository": repository, "title": "cart: slow", "body": "Seen.", "idempotency_key": "op-1"}
    made = await call(server, "create_issue", **wanted)
    again = await call(server, "create_issue", **wanted)
    assert (made["changed"], again["changed"], again["issue"]["number"]) == (True, False, made["issue"]["number"])
    assert made["issue"]["body"] == "Seen.\n\n<!-- op-1 -->"
    closed = await call(server, "close_issue", repository=repository, number=made["issue"]["number"])
    assert (closed["issue"]["state"], closed["changed"]) == ("closed", True)
    assert not (await call(server, "close_issue", repository=repository, number=made["issue"]["number"]))["changed"]
