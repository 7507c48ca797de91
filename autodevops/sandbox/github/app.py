"""GitHub's REST API over the world's repositories: routes, paging, conditional requests, authentication, rate limit."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from autodevops.kernel.clock import Clock
from autodevops.sandbox.basics.moments import to_datetime
from autodevops.sandbox.github import history, render
from autodevops.sandbox.github.issues import IssueBook
from autodevops.sandbox.github.render import Json
from autodevops.sandbox.world.git import Person, PullRequest, Repository, world_repositories
from autodevops.sandbox.world.world import World

Repositories = Callable[[], Sequence[Repository]]

_DOCUMENTATION = "https://docs.github.com/rest"
_MAX_PER_PAGE = 100
_AUTHENTICATED_LIMIT = 5000  # requests an hour, as GitHub gives a token
_ANONYMOUS_LIMIT = 60
_EXHAUSTED = "API rate limit exceeded for this user."
_ROBOT = Person("acme-bot", "Acme Bot")  # whose token it is


class _Refusal(Exception):
    def __init__(self, status: int, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, **extra, "documentation_url": _DOCUMENTATION, "status": str(status)}


def _not_found() -> _Refusal:
    return _Refusal(404, "Not Found")


class _Budget:
    """Requests left this hour, for a token and for everyone without one."""

    def __init__(self, limit: int, now: Clock) -> None:
        self._limits = {True: limit, False: min(limit, _ANONYMOUS_LIMIT)}
        self._now = now
        self._lock = Lock()
        self._used = {True: 0, False: 0}
        self._reset = now() + timedelta(hours=1)

    def spend(self, authenticated: bool, count: int = 1) -> dict[str, int]:
        with self._lock:
            if self._now() >= self._reset:
                self._used = {True: 0, False: 0}
                self._reset = self._now() + timedelta(hours=1)
            limit = self._limits[authenticated]
            if self._used[authenticated] + count > limit:
                raise _Refusal(403, _EXHAUSTED)
            self._used[authenticated] += count
            used = self._used[authenticated]
            return {"limit": limit, "remaining": limit - used, "reset": int(self._reset.timestamp()), "used": used}

    def exhausted(self, authenticated: bool) -> dict[str, int]:
        limit = self._limits[authenticated]
        return {"limit": limit, "remaining": 0, "reset": int(self._reset.timestamp()), "used": limit}


class GitHubApi:
    """The routes, over a function that gives the repositories as they are now. An empty `token` lets everyone in."""

    def __init__(self, repositories: Repositories, now: Clock, token: str, rate_limit: int) -> None:
        self._repositories = repositories
        self._now = now
        self._token = token
        self._budget = _Budget(rate_limit, now)
        self._issues = IssueBook()

    def routes(self) -> list[Route]:
        repo = "/repos/{owner}/{repo}"
        reads: dict[str, Callable[[Request], Any]] = {
            repo: self.repository,
            f"{repo}/branches": self.branches,
            f"{repo}/commits": self.commits,
            f"{repo}/commits/{{ref}}/pulls": self.commit_pulls,
            f"{repo}/commits/{{ref:path}}": self.commit,
            f"{repo}/compare/{{basehead:path}}": self.compare,
            f"{repo}/pulls": self.pulls,
            f"{repo}/pulls/{{number:int}}": self.pull,
            f"{repo}/pulls/{{number:int}}/files": self.pull_files,
            f"{repo}/pulls/{{number:int}}/commits": self.pull_commits,
            f"{repo}/issues": self.issues,
            f"{repo}/issues/{{number:int}}": self.issue,
            f"{repo}/issues/{{number:int}}/comments": self.comments,
            f"{repo}/releases": self.releases,
            f"{repo}/deployments": self.deployments,
            f"{repo}/deployments/{{id:int}}/statuses": self.deployment_statuses,
            f"{repo}/contents": self.contents,
            f"{repo}/contents/{{path:path}}": self.contents,
            "/user": self.user,
        }
        writes: dict[str, Callable[[Request, Json], tuple[int, Json]]] = {
            f"{repo}/issues": self.create_issue,
            f"{repo}/issues/{{number:int}}/comments": self.create_comment,
        }
        return [
            Route("/rate_limit", self.rate_limit, methods=["GET"]),
            *(Route(path, self._writer(handle), methods=["POST"]) for path, handle in writes.items()),
            *(Route(path, self._reader(handle), methods=["GET"]) for path, handle in reads.items()),
        ]

    # --- reads ---

    def repository(self, request: Request) -> Json:
        return render.repository(self._repo(request), _base(request))

    def branches(self, request: Request) -> list[Json]:
        repo = self._repo(request)
        return (
            [{"name": repo.default_branch, "commit": {"sha": repo.commits[0].sha}, "protected": True}]
            if repo.commits
            else []
        )

    def commits(self, request: Request) -> list[Json]:
        repo, query = self._repo(request), request.query_params
        head = history.resolve(repo, query.get("sha", ""))
        if head is None:
            raise _not_found()
        since, until = _moment(query.get("since", "")), _moment(query.get("until", ""))
        chosen = [
            commit
            for commit in history.reachable(repo, head)
            if history.touches(commit, query.get("path", ""))
            and history.within(commit, since, until)
            and history.written_by(commit, query.get("author", ""))
        ]
        return [render.commit(commit, repo, _base(request)) for commit in chosen]

    def commit(self, request: Request) -> Any:
        repo, ref = self._repo(request), request.path_params["ref"]
        commit = history.resolve(repo, ref)
        if commit is None:
            raise _Refusal(422, f"No commit found for SHA: {ref}")
        if _wants(request, "diff"):
            return PlainTextResponse(render.diff_text(commit.files))
        return render.commit_with_files(commit, repo, _base(request))

    def commit_pulls(self, request: Request) -> list[Json]:
        repo, ref = self._repo(request), request.path_params["ref"]
        commit = history.resolve(repo, ref)
        if commit is None:
            raise _Refusal(422, f"No commit found for SHA: {ref}")
        return [render.pull(pull, repo, _base(request)) for pull in history.pulls_with(repo, commit.sha)]

    def compare(self, request: Request) -> Any:
        repo, base = self._repo(request), _base(request)
        before, separator, after = request.path_params["basehead"].partition("...")
        first, last = history.resolve(repo, before.split(":")[-1]), history.resolve(repo, after.split(":")[-1])
        if not separator or not before or not after or first is None or last is None:
            raise _not_found()
        status, commits, ahead, behind = history.between(repo, first, last)
        files = history.changed_files(repo, first, commits)
        if _wants(request, "diff"):
            return PlainTextResponse(render.diff_text(tuple(files)))
        return {
            "url": f"{base}/repos/{repo.full_name}/compare/{first.sha}...{last.sha}",
            "html_url": f"{base}/{repo.full_name}/compare/{before}...{after}",
            "base_commit": render.commit(first, repo, base),
            "merge_base_commit": render.commit(first if ahead or not behind else last, repo, base),
            "status": status,
            "ahead_by": ahead,
            "behind_by": behind,
            "total_commits": len(commits),
            "commits": [render.commit(commit, repo, base) for commit in commits],
            "files": [render.file_change(change, last.sha, repo, base) for change in files],
        }

    def pulls(self, request: Request) -> list[Json]:
        repo, query = self._repo(request), request.query_params
        state, sort = query.get("state", "open"), query.get("sort", "created")
        if state not in ("open", "closed", "all"):
            raise _Refusal(422, "Validation Failed", errors=[_invalid("PullRequest", "state", state)])
        direction = query.get("direction", "desc" if sort == "created" else "asc")
        chosen = [pull for pull in repo.pulls if state == "all" or (pull.merged_at is None) == (state == "open")]
        if query.get("base", repo.default_branch) != repo.default_branch:
            chosen = []
        if query.get("head"):
            chosen = [pull for pull in chosen if f"{repo.owner}:{pull.branch}" == query["head"]]
        chosen.sort(
            key=lambda pull: (pull.created_at if sort == "created" else pull.merged_at or pull.created_at, pull.number),
            reverse=direction == "desc",
        )
        return [render.pull(pull, repo, _base(request)) for pull in chosen]

    def pull(self, request: Request) -> Any:
        repo = self._repo(request)
        pull = self._pull(request, repo)
        if _wants(request, "diff"):
            return PlainTextResponse(render.diff_text(pull.files))
        return render.pull_in_full(pull, repo, _base(request))

    def pull_files(self, request: Request) -> list[Json]:
        repo = self._repo(request)
        pull = self._pull(request, repo)
        return [
            render.file_change(change, pull.merge_commit or pull.head_sha, repo, _base(request))
            for change in pull.files
        ]

    def pull_commits(self, request: Request) -> list[Json]:
        repo = self._repo(request)
        pull = self._pull(request, repo)
        commit = history.resolve(repo, pull.merge_commit) if pull.merge_commit else None
        return [render.commit(commit, repo, _base(request))] if commit else []

    def issues(self, request: Request) -> list[Json]:
        repo, base = self._repo(request), _base(request)
        state = request.query_params.get("state", "open")
        everything = self._issues.all(repo, base) + [render.pull_as_issue(pull, repo, base) for pull in repo.pulls]
        chosen = [issue for issue in everything if state in ("all", issue["state"])]
        wanted = {name for name in request.query_params.get("labels", "").split(",") if name}
        chosen = [issue for issue in chosen if wanted <= {label["name"] for label in issue["labels"]}]
        return sorted(chosen, key=lambda issue: (issue["created_at"], issue["number"]), reverse=True)

    def issue(self, request: Request) -> Json:
        repo, base, number = self._repo(request), _base(request), request.path_params["number"]
        found = self._issues.get(repo, number, base)
        if found is None:
            pull = next((pull for pull in repo.pulls if pull.number == number), None)
            found = render.pull_as_issue(pull, repo, base) if pull else None
        if found is None:
            raise _not_found()
        return found

    def comments(self, request: Request) -> list[Json]:
        repo = self._repo(request)
        number = request.path_params["number"]
        found = self._issues.comments(repo, number, _base(request))
        if found is None:
            if any(pull.number == number for pull in repo.pulls):
                return []
            raise _not_found()
        return found

    def releases(self, request: Request) -> list[Json]:
        repo = self._repo(request)
        return [render.release(release, repo, _base(request)) for release in repo.releases]

    def deployments(self, request: Request) -> list[Json]:
        repo, query = self._repo(request), request.query_params
        found = [render.deployment(value, repo, _base(request)) for value in repo.deployments]
        for name in ("sha", "ref", "task", "environment"):
            if query.get(name):
                found = [document for document in found if document[name] == query[name]]
        return found

    def deployment_statuses(self, request: Request) -> list[Json]:
        repo, base = self._repo(request), _base(request)
        for value in repo.deployments:
            if value.id == request.path_params["id"]:
                document = render.deployment(value, repo, base)
                return [
                    {
                        "id": render.number_id("status", str(value.id)),
                        "state": "success",
                        "creator": document["creator"],
                        "environment": document["environment"],
                        "created_at": document["created_at"],
                        "deployment_url": document["url"],
                    }
                ]
        raise _not_found()

    def contents(self, request: Request) -> Any:
        repo, base = self._repo(request), _base(request)
        path = request.path_params.get("path", "").strip("/")
        ref = request.query_params.get("ref", repo.default_branch)
        commit = history.resolve(repo, ref)
        if commit is None:
            raise _Refusal(404, f"No commit found for the ref {ref}")
        tree = repo.trees[commit.sha]
        if path in tree:
            if _wants(request, "raw"):
                return PlainTextResponse(tree[path])
            document = _entry(repo, path, "file", ref, base, tree[path])
            return document | {"encoding": "base64", "content": base64.encodebytes(tree[path].encode()).decode()}
        prefix = f"{path}/" if path else ""
        names = sorted({name.removeprefix(prefix).split("/")[0] for name in tree if name.startswith(prefix)})
        if not names:
            raise _not_found()
        return [
            _entry(
                repo, prefix + name, "file" if prefix + name in tree else "dir", ref, base, tree.get(prefix + name, "")
            )
            for name in names
        ]

    def user(self, request: Request) -> Json:
        if self._token and not self._authenticated(request):
            raise _Refusal(401, "Requires authentication")
        return render.user(_ROBOT, _base(request)) | {"name": _ROBOT.name}

    async def rate_limit(self, request: Request) -> Response:
        try:
            core = self._budget.spend(self._authenticated(request), 0)
        except _Refusal as refusal:
            return JSONResponse(refusal.body, status_code=refusal.status)
        return JSONResponse({"resources": {"core": core}, "rate": core}, headers=_rate_headers(core))

    # --- writes ---

    def create_issue(self, request: Request, body: Json) -> tuple[int, Json]:
        repo, title = self._repo(request), body.get("title")
        if not isinstance(title, str) or not title.strip():
            raise _Refusal(
                422, "Validation Failed", errors=[{"resource": "Issue", "code": "missing_field", "field": "title"}]
            )
        labels = [name for name in body.get("labels") or [] if isinstance(name, str)]
        number = self._issues.create(repo, _ROBOT, title, str(body.get("body") or ""), labels, self._now())
        created = self._issues.get(repo, number, _base(request))
        assert created is not None
        return 201, created

    def create_comment(self, request: Request, body: Json) -> tuple[int, Json]:
        repo, text, number = self._repo(request), body.get("body"), request.path_params["number"]
        if not isinstance(text, str) or not text.strip():
            raise _Refusal(
                422,
                "Validation Failed",
                errors=[{"resource": "IssueComment", "code": "missing_field", "field": "body"}],
            )
        identity = self._issues.comment(repo, number, _ROBOT, text, self._now())
        if identity is None:
            raise _not_found()
        comments = self._issues.comments(repo, number, _base(request)) or []
        return 201, next(comment for comment in comments if comment["id"] == identity)

    # --- what every route shares ---

    def _repo(self, request: Request) -> Repository:
        wanted = f"{request.path_params['owner']}/{request.path_params['repo']}".lower()
        visible = not self._token or self._authenticated(request)  # a private repository is "Not Found" to strangers
        for repo in self._repositories() if visible else ():
            if repo.full_name.lower() == wanted:
                return repo
        raise _not_found()

    def _pull(self, request: Request, repo: Repository) -> PullRequest:
        for pull in repo.pulls:
            if pull.number == request.path_params["number"]:
                return pull
        raise _not_found()

    def _authenticated(self, request: Request) -> bool:
        """Raises the 401 that GitHub gives to a wrong token; no token at all is an anonymous visitor."""
        header = request.headers.get("authorization", "")
        if not header:
            return False
        scheme, _, credential = header.partition(" ")
        if scheme.lower() == "basic":
            try:
                credential = base64.b64decode(credential).decode().partition(":")[2]
            except ValueError:
                credential = ""
        elif scheme.lower() not in ("bearer", "token"):
            credential = ""
        if self._token and credential.strip() != self._token:
            raise _Refusal(401, "Bad credentials")
        return True

    def _reader(self, handle: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            authenticated = False
            try:
                authenticated = self._authenticated(request)
                rate = self._budget.spend(authenticated)
                answer = handle(request)
            except _Refusal as refusal:
                return self._refused(refusal, authenticated)
            response = answer if isinstance(answer, Response) else _page(request, answer)
            etag = f'W/"{hashlib.sha256(bytes(response.body)).hexdigest()}"'
            if etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]:
                rate = self._budget.spend(authenticated, -1)  # a 304 is free
                response = Response(status_code=304)
            response.headers["ETag"] = etag
            response.headers.update(_rate_headers(rate))
            return response

        return serve

    def _writer(self, handle: Callable[[Request, Json], tuple[int, Json]]) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            authenticated = False
            try:
                authenticated = self._authenticated(request)
                rate = self._budget.spend(authenticated)
                if self._token and not authenticated:
                    raise _not_found()
                try:
                    body = json.loads(await request.body())
                except ValueError as error:
                    raise _Refusal(400, "Problems parsing JSON") from error
                if not isinstance(body, dict):
                    raise _Refusal(400, "Body should be a JSON object")
                status, document = handle(request, body)
            except _Refusal as refusal:
                return self._refused(refusal, authenticated)
            headers = {**_rate_headers(rate), "Location": document["url"]}
            return JSONResponse(document, status_code=status, headers=headers)

        return serve

    def _refused(self, refusal: _Refusal, authenticated: bool) -> Response:
        headers = {}
        if refusal.body["message"] == _EXHAUSTED:
            headers = _rate_headers(self._budget.exhausted(authenticated))
        return JSONResponse(refusal.body, status_code=refusal.status, headers=headers)


def create_app(world: World, token: str = "", rate_limit: int = _AUTHENTICATED_LIMIT) -> Starlette:
    """GitHub over `world`'s repositories; they are private, so without `token` they are not there."""
    return application(
        GitHubApi(lambda: world_repositories(world), lambda: to_datetime(world.now()), token, rate_limit)
    )


def application(api: GitHubApi) -> Starlette:
    """The routes as an application."""
    return Starlette(routes=api.routes(), exception_handlers={HTTPException: _refuse})


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = {404: "Not Found", 405: "Not Found"}.get(error.status_code, error.detail)
    status = 404 if error.status_code == 405 else error.status_code
    return JSONResponse(_Refusal(status, message).body, status_code=status)


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _page(request: Request, answer: Any) -> Response:
    if not isinstance(answer, list):
        return JSONResponse(answer)
    size = min(_positive(request, "per_page", 30), _MAX_PER_PAGE)
    page = _positive(request, "page", 1)
    last = max(1, -(-len(answer) // size))
    response = JSONResponse(answer[(page - 1) * size : page * size])
    relations = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    if page <= 1:
        del relations["prev"], relations["first"]
    if page >= last:
        del relations["next"], relations["last"]
    links = [f'<{request.url.include_query_params(page=number)}>; rel="{name}"' for name, number in relations.items()]
    if links:
        response.headers["Link"] = ", ".join(links)
    return response


def _positive(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isdigit() and int(text) > 0 else default


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _Refusal(422, f"Invalid request.\n\n{text!r} is not a timestamp such as 2026-01-31T12:00:00Z.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _wants(request: Request, media: str) -> bool:
    accept = request.headers.get("accept", "")
    return f"vnd.github.{media}" in accept or f"vnd.github.v3.{media}" in accept


def _invalid(resource: str, field: str, value: str) -> Json:
    return {"resource": resource, "field": field, "code": "invalid", "value": value}


def _entry(repo: Repository, path: str, kind: str, ref: str, base: str, text: str) -> Json:
    url = f"{base}/repos/{repo.full_name}/contents/{path}?ref={ref}"
    return {
        "type": kind,
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "size": len(text.encode()),
        "sha": render.blob_sha(text if kind == "file" else f"tree:{path}"),
        "url": url,
        "html_url": f"{base}/{repo.full_name}/{'blob' if kind == 'file' else 'tree'}/{ref}/{path}",
        "download_url": f"{base}/{repo.full_name}/raw/{ref}/{path}" if kind == "file" else None,
    }


def _rate_headers(rate: dict[str, int]) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(rate["limit"]),
        "X-RateLimit-Remaining": str(rate["remaining"]),
        "X-RateLimit-Reset": str(rate["reset"]),
        "X-RateLimit-Used": str(rate["used"]),
        "X-RateLimit-Resource": "core",
    }
