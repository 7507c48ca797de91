"""/openapi/v3: for each API version which resources it has, and the fields of their kinds.

The fields are those of `schema.py`; nothing is described in words, so `kubectl explain` shows names and types alone."""

from __future__ import annotations

import re
from functools import cache

from autodevops.sandbox.basics.hashing import digest
from autodevops.sandbox.cluster.merging import merge_keys
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes import schema
from autodevops.sandbox.kubernetes.resources import RESOURCES, Resource

_WRITES = {"create": "post", "update": "put", "patch": "patch"}
_PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
    for name in ("dryRun", "fieldManager", "fieldValidation")
]


def index() -> Json:
    """GET /openapi/v3."""
    roots = dict.fromkeys(_root(one) for one in RESOURCES)
    return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash={digest(root)}"} for root in roots}}


@cache
def document(root: str) -> Json | None:
    """GET /openapi/v3/apis/GROUP/VERSION; None when there is no such version."""
    resources = [one for one in RESOURCES if _root(one) == root]
    if not resources:
        return None
    schemas: dict[str, Json] = {}
    paths: Json = {}
    for resource in resources:
        model = schema.model_of(resource.api_version, resource.kind)
        _add(schemas, model)
        if _name(model) in schemas:
            schemas[_name(model)]["x-kubernetes-group-version-kind"] = [_kind(resource)]
        paths |= _paths(resource, model)
    info = {"title": "Kubernetes", "version": "v1.34.2"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _root(resource: Resource) -> str:
    return f"apis/{resource.api_version}" if resource.group else "api/v1"


def _kind(resource: Resource) -> Json:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _paths(resource: Resource, model: str) -> Json:
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    collection = f"/{_root(resource)}{scope}/{resource.plural}"
    found: Json = {collection: {}, f"{collection}/{{name}}": {}}
    reference = {"$ref": f"#/components/schemas/{_name(model)}"}
    for verb in resource.verbs:
        if verb in _WRITES:
            path = collection if verb == "create" else f"{collection}/{{name}}"
            found[path][_WRITES[verb]] = {
                "parameters": _PARAMETERS,
                "requestBody": {"content": {"*/*": {"schema": reference}}},
                "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": reference}}}},
                "x-kubernetes-action": verb if verb != "create" else "post",
                "x-kubernetes-group-version-kind": _kind(resource),
            }
    found[f"{collection}/{{name}}"]["get"] = {
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": reference}}}},
        "x-kubernetes-action": "get",
        "x-kubernetes-group-version-kind": _kind(resource),
    }
    return found


def _name(model: str) -> str:
    """`V1PodSpec` as `io.k8s.api.v1.PodSpec`: clients show what is after the last dot."""
    match = re.fullmatch(r"([A-Za-z]*?)(V[0-9]+)([A-Z].*)", model)
    if match is None:
        return model
    return f"io.k8s.api.{match[1].lower() or 'any'}.{match[2].lower()}.{match[3]}"


def _add(schemas: dict[str, Json], model: str) -> None:
    if not model or _name(model) in schemas:
        return
    properties: Json = {}
    schemas[_name(model)] = {"type": "object", "properties": properties}
    for name, kind in schema.fields_of(model).items():
        properties[name] = _type(schemas, kind)
        keys = merge_keys((model, name))
        if keys and properties[name].get("type") == "array":
            properties[name] |= {
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": list(keys),
                "x-kubernetes-patch-strategy": "merge",
                "x-kubernetes-patch-merge-key": keys[0],
            }


def _type(schemas: dict[str, Json], kind: str) -> Json:
    shape, inside = schema.element_of(kind)
    match shape:
        case "list":
            return {"type": "array", "items": _type(schemas, inside)}
        case "map":
            return {"type": "object", "additionalProperties": _type(schemas, inside)}
        case "model":
            _add(schemas, inside)
            return {"allOf": [{"$ref": f"#/components/schemas/{_name(inside)}"}], "default": {}}
    plain: dict[str, Json] = {
        "int": {"type": "integer", "format": "int32"},
        "bool": {"type": "boolean"},
        "float": {"type": "number"},
        "datetime": {"type": "string", "format": "date-time"},
        "object": {"x-kubernetes-int-or-string": True, "oneOf": [{"type": "integer"}, {"type": "string"}]},
    }
    return dict(plain.get(inside, {"type": "string"}))
