"""What every route shares: who calls, what it costs, pages, ETags and GitHub's headers."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from itertools import count
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from autodevops.kernel.clock import Clock
from autodevops.sandbox.basics.hashing import digest
from autodevops.sandbox.github.budget import Budget, Exhausted, Rate, rate_headers
from autodevops.sandbox.github.calls import ROBOT, Answer, Call, Changed, Listing
from autodevops.sandbox.github.made import Desk
from autodevops.sandbox.github.refusals import Refusal, not_found
from autodevops.sandbox.github.render import Json
from autodevops.sandbox.world.git import Repository

API_VERSION = "2022-11-28"
_VERSIONS = (API_VERSION,)
_MAX_PER_PAGE = 100
_NO_AGENT = (
    "\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent header "
    "(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). "
    "Check https://developer.github.com for other possible causes.\n"
)


class Door:
    """Wraps handlers. An empty `token` lets everyone in."""

    def __init__(self, repositories: Callable[[], Sequence[Repository]], now: Clock, token: str, limit: int) -> None:
        self._repositories = repositories
        self._now = now
        self._token = token
        self._budget = Budget(limit, now)
        self._desk = Desk()
        self._requests = count(1)

    def wrap(self, handle: Callable[[Call], Answer]) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            body = await request.body()
            return await run_in_threadpool(self._serve, handle, request, body)

        return serve

    async def rate_limit(self, request: Request) -> Response:
        """Asking what is left costs nothing."""
        try:
            rate = self._spend(request, self._authenticated(request), 0)
        except Refusal as refusal:
            return self._dress(JSONResponse(refusal.body, status_code=refusal.status), request)
        return self._dress(JSONResponse({"resources": {"core": rate}, "rate": rate}), request, rate)

    def refused(self, request: Request, refusal: Refusal) -> Response:
        rate = refusal.rate if isinstance(refusal, Exhausted) else None
        return self._dress(JSONResponse(refusal.body, status_code=refusal.status), request, rate)

    def _serve(self, handle: Callable[[Call], Answer], request: Request, body: bytes) -> Response:
        if not request.headers.get("user-agent"):
            return self._dress(PlainTextResponse(_NO_AGENT, status_code=403), request)
        rate: Rate | None = None
        try:
            authenticated = self._authenticated(request)
            rate = self._spend(request, authenticated, 1)
            _check_version(request)
            call = self._call(request, body, authenticated)
            answer = handle(call)
            response = _respond(call, answer)
        except Exhausted as refusal:
            return self.refused(request, refusal)
        except Refusal as refusal:
            return self._dress(JSONResponse(refusal.body, status_code=refusal.status), request, rate)
        if request.method == "GET" and response.status_code == 200:
            response.headers["ETag"] = f'W/"{hashlib.sha256(bytes(response.body)).hexdigest()}"'
            modified = _modified(answer)
            if modified is not None:
                response.headers["Last-Modified"] = format_datetime(modified, usegmt=True)
            if _unchanged(request, response.headers["ETag"], modified):
                rate = self._spend(request, authenticated, -1)  # a 304 is free
                response = Response(status_code=304, headers={"ETag": response.headers["ETag"]})
        return self._dress(response, request, rate)

    def _call(self, request: Request, body: bytes, authenticated: bool) -> Call:
        writes = request.method != "GET"
        visible = authenticated or not self._token
        if writes and not visible:
            raise not_found()
        document: Any = {}
        if writes and body.strip():
            try:
                document = json.loads(body)
            except ValueError as error:
                raise Refusal(400, "Problems parsing JSON") from error
            if isinstance(document, list):
                document = {"labels": document}  # the one body that may be a bare list
            if not isinstance(document, dict):
                raise Refusal(400, "Body should be a JSON object")
        repositories = self._repositories() if visible else ()
        return Call(request, document, repositories, visible, self._now(), self._desk)

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
            raise Refusal(401, "Bad credentials")
        return True

    def _spend(self, request: Request, authenticated: bool, amount: int) -> Rate:
        address = request.client.host if request.client else "127.0.0.1"
        return self._budget.spend(authenticated, ROBOT.login, address, amount)

    def _dress(self, response: Response, request: Request, rate: Rate | None = None) -> Response:
        name = digest("request", next(self._requests), size=10).upper()
        stamp = f"{int(self._now().timestamp()):X}"
        response.headers["Server"] = "GitHub.com"
        response.headers["X-GitHub-Request-Id"] = f"{name[:4]}:{name[4:10]}:{name[10:15]}:{name[15:20]}:{stamp}"
        response.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
        response.headers["X-GitHub-Api-Version-Selected"] = API_VERSION
        response.headers["Vary"] = "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding"
        response.headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
        if request.headers.get("authorization") and response.status_code != 401:
            response.headers["X-OAuth-Scopes"] = "repo"
        if response.headers.get("content-type") == "application/json":
            response.headers["Content-Type"] = "application/json; charset=utf-8"
        if rate is not None:
            response.headers.update(rate_headers(rate))
        return response


def _check_version(request: Request) -> None:
    wanted = request.headers.get("x-github-api-version")
    if wanted and wanted not in _VERSIONS:
        raise Refusal(400, f"Invalid API version {wanted!r}; supported: {', '.join(_VERSIONS)}.")


def _respond(call: Call, answer: Answer) -> Response:
    if isinstance(answer, Response):
        return answer
    if isinstance(answer, Listing):
        return page(call, answer)
    if isinstance(answer, Changed):
        if answer.document is None:
            return Response(status_code=answer.status)
        response = JSONResponse(answer.document, status_code=answer.status)
        if answer.status == 201 and isinstance(answer.document, dict) and "url" in answer.document:
            response.headers["Location"] = answer.document["url"]
        return response
    return JSONResponse(answer)


def page(call: Call, listing: Listing, usual: int = 30) -> Response:
    """One page, with links to its neighbours."""
    size = min(_positive(call, "per_page", usual), max(usual, _MAX_PER_PAGE))
    number = _positive(call, "page", 1)
    last = max(1, -(-len(listing.items) // size))
    shown: list[Json] = [listing.shape(one) for one in listing.items[(number - 1) * size : number * size]]
    response = JSONResponse(listing.wrap(shown, len(listing.items)) if listing.wrap else shown)
    relations = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
    if number <= 1:
        del relations["prev"], relations["first"]
    if number >= last:
        del relations["next"], relations["last"]
    url = call.request.url
    links = [f'<{url.include_query_params(page=number)}>; rel="{name}"' for name, number in relations.items()]
    if links:
        response.headers["Link"] = ", ".join(links)
    return response


def _positive(call: Call, name: str, default: int) -> int:
    text = call.query(name)
    return int(text) if text.isdigit() and int(text) > 0 else default


def _modified(answer: Answer) -> datetime | None:
    """When a single thing last changed, where it says so."""
    if not isinstance(answer, dict):
        return None
    told = answer.get("updated_at")
    if told is None and "sha" in answer and isinstance(answer.get("commit"), dict):
        told = answer["commit"]["committer"]["date"]
    return datetime.fromisoformat(told) if isinstance(told, str) else None


def _unchanged(request: Request, etag: str, modified: datetime | None) -> bool:
    asked = request.headers.get("if-none-match")
    if asked is not None:
        known = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
        return "*" in known or etag.removeprefix("W/") in known
    since = request.headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        return modified <= parsedate_to_datetime(since)
    except ValueError:
        return False
