"""GitHub's REST API over the world's repositories: every noun's endpoints behind one door."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autodevops.kernel.clock import Clock
from autodevops.sandbox.basics.moments import to_datetime
from autodevops.sandbox.github import (
    checks,
    commits,
    contents,
    deliveries,
    git_data,
    issues,
    merging,
    pulls,
    refs,
    repositories,
    search,
)
from autodevops.sandbox.github.budget import AUTHENTICATED_LIMIT
from autodevops.sandbox.github.door import Door
from autodevops.sandbox.github.refusals import Refusal
from autodevops.sandbox.world.git import Repository, world_repositories
from autodevops.sandbox.world.world import World

_NOUNS = (repositories, checks, commits, pulls, merging, issues, deliveries, contents, refs, git_data, search)


def create_app(world: World, token: str = "", rate_limit: int = AUTHENTICATED_LIMIT) -> Starlette:
    """GitHub over `world`'s repositories; they are private, so without `token` they are not there."""
    return application(lambda: world_repositories(world), lambda: to_datetime(world.now()), token, rate_limit)


def application(
    source: Callable[[], Sequence[Repository]], now: Clock, token: str, rate_limit: int = AUTHENTICATED_LIMIT
) -> Starlette:
    """The API over a function that gives the repositories as they are now. An empty `token` lets everyone in."""
    door = Door(source, now, token, rate_limit)

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return door.refused(request, Refusal(404, "Not Found"))

    return Starlette(
        routes=[
            Route("/rate_limit", door.rate_limit, methods=["GET"]),
            *(
                Route(one.path, door.wrap(one.handle), methods=[one.method])
                for noun in _NOUNS
                for one in noun.ENDPOINTS
            ),
        ],
        exception_handlers={HTTPException: refuse},
    )
