"""The API server's routes: paths are taken apart here, everything else is in the neighbours.

A request is answered in a worker thread, under the cluster's lock, after the cluster's time has been let pass; watches
and followed logs take the lock for each look of theirs.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from autodevops.sandbox.cluster.rbac import User, Wish
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes import discovery, openapi, openapi_v2
from autodevops.sandbox.kubernetes.access import PUBLIC, authenticate
from autodevops.sandbox.kubernetes.call import Call
from autodevops.sandbox.kubernetes.change import patch, update
from autodevops.sandbox.kubernetes.create import create
from autodevops.sandbox.kubernetes.delete import delete, delete_collection
from autodevops.sandbox.kubernetes.evict import evict
from autodevops.sandbox.kubernetes.logs import LogRequest, log_lines, parse_log_request
from autodevops.sandbox.kubernetes.rbac import authorize, impersonated
from autodevops.sandbox.kubernetes.reads import listed, shaped, single
from autodevops.sandbox.kubernetes.resources import REVIEWS, USAGE, Resource, find_resource, versions
from autodevops.sandbox.kubernetes.reviews import review, token_request
from autodevops.sandbox.kubernetes.scale import scale_of
from autodevops.sandbox.kubernetes.served import Served
from autodevops.sandbox.kubernetes.status import Refused, method_not_allowed, no_such_resource
from autodevops.sandbox.kubernetes.usage import usage
from autodevops.sandbox.kubernetes.watch import watch

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_PATHS = ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]


def create_app(served: Served, token: str) -> Starlette:
    """The API server over a cluster; every request but /version and the health checks needs a bearer token. `token` is
    the administrator's and the secret that others are signed with (`access.token_for`)."""
    app = Starlette(routes=[Route("/{path:path}", _Api(served, token).answer, methods=_METHODS)])
    app.state.closing = False
    return app


class _Api:
    def __init__(self, served: Served, secret: str) -> None:
        self._served, self._secret = served, secret

    async def answer(self, request: Request) -> Response:
        parts = [part for part in request.path_params["path"].split("/") if part]
        try:
            user = await run_in_threadpool(self._who, request)
            return await self._route(request, user, parts)
        except Refused as refused:
            response = _json(refused.body, refused.code)
            if (seconds := (refused.body.get("details") or {}).get("retryAfterSeconds")) is not None:
                response.headers["Retry-After"] = str(seconds)
            return response

    def _who(self, request: Request) -> User:
        if request.url.path.rstrip("/") in PUBLIC:
            return User("system:anonymous", ("system:unauthenticated",))
        cluster = self._served.cluster
        with cluster.lock:
            cluster.advance(self._served.now())
            user = authenticate(request.headers, self._secret, cluster.store)
            groups = request.headers.getlist("impersonate-group")
            return impersonated(cluster.store, user, request.headers, groups)

    async def _route(self, request: Request, user: User, parts: list[str]) -> Response:
        match parts:
            case ["api", "v1", _, *_]:
                return await self._resource(request, user, "", "v1", parts[2:])
            case ["apis", group, version, _, *_] if version in versions().get(group, ()):
                return await self._resource(request, user, group, version, parts[3:])
        if request.url.path.rstrip("/") not in PUBLIC:
            await run_in_threadpool(self._may_read, user, request.url.path, _VERBS[request.method])
        match parts:
            case ["version"]:
                return _json(discovery.version())
            case ["healthz" | "livez" | "readyz", *_]:
                return PlainTextResponse("ok")
            case [("api" | "apis") as root]:
                return _discover(request, root)
            case ["api", "v1"]:
                return _json(discovery.resource_list("", "v1"))
            case ["apis", group] if group in versions():
                return _json({"kind": "APIGroup", "apiVersion": "v1", **discovery.group(group)})
            case ["apis", group, version] if version in versions().get(group, ()):
                return _json(discovery.resource_list(group, version))
            case ["openapi", "v2"]:
                return Response(await run_in_threadpool(openapi_v2.document), media_type=openapi_v2.MEDIA_TYPE)
            case ["openapi", "v3"]:
                return _json(openapi.index())
            case ["openapi", "v3", *root] if found := await run_in_threadpool(openapi.document, "/".join(root)):
                return _json(found)
            case [] if request.method == "GET":
                return _json({"paths": _PATHS})
            case _:
                return PlainTextResponse("404 page not found\n", 404)

    def _may_read(self, user: User, path: str, verb: str) -> None:
        with self._served.cluster.lock:
            authorize(self._served.cluster.store, user, Wish(verb, path=path))

    async def _resource(self, request: Request, user: User, group: str, version: str, rest: list[str]) -> Response:
        resource, namespace, tail = _target(group, version, rest)
        name, subresource = (*tail, "", "")[:2]
        call = Call(
            self._served, self._secret, user, request.method, resource, namespace, name, subresource,
            dict(request.query_params), {key.lower(): value for key, value in request.headers.items()},
            await request.body(),
        )  # fmt: skip
        status, body = await run_in_threadpool(self._answer, call)
        state = request.app.state
        if isinstance(body, LogRequest):
            return StreamingResponse(log_lines(body, lambda: state.closing), media_type="text/plain")
        if body is None:
            return StreamingResponse(watch(call, lambda: state.closing), media_type="application/json")
        response = _json(body, status)
        for warning in call.warnings:
            response.headers.append("Warning", f"299 - {json.dumps(warning)}")
        return response

    def _answer(self, call: Call) -> tuple[int, Json | LogRequest | None]:
        """Status and body; no body for a watch, whose events come later."""
        cluster = self._served.cluster
        with cluster.lock:
            cluster.advance(self._served.now())
            watching = call.flag("watch") and call.method in ("GET", "HEAD")
            verb = _verb(call, watching=watching)
            resource, name = call.resource, call.name
            if verb in ("list", "watch"):
                name = name or _selected_name(call)
            authorize(
                cluster.store, call.user,
                Wish(verb, resource.group, resource.plural, call.subresource, call.namespace, name),
            )  # fmt: skip
            if not call.namespace and resource.namespaced and verb == "create":
                raise method_not_allowed()
            if watching:
                watch(call, lambda: True)  # refuses a selector that cannot be read before anything is sent
                return 200, None
            if resource in REVIEWS:
                return 201, review(call)
            if resource in USAGE:
                return 200, usage(call)
            if call.subresource and call.subresource != "status":
                return _subresource(call, verb)
            if resource.stored == "" or (verb not in resource.verbs):
                raise method_not_allowed()
            return _object(call, verb)


def _object(call: Call, verb: str) -> tuple[int, Json]:
    match verb:
        case "list":
            return 200, listed(call)
        case "get":
            return 200, single(call)
        case "create":
            return 201, shaped(call, create(call))
        case "update":
            return 200, shaped(call, update(call))
        case "patch":
            body, status = patch(call)
            return status, shaped(call, body)
        case "delete":
            return 200, delete(call)
        case "deletecollection":
            return 200, delete_collection(call)
        case _:
            raise method_not_allowed()


def _subresource(call: Call, verb: str) -> tuple[int, Json | LogRequest]:
    match call.subresource, verb:
        case "log", "get":
            return 200, parse_log_request(call)
        case "eviction", "create":
            return 201, evict(call)
        case "token", "create":
            return 201, token_request(call)
        case "scale", "get":
            return 200, scale_of(call.current())
        case ("scale", "update") | ("finalize", "update"):
            return 200, update(call)
        case "scale", "patch":
            body, status = patch(call)
            return status, body
        case _:
            raise method_not_allowed()


def _target(group: str, version: str, rest: list[str]) -> tuple[Resource, str, list[str]]:
    """Resource, namespace, and what follows: name and subresource. Raises Refused (404)."""
    if rest[0] == "namespaces" and len(rest) > 2 and not (len(rest) == 3 and rest[2] in ("status", "finalize")):
        resource, namespace, tail = find_resource(group, version, rest[2]), rest[1], rest[3:]
        if resource is None or not resource.namespaced:
            raise no_such_resource()
    else:
        resource, namespace, tail = find_resource(group, version, rest[0]), "", rest[1:]
        if resource is None or (resource.namespaced and tail):
            raise no_such_resource()
    if len(tail) > 2 or (len(tail) == 2 and tail[1] not in resource.subresources):
        raise no_such_resource()
    return resource, namespace, tail


def _verb(call: Call, *, watching: bool) -> str:
    if watching:
        return "watch"
    verb = _VERBS[call.method]
    if call.name:
        if verb == "create" and not call.subresource:
            raise method_not_allowed()
        return verb
    return {"get": "list", "delete": "deletecollection"}.get(verb, verb)


def _selected_name(call: Call) -> str:
    """The one name a field selector picks, which is what a right for one name is judged by."""
    for part in call.parameters.get("fieldSelector", "").split(","):
        field, _, value = part.partition("=")
        if field == "metadata.name":
            return value.lstrip("=")
    return ""


def _discover(request: Request, root: str) -> Response:
    accept = request.headers.get("accept", "")
    if "as=APIGroupDiscoveryList" in accept and "v=v2" in accept:
        return _json(discovery.aggregated(core=root == "api"), media_type=discovery.AGGREGATED)
    return _json(discovery.core_versions(request.url.netloc) if root == "api" else discovery.group_list())


def _json(body: Any, status: int = 200, media_type: str = "application/json") -> Response:
    return Response(json.dumps(body, separators=(",", ":")) + "\n", status, media_type=media_type)
