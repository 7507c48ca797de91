"""What the API server does to an object before it is stored: defaults, and the admission plugins' yes or no.

First the plugins that change the object, in the API server's order; then its name is made up, if it has none; then
those that only judge, the quotas last. Each plugin is a file in `admitting`. Webhooks are not emulated.
"""

from __future__ import annotations

from typing import Literal

from autodevops.sandbox.cluster.admitting import (
    jobs,
    limits,
    namespaces,
    pod_security,
    pods,
    quotas,
    service_accounts,
    services,
    storage,
)
from autodevops.sandbox.cluster.defaults import with_defaults
from autodevops.sandbox.cluster.denied import Denied as Denied
from autodevops.sandbox.cluster.kinds import KINDS
from autodevops.sandbox.cluster.store import Json, Store


def admit(store: Store, item: Json, operation: Literal["CREATE", "UPDATE"], before: Json | None = None) -> Json:
    """The object as it will be stored; `item` itself is left as it is. Raises Denied."""
    item = with_defaults(item)
    if operation == "UPDATE":
        return _changed(store, item, before)
    namespaces.check(store, item)
    kind, meta = str(item["kind"]), item["metadata"]
    if kind == "Pod":
        limits.set_defaults(store, item)
        service_accounts.set_account(store, item)
        pods.set_priority(store, item)
        pods.set_tolerations(item)
    elif kind == "PersistentVolumeClaim":
        storage.set_class(store, item)
    elif kind == "Ingress":
        services.set_ingress_class(store, item)
    storage.protect(item)
    if not meta.get("name") and meta.get("generateName"):
        namespace = str(meta.get("namespace", "")) if KINDS[kind].namespaced else ""
        meta["name"] = store.free_name(kind, namespace, str(meta["generateName"]))
    if kind == "Service":
        services.allocate(store, item)
    elif kind == "Job":
        jobs.set_selector(store, item)
    limits.check(store, item)
    if kind == "Pod":
        pod_security.check(store, item)
    quotas.check(store, item)
    return item


def _changed(store: Store, item: Json, before: Json | None) -> Json:
    if item["kind"] == "Service":
        services.allocate(store, item, before)
    if item["kind"] == "PersistentVolumeClaim" and before is not None:
        storage.check_growth(store, item, before)
    if item["kind"] in ("Service", "PersistentVolumeClaim"):
        quotas.check(store, item, before)
    return item
