"""A patch of any one object, told field by field, with the patch that takes it back."""

from __future__ import annotations

import json
from typing import Any, Literal

from autodevops.domain.tool_results import Undo, WriteResult
from autodevops.kernel.errors import ToolRejected
from autodevops.servers.kubernetes.changes import patch, result, subject
from autodevops.servers.kubernetes.cluster import Cluster, Object
from autodevops.servers.kubernetes.discovery import ResourceType
from autodevops.servers.kubernetes.edits import reverse_patch, touched
from autodevops.servers.kubernetes.objects import tidy

PatchType = Literal["strategic", "merge", "json"]

MAX_UNDO_BYTES = 64 * 1024


def patch_object(
    cluster: Cluster,
    word: str,
    name: str,
    namespace: str,
    body: dict[str, Any] | list[dict[str, Any]],
    patch_type: PatchType,
    version: str,
    dry_run: bool,
) -> WriteResult:
    """Raises ToolRejected when the object is not at `version`, and as the API server does for what it refuses."""
    kind = cluster.type_of(word)
    where = cluster.namespace_of(kind, namespace)
    wanted = _checked(body, patch_type)
    before = cluster.read_object(kind, name, where)
    found = str(before["metadata"].get("resourceVersion", ""))
    if version and version != found:
        raise ToolRejected(
            f"{subject(kind, before)} is at resource version {found}, not {version}.", "Read it again, and decide anew."
        )
    # Always bound to what was just read: otherwise `before` and `undo` could be about another state than was patched.
    reply = patch(
        cluster,
        kind,
        before,
        _bound(wanted, found),
        patch_type=patch_type,
        dry_run=dry_run,
        params=[("fieldValidation", "Strict")],  # a misspelt field is an error, not a patch without effect
    )
    after = cluster.api.understood(reply)
    return result(
        "patch_resource",
        kind,
        before,
        after,
        dry_run=dry_run,
        summary=f"{subject(kind, before)} is patched.",
        unchanged=f"{subject(kind, before)} is so already; the patch changes nothing.",
        undo=_undo(kind, word, where, before, after),
        warnings=reply.warnings,
    )


def _checked(body: dict[str, Any] | list[dict[str, Any]], patch_type: PatchType) -> Any:
    """Raises ToolRejected for a patch of another form."""
    if not isinstance(body, list if patch_type == "json" else dict):
        form = 'a list of operations such as [{"op": "replace", ...}]' if patch_type == "json" else "an object"
        raise ToolRejected(f"A patch of type {patch_type} is {form}.", "Correct the patch or its patch_type.")
    return body


def _bound(body: Any, version: str) -> Any:
    if isinstance(body, list):
        return [{"op": "replace", "path": "/metadata/resourceVersion", "value": version}, *body]
    metadata = body.get("metadata") or {}
    return {**body, "metadata": {**(metadata if isinstance(metadata, dict) else {}), "resourceVersion": version}}


def _undo(kind: ResourceType, word: str, namespace: str, before: Object, after: Object) -> Undo:
    if kind.is_secret:
        return Undo(possible=False, note="A Secret's values are never shown, so what was is not known here.")
    old, new = (
        touched(tidy(one, api_version=kind.api_version, kind=kind.kind, secret=False)) for one in (before, after)
    )
    back = reverse_patch(new, old)
    if len(json.dumps(back)) > MAX_UNDO_BYTES:
        return Undo(possible=False, note="The patch back is too large to show; read the object before you apply it.")
    return Undo(
        possible=True,
        tool="patch_resource",
        arguments={
            "kind": word,
            "name": before["metadata"]["name"],
            "namespace": namespace,
            "patch": back,
            "patch_type": "merge",
            "dry_run": False,
        },
        note="Valid while nobody else changes those fields.",
    )
