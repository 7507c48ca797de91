"""What every write goes through: decoding, defaults, admission, validation, the question who owns what, the store.

The verbs are in the neighbours (`create.py`, `change.py`, `delete.py`); nothing is stored when it is a dry run.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Literal

from autodevops.sandbox.basics.hashing import uid
from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.cluster.admission import Denied, admit
from autodevops.sandbox.cluster.defaults import with_defaults
from autodevops.sandbox.cluster.store import Json, copied, key_of
from autodevops.sandbox.kubernetes import schema
from autodevops.sandbox.kubernetes.call import Call
from autodevops.sandbox.kubernetes.conversion import as_stored
from autodevops.sandbox.kubernetes.ownership import Writer
from autodevops.sandbox.kubernetes.resources import Resource, resource_of
from autodevops.sandbox.kubernetes.status import Refused, already_exists, bad_request, details_of, forbidden, invalid
from autodevops.sandbox.kubernetes.validation.changes import validate_change
from autodevops.sandbox.kubernetes.validation.objects import validate


def decoded(call: Call, document: Any) -> Json:
    """What a client wrote, in the version the store has. Raises Refused (400) for what cannot be decoded."""
    resource = call.resource
    if not isinstance(document, dict) or not document:
        raise bad_request("the object provided is unrecognized (must be of type JSON)")
    kind, version = document.get("kind") or resource.kind, document.get("apiVersion") or resource.api_version
    if (kind, version) != (resource.kind, resource.api_version):
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({resource.api_version})"
            if kind == resource.kind
            else f'{kind} in version "{version}" cannot be handled as a {resource.kind}: converting is not possible'
        )
    item = {**without_nulls(document), "kind": kind, "apiVersion": version}
    if not isinstance(item.get("metadata", {}), dict):
        raise bad_request(
            f'{kind} in version "{resource.version}" cannot be handled as a {kind}: metadata is no object'
        )
    item.setdefault("metadata", {})
    _check_fields(call, item)
    return as_stored(resource, item)


def _check_fields(call: Call, item: Json) -> None:
    resource = call.resource
    says = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
    if fault := schema.type_fault(resource, item):
        raise bad_request(says + fault)
    mode = call.parameters.get("fieldValidation") or "Warn"
    if mode == "Ignore":
        return
    unknown = [f'unknown field "{path}"' for path in schema.unknown_fields(resource, item)]
    if unknown and mode == "Strict":
        raise bad_request(f"{says}strict decoding error: {', '.join(unknown)}")
    call.warnings.extend(unknown)


def without_nulls(value: Any) -> Any:
    """A document without what it sets to null, which is as good as absent."""
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def check_namespace(call: Call, item: Json) -> None:
    """The namespace of the path and of the object must agree. Raises Refused (400)."""
    meta = item["metadata"]
    if not call.resource.namespaced:
        meta.pop("namespace", None)
    elif meta.setdefault("namespace", call.namespace) != call.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
            if call.namespace
            else "an empty namespace may not be set during creation"
        )


def writer_of(call: Call, operation: Literal["Apply", "Update"]) -> Writer:
    subresource = call.subresource if call.subresource in ("status", "scale") else ""
    return Writer(call.manager, operation, call.resource.api_version, rfc3339(call.now), subresource)


def store_new(call: Call, item: Json, *, dry_run: bool) -> Json:
    """A new object through defaults, admission and validation into the store. Raises Refused."""
    resource, meta = call.resource, item["metadata"]
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = call.store.free_name(call.resource.stored, call.namespace, str(meta["generateName"]))
    item = _prepared(with_defaults(item))
    _check_home(call, item)
    _check(resource, item, validate(item))
    item = _admitted(call, item, "CREATE", None)
    _check(resource, item, validate(item))
    key = key_of(item)
    if call.store.get(*key) is not None:
        raise already_exists(resource, key.name)
    if dry_run:
        meta = item["metadata"]
        meta |= {"uid": uid("dry run", *key, call.store.revision), "creationTimestamp": rfc3339(call.now)}
        return item
    return call.store.create(item)


def store_change(call: Call, item: Json, before: Json, *, dry_run: bool, status: bool = False) -> Json:
    """A new version of an object through defaults, admission and validation into the store. Raises Refused."""
    item = _prepared(with_defaults(item)) if not status else item
    meta = item["metadata"]
    for name in ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"):
        if meta.get(name) in (None, "", 0):
            meta.pop(name, None)
        if name in before["metadata"]:
            meta.setdefault(name, before["metadata"][name])
            if name != "uid":
                meta[name] = before["metadata"][name]
        elif name in meta:
            del meta[name]
    if not status:
        faults = [*validate(item), *validate_change(item, before)]
        _check(resource_of(item["kind"]) if call.subresource == "scale" else call.resource, item, faults)
        item = _admitted(call, item, "UPDATE", before)
    meta["resourceVersion"] = before["metadata"]["resourceVersion"]
    if dry_run or item == before:
        return item
    return write(call, item, before)


def write(call: Call, item: Json, before: Json) -> Json:
    """Put a version there as it is; an object that only waited for its last finalizer goes."""
    key = key_of(item)

    def become(found: Json) -> None:
        found.clear()
        found.update(copied(item))

    written = call.store.edit(key, become)
    meta = item["metadata"]
    held = before["metadata"].get("finalizers") and not meta.get("finalizers") and meta.get("deletionTimestamp")
    if key.kind == "Pod" and held and not meta.get("deletionGracePeriodSeconds"):
        call.store.remove(key)
    return item if written is None else written


def _prepared(item: Json) -> Json:
    """What a kind's own strategy makes of an object before it is validated."""
    if item["kind"] == "Secret" and "stringData" in item:
        texts = item.pop("stringData")
        item["data"] = {**(item.get("data") or {}), **{key: _base64(text) for key, text in texts.items()}}
    return item


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _admitted(call: Call, item: Json, operation: Literal["CREATE", "UPDATE"], before: Json | None) -> Json:
    try:
        return admit(call.store, item, operation, before)
    except Denied as denied:
        details = details_of(call.resource, str(item["metadata"].get("name", "")))
        raise Refused(denied.code, denied.reason, str(denied), details) from denied


def _check(resource: Resource, item: Json, faults: list[Any]) -> None:
    if faults:
        raise invalid(resource, str(item["metadata"].get("name", "")), faults)


def _check_home(call: Call, item: Json) -> None:
    """The NamespaceLifecycle plugin: a home that is there and is to stay. Raises Refused (403, 404)."""
    namespace = item["metadata"].get("namespace")
    if not call.resource.namespaced or not namespace:
        return
    home = call.store.get("Namespace", "", namespace)
    if home is None:
        message = f'namespaces "{namespace}" not found'
        raise Refused(404, "NotFound", message, {"name": namespace, "kind": "namespaces"})
    if home["metadata"].get("deletionTimestamp"):
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        refused = forbidden(call.resource, str(item["metadata"].get("name", "")), why)
        message = f"namespace {namespace} is being terminated"
        cause = {"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}
        refused.body["details"]["causes"] = [cause]
        raise refused


def precondition(item: Json, wanted: Mapping[str, Any]) -> str:
    """Why a write's preconditions do not hold; empty when they do."""
    meta = item["metadata"]
    if wanted.get("uid") and wanted["uid"] != meta["uid"]:
        return f"Precondition failed: UID in precondition: {wanted['uid']}, UID in object meta: {meta['uid']}"
    if wanted.get("resourceVersion") and wanted["resourceVersion"] != meta["resourceVersion"]:
        return (
            f"Precondition failed: ResourceVersion in precondition: {wanted['resourceVersion']}, "
            f"ResourceVersion in object meta: {meta['resourceVersion']}"
        )
    return ""
