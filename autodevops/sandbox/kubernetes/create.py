"""POST to a collection: a new object."""

from __future__ import annotations

from autodevops.sandbox.cluster.rbac import may_grant
from autodevops.sandbox.cluster.store import Json, Key
from autodevops.sandbox.kubernetes.call import Call
from autodevops.sandbox.kubernetes.conversion import as_served
from autodevops.sandbox.kubernetes.ownership import after_update
from autodevops.sandbox.kubernetes.reads import has_expired
from autodevops.sandbox.kubernetes.status import bad_request, forbidden
from autodevops.sandbox.kubernetes.writes import check_namespace, decoded, store_new, writer_of

_FROM_SYSTEM = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")


def create(call: Call) -> Json:
    """The object as it is stored. Raises Refused."""
    return as_served(call.resource, create_from(call, decoded(call, call.document()), dry_run=call.dry_run()))


def create_from(call: Call, item: Json, *, dry_run: bool) -> Json:
    """Store a new object out of what a client wrote. Raises Refused."""
    meta = item["metadata"]
    if meta.pop("resourceVersion", ""):
        raise bad_request("resourceVersion should not be set on objects to be created")
    for name in _FROM_SYSTEM:
        meta.pop(name, None)
    check_namespace(call, item)
    if call.resource.status:
        item.pop("status", None)
    check_rights(call, item)
    meta.pop("managedFields", None)
    meta["managedFields"] = after_update(item, None, writer_of(call, "Update"))
    stale = call.store.get(call.resource.stored, call.namespace, str(meta.get("name", "")))
    if stale is not None and has_expired(call.store, stale) and not dry_run:
        call.store.remove(Key("Event", call.namespace, meta["name"]))
    return store_new(call, item, dry_run=dry_run)


def check_rights(call: Call, item: Json) -> None:
    """Nobody hands out rights he has not (RBAC's escalation check). Raises Refused (403)."""
    kind, name = item["kind"], str(item["metadata"].get("name", ""))
    if kind in ("Role", "ClusterRole"):
        rules = item.get("rules") or []
    elif kind in ("RoleBinding", "ClusterRoleBinding"):
        reference = item.get("roleRef") or {}
        role_kind = str(reference.get("kind", ""))
        if role_kind not in ("Role", "ClusterRole"):
            return
        role = call.store.get(role_kind, call.namespace if role_kind == "Role" else "", str(reference.get("name", "")))
        rules = (role or {}).get("rules") or []
    else:
        return
    if not may_grant(call.store, call.user, rules, call.namespace):
        groups = ", ".join(f'"{one}"' for one in call.user.groups)
        raise forbidden(
            call.resource,
            name,
            f'user "{call.user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held',
        )
