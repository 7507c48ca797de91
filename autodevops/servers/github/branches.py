"""Branches and the pull requests from them, for the tools that open one."""

from __future__ import annotations

from urllib.parse import quote

from autodevops.domain.tool_results import PullRequest
from autodevops.kernel.errors import ToolNotFound
from autodevops.servers._http import HttpApi
from autodevops.servers.github import answers
from autodevops.servers.github.client import home

OURS = "autodevops/"  # how branches that we made are named


async def default_branch(api: HttpApi, repository: str) -> str:
    item = await api.get(home(repository), missing=f"Repository {repository}")
    with api.understanding():
        return str(item["default_branch"])


async def tip(api: HttpApi, repository: str, branch: str) -> str:
    path = f"{home(repository)}/git/ref/heads/{quote(branch)}"
    item = await api.get(path, missing=f"Branch {branch} of {repository}")
    with api.understanding():
        return str(item["object"]["sha"])


async def tip_or_nothing(api: HttpApi, repository: str, branch: str) -> str:
    try:
        return await tip(api, repository, branch)
    except ToolNotFound:
        return ""


async def open_pull(api: HttpApi, repository: str, branch: str) -> PullRequest | None:
    owner = repository.partition("/")[0]
    params = [("state", "open"), ("head", f"{owner}:{branch}")]
    found = await api.get(f"{home(repository)}/pulls", params, missing=f"Repository {repository}")
    with api.understanding():
        return next((answers.pull(repository, one) for one in found if one["head"]["ref"] == branch), None)


def planned_pull(repository: str, title: str, body: str = "") -> PullRequest:
    return PullRequest(repository=repository, number=0, title=title, body=body, author="", state="open", url="")


async def make_pull(api: HttpApi, repository: str, branch: str, base: str, title: str, body: str = "") -> PullRequest:
    sent = {"title": title, "body": body, "head": branch, "base": base}
    reply = await api.write("POST", f"{home(repository)}/pulls", sent)
    with api.understanding():
        return answers.pull(repository, api.json(reply))


def undo_of(repository: str, pull: PullRequest) -> str:
    return f"close_pull(repository={repository!r}, number={pull.number})"
