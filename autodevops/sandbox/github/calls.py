"""One request as a handler sees it, and what a handler may answer.

Handlers are free functions from `Call` to an answer, listed with their paths in each noun's `ENDPOINTS`; who may call
them, pages, ETags and the rate limit are the door's (`door`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from autodevops.sandbox.github.made import Desk, Made
from autodevops.sandbox.github.nouns import Commit
from autodevops.sandbox.github.refusals import Refusal, no_commit, not_found, not_supplied, wrong_type
from autodevops.sandbox.github.render import Json
from autodevops.sandbox.github.view import Repo, look
from autodevops.sandbox.world.git import Person, Repository

ROBOT = Person("acme-bot", "Acme Bot")  # whose token it is


@dataclass(frozen=True)
class Listing:
    """A list to be cut into pages: `shape` is asked only for what is on the page. `wrap` puts a page in a document
    (which is told how many there are in all)."""

    items: Sequence[Any]
    shape: Callable[[Any], Json] = field(default=lambda one: one)
    wrap: Callable[[list[Json], int], Json] | None = None


@dataclass(frozen=True)
class Changed:
    """What a write answers: 200, 201 (with `Location`), 202, or 204 without a document."""

    status: int
    document: Json | list[Json] | None = None


Answer = Json | Listing | Changed | Response


@dataclass(frozen=True)
class Endpoint:
    method: str
    path: str
    handle: Callable[[Call], Answer]


@dataclass
class Call:
    """`repositories` are those that the caller may see; `body` is empty for reads."""

    request: Request
    body: Json
    repositories: Sequence[Repository]
    authenticated: bool
    now: datetime
    desk: Desk

    @property
    def base(self) -> str:
        return str(self.request.base_url).rstrip("/")

    def path(self, name: str) -> Any:
        return self.request.path_params[name]

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    @property
    def repo(self) -> Repo:
        """The repository of the path as it is now; a private one is "Not Found" to strangers."""
        return self.look(self._repository())

    def _repository(self) -> Repository:
        wanted = f"{self.path('owner')}/{self.path('repo')}".lower()
        for one in self.repositories:
            if one.full_name.lower() == wanted:
                return one
        raise not_found()

    def look(self, repository: Repository) -> Repo:
        return look(repository, self.desk.read(repository.full_name), self.now)

    def edit(self, change: Callable[[Repo, Made], Made]) -> Repo:
        """Change what was made in the repository of the path; `change` sees it as it is at that moment. Returns it as
        it is afterwards."""
        repository = self._repository()
        self.desk.edit(repository.full_name, lambda made: change(look(repository, made, self.now), made))
        return self.look(repository)

    # --- the body ---

    def text(self, name: str, default: str | None = None) -> str:
        """A string of the body; without a default it has to be there."""
        value = self.body.get(name)
        if value is None:
            if default is None:
                raise not_supplied(name)
            return default
        if not isinstance(value, str):
            raise wrong_type(name, value, "a string")
        return value

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of names (labels may come as objects); None when it was not given."""
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, list):
            raise wrong_type(name, value, "an array")
        return tuple(str(one["name"]) if isinstance(one, dict) and "name" in one else str(one) for one in value)

    def require(self, *names: str) -> None:
        absent = [name for name in names if self.body.get(name) is None]
        if absent:
            raise not_supplied(*absent)

    # --- what was asked for ---

    def moment(self, name: str) -> datetime | None:
        text = self.query(name)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise Refusal(
                422, f"Invalid request.\n\n{text!r} is not a timestamp such as 2026-01-31T12:00:00Z."
            ) from error
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def wants(self, media: str) -> bool:
        """Whether `Accept` names GitHub's media type: diff, patch, raw, sha."""
        accept = self.request.headers.get("accept", "")
        return f"vnd.github.{media}" in accept or f"vnd.github.v3.{media}" in accept


def in_media(text: str, media: str) -> Response:
    return Response(
        text.encode("utf-8", "surrogateescape"), media_type=f"application/vnd.github.{media}; charset=utf-8"
    )


def found(commit: Commit | None, ref: str) -> Commit:
    if commit is None:
        raise no_commit(ref)
    return commit
