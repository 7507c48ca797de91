"""NamespaceLifecycle: nothing is made in a namespace that is not there or is on its way out."""

from __future__ import annotations

from autodevops.sandbox.cluster.denied import Denied, forbidden
from autodevops.sandbox.cluster.kinds import KINDS
from autodevops.sandbox.cluster.store import Json, Store


def check(store: Store, item: Json) -> None:
    """Raises Denied."""
    if not KINDS[item["kind"]].namespaced:
        return
    name = str(item["metadata"].get("namespace") or "default")
    namespace = store.get("Namespace", "", name)
    if namespace is None:
        raise Denied(404, "NotFound", f'namespaces "{name}" not found')
    if "deletionTimestamp" in namespace["metadata"] or namespace.get("status", {}).get("phase") == "Terminating":
        raise forbidden(item, f"unable to create new content in namespace {name} because it is being terminated")


def labels_of(store: Store, namespace: str) -> dict[str, str]:
    found = store.get("Namespace", "", namespace)
    return (found["metadata"].get("labels") or {}) if found else {}
