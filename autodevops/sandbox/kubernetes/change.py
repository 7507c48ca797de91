"""PUT and PATCH, of an object, its status or its scale."""

from __future__ import annotations

from typing import Any

from autodevops.sandbox.cluster.patches import json_patch, merge_patch, strategic_merge_patch
from autodevops.sandbox.cluster.store import Json, copied
from autodevops.sandbox.kubernetes.call import Call, unsupported_media_type
from autodevops.sandbox.kubernetes.conversion import as_served
from autodevops.sandbox.kubernetes.create import check_rights
from autodevops.sandbox.kubernetes.ownership import after_update, applied
from autodevops.sandbox.kubernetes.scale import scale_of, with_scale
from autodevops.sandbox.kubernetes.status import Refused, bad_request, conflict, invalid
from autodevops.sandbox.kubernetes.validation.faults import required
from autodevops.sandbox.kubernetes.writes import (
    check_namespace,
    decoded,
    precondition,
    store_change,
    store_new,
    without_nulls,
    writer_of,
)

APPLY = "application/apply-patch+yaml"
_PATCHES = {
    "application/json-patch+json": json_patch,
    "application/merge-patch+json": merge_patch,
    "application/strategic-merge-patch+json": strategic_merge_patch,
}


def update(call: Call) -> Json:
    """PUT: the object as it is then. Raises Refused."""
    before = call.current()
    document = call.document()
    if call.subresource == "scale":
        return _scaled(call, before, document)
    return _changed(call, before, decoded(call, document))


def patch(call: Call) -> tuple[Json, int]:
    """PATCH: the object as it is then, and 201 when an apply made it. Raises Refused."""
    media_type = call.media_type()
    if media_type == APPLY:
        return _apply(call)
    if media_type not in _PATCHES:
        raise unsupported_media_type([*_PATCHES, APPLY])
    if call.parameters.get("force"):
        raise invalid(call.resource, "", [required("force", "")])
    before, document = call.current(), call.document()
    shown = scale_of(before) if call.subresource == "scale" else as_served(call.resource, before)
    after = _patched(shown, document, media_type)
    if call.subresource == "scale":
        return _scaled(call, before, after), 200
    return _changed(call, before, decoded(call, after)), 200


def _patched(document: Json, wanted: Any, media_type: str) -> Json:
    try:
        found = _PATCHES[media_type](document, wanted)
    except ValueError as error:
        if media_type != "application/json-patch+json":
            raise bad_request(str(error)) from error
        says = "the server rejected our request due to an error in our request"
        raise Refused(422, "Invalid", str(error) if "failed" in str(error) else says, {}) from error
    if not isinstance(found, dict):
        raise bad_request("the patch does not leave an object")
    return found


def _changed(call: Call, before: Json, item: Json) -> Json:
    meta = item["metadata"]
    if meta.setdefault("name", call.name) != call.name:
        raise bad_request(f"the name of the object ({meta['name']}) does not match the name on the URL ({call.name})")
    check_namespace(call, item)
    version = meta.get("resourceVersion")
    if version and version != before["metadata"]["resourceVersion"]:
        raise conflict(call.resource, call.name)
    if why := precondition(before, {"uid": meta.get("uid")}):
        raise conflict(call.resource, call.name, why)
    if call.subresource == "status":
        item = {**copied(before), "status": item.get("status") or {}}
    elif call.subresource == "finalize":
        item = {**copied(before), "spec": {"finalizers": (item.get("spec") or {}).get("finalizers") or []}}
    elif call.resource.status:
        item.pop("status", None)
        if "status" in before:
            item["status"] = copied(before["status"])
    check_rights(call, item)
    item["metadata"]["managedFields"] = after_update(item, before, writer_of(call, "Update"))
    if not item["metadata"]["managedFields"]:
        del item["metadata"]["managedFields"]
    written = store_change(call, item, before, dry_run=call.dry_run(), status=call.subresource == "status")
    return as_served(call.resource, written)


def _scaled(call: Call, before: Json, scale: Any) -> Json:
    if not isinstance(scale, dict):
        raise bad_request("the object provided is unrecognized (must be of type Scale)")
    version = (scale.get("metadata") or {}).get("resourceVersion")
    if version and version != before["metadata"]["resourceVersion"]:
        raise conflict(call.resource, call.name)
    item = with_scale(before, scale)
    item["metadata"]["managedFields"] = after_update(item, before, writer_of(call, "Update"))
    return scale_of(store_change(call, item, before, dry_run=call.dry_run()))


def _apply(call: Call) -> tuple[Json, int]:
    """Server-side apply."""
    if not call.parameters.get("fieldManager"):
        problem = required("fieldManager", "is required for apply patch")
        raise invalid(call.resource, "", [problem])
    document = call.document()
    if not isinstance(document, dict):
        raise bad_request("error decoding YAML: the object is no map")
    meta = document.get("metadata") or {}
    if meta.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    wanted = decoded(call, document)
    if wanted["metadata"].setdefault("name", call.name) != call.name:
        name = wanted["metadata"]["name"]
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.name})")
    check_namespace(call, wanted)
    before = call.store.get(*call.key)
    writer, force = writer_of(call, "Apply"), call.flag("force")
    if call.subresource == "status":
        wanted = {name: value for name, value in wanted.items() if name in ("kind", "apiVersion", "metadata", "status")}
    elif call.resource.status:
        wanted.pop("status", None)
    item = applied(before, without_nulls(wanted), writer, force=force)
    check_rights(call, item)
    dry_run = call.dry_run()
    if before is None:
        if call.subresource:
            call.current()
        return as_served(call.resource, store_new(call, item, dry_run=dry_run)), 201
    version = meta.get("resourceVersion")
    if version and version != before["metadata"]["resourceVersion"]:
        raise conflict(call.resource, call.name)
    written = store_change(call, item, before, dry_run=dry_run, status=call.subresource == "status")
    return as_served(call.resource, written), 200
