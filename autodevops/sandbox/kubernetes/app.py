"""The API server's routes: paths are taken apart here, everything else is in the neighbours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from autodevops.sandbox.kubernetes import discovery
from autodevops.sandbox.kubernetes.access import access_review, authenticate, authorize, rules_review
from autodevops.sandbox.kubernetes.logs import log_lines, parse_log_request
from autodevops.sandbox.kubernetes.protobuf import MEDIA_TYPE, decode_review
from autodevops.sandbox.kubernetes.reads import listed, parse_query, single
from autodevops.sandbox.kubernetes.resources import Resource, find_resource, groups
from autodevops.sandbox.kubernetes.status import Refused, bad_request, no_such_resource
from autodevops.sandbox.kubernetes.watch import watch
from autodevops.sandbox.kubernetes.writes import (
    change_deployment,
    current,
    delete_pod,
    patched,
    scale_of,
    with_scale,
)
from autodevops.sandbox.world.templates import Json
from autodevops.sandbox.world.world import World

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def create_app(world: World, token: str) -> Starlette:
    """The API server over `world`; every request but /version and the health checks needs the bearer token."""
    app = Starlette(routes=[Route("/{path:path}", _Api(world, token).answer, methods=_METHODS)])
    app.state.closing = False
    return app


class _Api:
    def __init__(self, world: World, token: str) -> None:
        self._world, self._token = world, token

    async def answer(self, request: Request) -> Response:
        try:
            authenticate(request, self._token)
            return await self._route(request, [part for part in request.path_params["path"].split("/") if part])
        except Refused as refused:
            return _json(refused.body, refused.code)

    async def _route(self, request: Request, parts: list[str]) -> Response:
        match parts:
            case ["version"]:
                return _json(discovery.version())
            case ["healthz" | "livez" | "readyz", *_]:
                return PlainTextResponse("ok")
            case [("api" | "apis") as root]:
                return self._discover(request, root)
            case ["apis", group] if group in groups():
                return _json({"kind": "APIGroup", "apiVersion": "v1", **discovery.group(group)})
            case ["api", "v1", *rest]:
                return await self._versioned(request, "", "v1", rest)
            case ["apis", group, version, *rest] if groups().get(group) == version:
                return await self._versioned(request, group, version, rest)
            case [] if request.method == "GET":
                return _json({"paths": ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/readyz", "/version"]})
            case _:
                return PlainTextResponse("404 page not found\n", 404)

    def _discover(self, request: Request, root: str) -> Response:
        accept = request.headers.get("accept", "")
        if "as=APIGroupDiscoveryList" in accept and "v=v2" in accept:
            return _json(discovery.aggregated(core=root == "api"), media_type=discovery.AGGREGATED)
        if root == "api":
            return _json(discovery.core_versions(request.url.netloc))
        return _json(discovery.group_list())

    async def _versioned(self, request: Request, group: str, version: str, rest: list[str]) -> Response:
        match rest:
            case []:
                return _json(discovery.resource_list(group, version))
            case ["namespaces", namespace, plural, *tail]:
                resource = find_resource(group, version, plural)
                if resource is None or not resource.namespaced:
                    raise no_such_resource()
            case [plural, *tail]:
                namespace = ""
                resource = find_resource(group, version, plural)
                if resource is None or (resource.namespaced and tail):
                    raise no_such_resource()
            case _:
                raise no_such_resource()
        match tail:
            case []:
                return await self._collection(request, resource, namespace)
            case [name]:
                return await self._object(request, resource, namespace, name)
            case [name, subresource] if subresource in resource.subresources:
                return await self._subresource(request, resource, namespace, name, subresource)
            case _:
                raise no_such_resource()

    async def _collection(self, request: Request, resource: Resource, namespace: str) -> Response:
        parameters = request.query_params
        if request.method == "POST":
            authorize(resource, "create", namespace, "")
            if request.headers.get("content-type", "").startswith(MEDIA_TYPE):
                review = decode_review(await request.body())
            else:
                review = await _body(request)
            answer = access_review if resource.kind == "SelfSubjectAccessReview" else rules_review
            return _json(answer(review), 201)
        if request.method not in ("GET", "HEAD"):
            verb = "deletecollection" if request.method == "DELETE" else _VERBS[request.method]
            authorize(resource, verb, namespace, "")
            raise _method_not_allowed()
        watching = parameters.get("watch", "").lower() in ("true", "1")
        authorize(resource, "watch" if watching else "list", namespace, "")
        if watching:
            return self._watch(request, resource, namespace)
        query = parse_query(resource, namespace, parameters, request.headers.get("accept", ""))
        return _json(await run_in_threadpool(listed, self._world, query, parameters))

    async def _object(self, request: Request, resource: Resource, namespace: str, name: str) -> Response:
        verb = _VERBS.get(request.method, "get")
        authorize(resource, verb, namespace, name)
        parameters = request.query_params
        if verb == "get":
            if parameters.get("watch", "").lower() in ("true", "1"):
                return self._watch(request, resource, namespace, name)
            include = {"includeObject": parameters.get("includeObject", "")}
            query = parse_query(resource, namespace, include, request.headers.get("accept", ""))
            return _json(await run_in_threadpool(single, self._world, query, name))
        if verb == "delete":
            body = await _body(request)
            dry_run = _dry_run(parameters) or body.get("dryRun") == ["All"]
            return _json(delete_pod(self._world, resource, namespace, name, dry_run=dry_run))
        before = current(self._world, resource, namespace, name)
        after = await self._written(request, before)
        return _json(change_deployment(self._world, resource, before, after, dry_run=_dry_run(parameters)))

    async def _subresource(
        self, request: Request, resource: Resource, namespace: str, name: str, subresource: str
    ) -> Response:
        authorize(resource, _VERBS.get(request.method, "get"), namespace, name, subresource)
        world, state = self._world, request.app.state
        if subresource == "log":
            wanted = parse_log_request(world, resource, namespace, name, request.query_params)
            return StreamingResponse(log_lines(world, wanted, lambda: state.closing), media_type="text/plain")
        deployment = current(world, resource, namespace, name)
        if request.method in ("GET", "HEAD"):
            return _json(scale_of(deployment))
        scale = await self._written(request, scale_of(deployment))
        dry_run = _dry_run(request.query_params)
        wanted_deployment = with_scale(deployment, scale)
        return _json(scale_of(change_deployment(world, resource, deployment, wanted_deployment, dry_run=dry_run)))

    async def _written(self, request: Request, before: Json) -> Json:
        body = await _body(request)
        if request.method == "PUT":
            if not isinstance(body, dict):
                raise bad_request("the body is no object")
            return body
        media_type = request.headers.get("content-type", "").partition(";")[0].strip()
        return patched(before, body, media_type)

    def _watch(self, request: Request, resource: Resource, namespace: str, name: str = "") -> Response:
        parameters = request.query_params
        query = parse_query(resource, namespace, parameters, request.headers.get("accept", ""), name)
        state = request.app.state
        return StreamingResponse(
            watch(self._world, query, parameters, lambda: state.closing), media_type="application/json"
        )


def _method_not_allowed() -> Refused:
    return Refused(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def _dry_run(parameters: Mapping[str, str]) -> bool:
    value = parameters.get("dryRun", "")
    if value not in ("", "All"):
        raise Refused(422, "Invalid", f'dryRun: Unsupported value: "{value}": supported values: "All"')
    return value == "All"


async def _body(request: Request) -> Any:
    data = await request.body()
    if not data:
        return {}
    try:
        return json.loads(data)
    except ValueError as error:
        raise bad_request(f"the object provided is unrecognized (must be of type JSON): {error}") from error


def _json(body: Json, status: int = 200, media_type: str = "application/json") -> Response:
    return Response(json.dumps(body, separators=(",", ":")) + "\n", status, media_type=media_type)
